using MetricsOperator.PromQL.Engine;

namespace MetricsOperator.Server.Memory;

/// <summary>
/// The queries that run and the bytes that each of them holds, for whoever has to refuse or cancel some of them. When all together hold too
/// much, the heaviest is cancelled. Thread-safe.
/// </summary>
/// <param name="maxQueryBytes">Most bytes of one query.</param>
/// <param name="maxTotalBytes">Most bytes of all queries.</param>
internal sealed class QueryGate(long maxQueryBytes = long.MaxValue, long maxTotalBytes = long.MaxValue)
{
    private const string Advice = "ask for fewer series or steps, or raise --memory.budget";

    private readonly Lock _gate = new();
    private readonly List<Running> _running = [];
    private volatile string? _refusal;

    /// <summary>Why new queries are refused; null when they are not.</summary>
    public string? Refusal
    {
        get => _refusal;
        set => _refusal = value;
    }

    /// <summary>Most bytes of one query.</summary>
    public long MaxQueryBytes { get; } = maxQueryBytes;

    /// <summary>Queries refused and cancelled since the start.</summary>
    public (long Refused, long Cancelled) Counts => (Interlocked.Read(ref _refused), Interlocked.Read(ref _cancelled));

    /// <summary>Bytes that all queries hold.</summary>
    public long HeldBytes => Interlocked.Read(ref _held);

    private long _refused;
    private long _cancelled;
    private long _held;

    /// <summary>Lets a query in.</summary>
    /// <param name="problem">Why it is refused, or null.</param>
    /// <param name="cancellation">Stops the query when its client is gone.</param>
    /// <param name="maxBytes">Most bytes of this query; that of all queries wins when it is lower.</param>
    /// <param name="advice">What the error says about that.</param>
    public Running? Enter(out string? problem, CancellationToken cancellation, long maxBytes = long.MaxValue, string? advice = null)
    {
        problem = _refusal;
        if (problem is not null)
        {
            Interlocked.Increment(ref _refused);
            return null;
        }

        var ownLimit = maxBytes < MaxQueryBytes;
        var query = new Running(
            this, CancellationTokenSource.CreateLinkedTokenSource(cancellation), ownLimit ? maxBytes : MaxQueryBytes, ownLimit ? advice ?? Advice : Advice);
        lock (_gate)
        {
            _running.Add(query);
        }

        return query;
    }

    /// <summary>Cancels the query that holds most bytes, of equals the oldest; false when there is none that is not cancelled yet.</summary>
    public bool CancelHeaviest(string why)
    {
        lock (_gate)
        {
            // MaxBy takes the first of equals, and queries stand in the order of their start.
            if (_running.Where(q => q.Cancelled is null).MaxBy(q => q.Memory.Held) is not { } heaviest)
            {
                return false;
            }

            Interlocked.Increment(ref _cancelled);
            heaviest.Cancel(why);
            return true;
        }
    }

    private void Changed(long bytes)
    {
        var held = Interlocked.Add(ref _held, bytes);
        if (bytes <= 0 || held <= maxTotalBytes)
        {
            return;
        }

        lock (_gate)
        {
            // One at a time: what it gives back may be enough.
            if (!_running.Exists(q => q.Cancelled is not null))
            {
                CancelHeaviest(
                    $"query cancelled: it is the heaviest of queries that hold {held} bytes in memory, more than the limit of {maxTotalBytes} for all together: {Advice}");
            }
        }
    }

    /// <summary>One running query; disposing it is leaving.</summary>
    internal sealed class Running : IDisposable
    {
        private readonly QueryGate _owner;
        private readonly CancellationTokenSource _source;
        private volatile string? _why;

        internal Running(QueryGate owner, CancellationTokenSource source, long maxBytes, string advice)
        {
            _owner = owner;
            _source = source;
            Stop = source.Token;
            Memory = new QueryMemory(maxBytes, advice, Changed);
        }

        /// <summary>The bytes that the query holds.</summary>
        public QueryMemory Memory { get; }

        /// <summary>Told of the bytes that the query holds, on its thread, whenever they change.</summary>
        public Action<long>? Holds { get; set; }

        /// <summary>Stops the query.</summary>
        public CancellationToken Stop { get; }

        /// <summary>Why it was cancelled; null when it was not.</summary>
        public string? Cancelled => _why;

        public void Dispose()
        {
            lock (_owner._gate)
            {
                _owner._running.Remove(this);
            }

            Interlocked.Add(ref _owner._held, -Memory.Held);
            _source.Dispose();
        }

        internal void Cancel(string why)
        {
            _why = why;
            _source.Cancel();
        }

        private void Changed(long bytes)
        {
            Holds?.Invoke(Memory.Held);
            _owner.Changed(bytes);
        }
    }
}
