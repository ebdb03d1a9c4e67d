using System.Diagnostics;
using MetricsOperator.KubeClient.Diagnostics;

namespace MetricsOperator.KubeClient.Controllers;

/// <summary>
/// Keys to work on. A key is in the queue once however often it is added; it is handed to one worker at a time; added while being worked on it comes
/// again after <see cref="Done"/>. Higher priority first, then first in first out. Delays and back-off do not hold a worker. Safe for concurrent use.
/// </summary>
public sealed class WorkQueue<TKey> : IDisposable
    where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, Entry> _entries = [];
    private readonly Dictionary<TKey, int> _failures = [];
    private readonly PriorityQueue<(Entry Entry, long Stamp), (int Order, long Sequence)> _ready = new();
    private readonly PriorityQueue<(Entry Entry, long Stamp), DateTimeOffset> _delayed = new();
    private readonly LinkedList<TaskCompletionSource<WorkItem<TKey>>> _takers = new();
    private readonly WorkQueueOptions _options;
    private readonly ITimer _timer;
    private readonly KeyValuePair<string, object?> _tag;
    private readonly IDisposable _gauges;
    private long _sequence;
    private int _readyCount;
    private bool _disposed;

    /// <param name="name">Label of the metrics.</param>
    /// <param name="options">Null takes the defaults.</param>
    public WorkQueue(string name, WorkQueueOptions? options = null)
    {
        Name = name;
        _options = options ?? new WorkQueueOptions();
        _tag = new("name", name);
        _timer = _options.Time.CreateTimer(_ => MoveDue(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _gauges = WorkQueueGauges.Register(name, Ages);
    }

    private enum State
    {
        Idle,
        Delayed,
        Ready,
        Processing,

        /// <summary>Being worked on, and added again meanwhile.</summary>
        ProcessingDirty,
    }

    public string Name { get; }

    /// <summary>Keys ready to be taken; delayed ones do not count.</summary>
    public int Depth
    {
        get
        {
            lock (_gate)
            {
                return _readyCount;
            }
        }
    }

    /// <summary>Makes the key ready now. A key that already waits keeps its place unless this priority is higher.</summary>
    public void Add(TKey key, int priority = WorkPriority.Dependent)
    {
        lock (_gate)
        {
            if (!_disposed)
            {
                Add_NeedsLock(key, priority);
            }
        }
    }

    /// <summary>Makes the key ready after a delay, unless it becomes ready before. Of several delays the shortest counts.</summary>
    public void AddAfter(TKey key, TimeSpan delay, int priority = WorkPriority.Dependent)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            if (delay <= TimeSpan.Zero)
            {
                Add_NeedsLock(key, priority);
                return;
            }

            var entry = Entry_NeedsLock(key);
            var due = _options.Time.GetUtcNow() + delay;
            if (entry.State is State.Ready or State.ProcessingDirty || entry.Due <= due)
            {
                return;
            }

            entry.Due = due;
            entry.DelayedPriority = priority;
            entry.DelayStamp = ++_sequence;
            if (entry.State == State.Idle)
            {
                entry.State = State.Delayed;
            }

            _delayed.Enqueue((entry, entry.DelayStamp), due);
            SetTimer_NeedsLock();
        }
    }

    /// <summary>Makes the key ready after its back-off, which doubles with each call until <see cref="Forget"/>.</summary>
    public void AddRateLimited(TKey key, int priority = WorkPriority.Dependent)
    {
        int failures;
        lock (_gate)
        {
            failures = _failures.GetValueOrDefault(key);
            _failures[key] = failures + 1;
        }

        KubeClientMeter.QueueRetries.Add(1, _tag);
        var backoff = _options.MinBackoff.TotalSeconds * Math.Pow(2, Math.Min(failures, 60));
        var capped = Math.Min(backoff, _options.MaxBackoff.TotalSeconds);
        AddAfter(key, TimeSpan.FromSeconds(capped * (1 + (_options.Jitter * Random.Shared.NextDouble()))), priority);
    }

    /// <summary>How often the key was added with back-off since it was last forgotten.</summary>
    public int Failures(TKey key)
    {
        lock (_gate)
        {
            return _failures.GetValueOrDefault(key);
        }
    }

    /// <summary>The key is well: its next back-off starts small.</summary>
    public void Forget(TKey key)
    {
        lock (_gate)
        {
            _failures.Remove(key);
        }
    }

    /// <summary>The next key, when there is one; call <see cref="Done"/> for it when finished.</summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the queue is disposed.</exception>
    public async ValueTask<WorkItem<TKey>> TakeAsync(CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        LinkedListNode<TaskCompletionSource<WorkItem<TKey>>> taker;
        lock (_gate)
        {
            if (_disposed)
            {
                throw new OperationCanceledException("the queue is closed");
            }

            if (_readyCount > 0)
            {
                return Take_NeedsLock();
            }

            taker = _takers.AddLast(new TaskCompletionSource<WorkItem<TKey>>(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        using var registration = cancellation.Register(() => Withdraw(taker, cancellation));
        return await taker.Value.Task.ConfigureAwait(false);
    }

    /// <summary>Work on a taken key has ended; the key may be taken again.</summary>
    /// <exception cref="InvalidOperationException">The key is not being worked on.</exception>
    public void Done(TKey key)
    {
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out var entry) || entry.State is not (State.Processing or State.ProcessingDirty))
            {
                throw new InvalidOperationException($"BUG: Done for {key} in queue {Name}, which is not being worked on");
            }

            KubeClientMeter.WorkDuration.Record(_options.Time.GetElapsedTime(entry.Since).TotalSeconds, _tag);
            if (entry.State == State.ProcessingDirty)
            {
                MakeReady_NeedsLock(entry, entry.Priority);
            }
            else if (entry.Due is not null)
            {
                entry.State = State.Delayed;
            }
            else
            {
                entry.State = State.Idle;
                _entries.Remove(key);
            }
        }
    }

    /// <summary>Ends all waiting takers; later adds are ignored.</summary>
    public void Dispose()
    {
        List<TaskCompletionSource<WorkItem<TKey>>> takers;
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            takers = [.. _takers];
            _takers.Clear();
            KubeClientMeter.QueueDepth.Add(-_readyCount, _tag);
        }

        _timer.Dispose();
        _gauges.Dispose();
        foreach (var taker in takers)
        {
            taker.TrySetCanceled();
        }
    }

    private void Add_NeedsLock(TKey key, int priority)
    {
        var entry = Entry_NeedsLock(key);
        switch (entry.State)
        {
            case State.Idle:
            case State.Delayed:
                MakeReady_NeedsLock(entry, priority);
                break;
            case State.Ready when priority > entry.Priority:
                entry.Priority = priority;
                Enqueue_NeedsLock(entry);
                break;
            case State.Processing:
                entry.State = State.ProcessingDirty;
                entry.Priority = priority;
                entry.Due = null;
                break;
            case State.ProcessingDirty:
                entry.Priority = Math.Max(entry.Priority, priority);
                break;
        }
    }

    private Entry Entry_NeedsLock(TKey key)
    {
        if (!_entries.TryGetValue(key, out var entry))
        {
            _entries[key] = entry = new Entry(key);
        }

        return entry;
    }

    private void MakeReady_NeedsLock(Entry entry, int priority)
    {
        entry.State = State.Ready;
        entry.Priority = priority;
        entry.Due = null;
        entry.Since = _options.Time.GetTimestamp();
        _readyCount++;
        KubeClientMeter.QueueAdds.Add(1, _tag);
        KubeClientMeter.QueueDepth.Add(1, _tag);
        Enqueue_NeedsLock(entry);
        if (_takers.First is { } taker)
        {
            _takers.RemoveFirst();
            taker.Value.TrySetResult(Take_NeedsLock());
        }
    }

    private void Enqueue_NeedsLock(Entry entry)
    {
        entry.ReadyStamp = ++_sequence;
        _ready.Enqueue((entry, entry.ReadyStamp), (-entry.Priority, entry.ReadyStamp));
    }

    private WorkItem<TKey> Take_NeedsLock()
    {
        while (true)
        {
            var (entry, stamp) = _ready.Dequeue();
            if (entry.State != State.Ready || entry.ReadyStamp != stamp)
            {
                // The key moved to a higher priority; this is its old place.
                continue;
            }

            entry.State = State.Processing;
            _readyCount--;
            KubeClientMeter.QueueDepth.Add(-1, _tag);
            KubeClientMeter.QueueDuration.Record(_options.Time.GetElapsedTime(entry.Since).TotalSeconds, _tag);
            entry.Since = _options.Time.GetTimestamp();
            return new WorkItem<TKey>(entry.Key, entry.Priority);
        }
    }

    private void MoveDue()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            var now = _options.Time.GetUtcNow();
            while (_delayed.TryPeek(out var item, out var due) && due <= now)
            {
                _delayed.Dequeue();
                if (item.Entry.Due is not null && item.Entry.DelayStamp == item.Stamp)
                {
                    item.Entry.Due = null;
                    Add_NeedsLock(item.Entry.Key, item.Entry.DelayedPriority);
                }
            }

            SetTimer_NeedsLock();
        }
    }

    private void SetTimer_NeedsLock()
    {
        if (_delayed.TryPeek(out _, out var due))
        {
            var wait = due - _options.Time.GetUtcNow();
            _timer.Change(wait > TimeSpan.FromMilliseconds(1) ? wait : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        }
    }

    private void Withdraw(LinkedListNode<TaskCompletionSource<WorkItem<TKey>>> taker, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (taker.List is null)
            {
                // A key was handed over already; it is being worked on.
                return;
            }

            _takers.Remove(taker);
        }

        taker.Value.TrySetCanceled(cancellation);
    }

    private (double Sum, double Longest) Ages()
    {
        lock (_gate)
        {
            double sum = 0;
            double longest = 0;
            foreach (var entry in _entries.Values)
            {
                if (entry.State is State.Processing or State.ProcessingDirty)
                {
                    var age = _options.Time.GetElapsedTime(entry.Since).TotalSeconds;
                    sum += age;
                    longest = Math.Max(longest, age);
                }
            }

            return (sum, longest);
        }
    }

    [DebuggerDisplay("{Key} {State}")]
    private sealed class Entry(TKey key)
    {
        public TKey Key { get; } = key;
        public State State { get; set; }
        public int Priority { get; set; }
        public long ReadyStamp { get; set; }

        /// <summary>When the key becomes ready by itself; null for never.</summary>
        public DateTimeOffset? Due { get; set; }
        public int DelayedPriority { get; set; }
        public long DelayStamp { get; set; }

        /// <summary>Timestamp of becoming ready or of being taken.</summary>
        public long Since { get; set; }
    }
}
