namespace MetricsOperator.Server.Memory;

/// <summary>The queries that run, for whoever has to refuse or cancel some of them. Thread-safe.</summary>
internal sealed class QueryGate
{
    private readonly Lock _gate = new();
    private readonly List<Running> _running = [];
    private volatile string? _refusal;

    /// <summary>Why new queries are refused; null when they are not.</summary>
    public string? Refusal
    {
        get => _refusal;
        set => _refusal = value;
    }

    /// <summary>Queries refused and cancelled since the start.</summary>
    public (long Refused, long Cancelled) Counts => (Interlocked.Read(ref _refused), Interlocked.Read(ref _cancelled));

    private long _refused;
    private long _cancelled;

    /// <summary>Lets a query in.</summary>
    /// <param name="problem">Why it is refused, or null.</param>
    /// <param name="cancellation">Stops the query when its client is gone.</param>
    public Running? Enter(out string? problem, CancellationToken cancellation)
    {
        problem = _refusal;
        if (problem is not null)
        {
            Interlocked.Increment(ref _refused);
            return null;
        }

        var query = new Running(this, CancellationTokenSource.CreateLinkedTokenSource(cancellation));
        lock (_gate)
        {
            _running.Add(query);
        }

        return query;
    }

    /// <summary>Cancels the query that runs longest; false when there is none that is not cancelled yet.</summary>
    public bool CancelOldest(string why)
    {
        lock (_gate)
        {
            if (_running.Find(q => q.Cancelled is null) is not { } oldest)
            {
                return false;
            }

            Interlocked.Increment(ref _cancelled);
            oldest.Cancel(why);
            return true;
        }
    }

    /// <summary>One running query; disposing it is leaving.</summary>
    internal sealed class Running(QueryGate owner, CancellationTokenSource source) : IDisposable
    {
        private volatile string? _why;

        /// <summary>Stops the query.</summary>
        public CancellationToken Stop { get; } = source.Token;

        /// <summary>Why it was cancelled; null when it was not.</summary>
        public string? Cancelled => _why;

        public void Dispose()
        {
            lock (owner._gate)
            {
                owner._running.Remove(this);
            }

            source.Dispose();
        }

        internal void Cancel(string why)
        {
            _why = why;
            source.Cancel();
        }
    }
}
