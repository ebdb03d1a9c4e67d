namespace MetricsOperator.Server.Hosting;

/// <summary>Something that goes on as long as the server does its work.</summary>
/// <param name="Name">What it is, for the log.</param>
/// <param name="Count">Grows with everything it does.</param>
/// <param name="Patience">How long it may stand still; null while it has nothing to do.</param>
internal sealed record SignOfLife(string Name, Func<long> Count, Func<TimeSpan?> Patience);

/// <summary>
/// Finds a process that is alive and does nothing, such as one whose threads wait for one another: nobody else can tell it from one that is idle. It has
/// a thread of its own, since those of the pool may be what is stuck, and counts its own rounds instead of looking at a clock: a machine that was asleep
/// or a process that got no CPU at all is not a stall.
/// </summary>
internal sealed class StallWatch : IDisposable
{
    private readonly TimeSpan _interval;
    private readonly Watched[] _watched;
    private readonly Action<string> _onStalled;
    private readonly Thread _thread;
    private readonly ManualResetEventSlim _stop = new();
    private long _poolRounds;

    /// <param name="interval">Time between two looks.</param>
    /// <param name="patience">How long the thread pool may not run anything.</param>
    /// <param name="signs">What else to look at.</param>
    /// <param name="onStalled">Told once, on the watch's thread, what stands still.</param>
    public StallWatch(TimeSpan interval, TimeSpan patience, IEnumerable<SignOfLife> signs, Action<string> onStalled)
    {
        _interval = interval;
        _onStalled = onStalled;
        var pool = new SignOfLife("the thread pool", () => Interlocked.Read(ref _poolRounds), () => patience);
        _watched = [.. signs.Prepend(pool).Select(s => new Watched(s))];
        _thread = new Thread(Run) { IsBackground = true, Name = "stall watch" };
    }

    public void Start() => _thread.Start();

    /// <summary>One look.</summary>
    /// <returns>What stands still, and for how long; null when nothing does.</returns>
    public string? Look()
    {
        ThreadPool.UnsafeQueueUserWorkItem(static watch => Interlocked.Increment(ref watch._poolRounds), this, preferLocal: false);
        foreach (var watched in _watched)
        {
            if (watched.Look(_interval) is { } silence)
            {
                return $"{watched.Sign.Name} has done nothing for {silence.TotalSeconds:F0} s";
            }
        }

        return null;
    }

    public void Dispose()
    {
        _stop.Set();
        if (_thread.IsAlive && Environment.CurrentManagedThreadId != _thread.ManagedThreadId)
        {
            _thread.Join();
        }

        _stop.Dispose();
    }

    private void Run()
    {
        while (!_stop.Wait(_interval))
        {
            if (Look() is { } what)
            {
                _onStalled(what);
                return;
            }
        }
    }

    private sealed class Watched(SignOfLife sign)
    {
        private long _last = long.MinValue;
        private int _silentRounds;

        public SignOfLife Sign { get; } = sign;

        public TimeSpan? Look(TimeSpan interval)
        {
            var count = Sign.Count();
            var patience = Sign.Patience();
            _silentRounds = count == _last && patience is not null ? _silentRounds + 1 : 0;
            _last = count;
            var silence = interval * _silentRounds;
            return silence >= patience && _silentRounds > 0 ? silence : null;
        }
    }
}
