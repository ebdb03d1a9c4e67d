using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// The newest samples in memory. A commit goes to the log first and then, under one write lock, into memory, so that readers see all of
/// it or nothing. Thread-safe.
/// </summary>
internal sealed partial class MemoryHead : IDisposable
{
    private readonly ReaderWriterLockSlim _lock = new();
    private readonly Lock _commitGate = new();
    private readonly ManualResetEventSlim _readerClosed = new();
    private readonly HeadReaders _readers = new();
    private readonly Stack<HeadBatch> _batches = new();
    private readonly Dictionary<string, MetricMetadata> _metadata = new(StringComparer.Ordinal);
    private readonly List<ulong> _newlyLogged = [];
    private HeadLog? _log;
    private int _unlogged;
    private byte _round;
    private long _minTime = long.MaxValue;
    private long _maxTime = long.MinValue;
    private long _minValidTime = long.MinValue;

    public MemoryHead(HeadChunkFiles chunkFiles, long chunkRangeMs)
    {
        ChunkFiles = chunkFiles;
        ChunkRangeMs = chunkRangeMs;
        Samples = new SampleWriter(Store, chunkFiles, chunkRangeMs);
        Postings = new HeadPostings(Store);
    }

    public SeriesStore Store { get; } = new();

    public SampleWriter Samples { get; }

    public HeadPostings Postings { get; }

    public HeadChunkFiles ChunkFiles { get; }

    /// <summary>Samples that came late.</summary>
    public OutOfOrderSamples OutOfOrder { get; } = new();

    /// <summary>How much older than the newest sample of the head a late one may be; 0 refuses them.</summary>
    public long OutOfOrderWindowMs { get; init; }

    /// <summary>Deletions that the log holds, by series reference.</summary>
    public Tombstones Tombstones { get; } = new();

    /// <summary>True while late samples are in memory that only chunks of another server have on the disk.</summary>
    public bool HasForeignLateChunks { get; set; }

    public HeadCounters Counters { get; } = new();

    /// <summary>Which new series are accepted.</summary>
    public SeriesAdmission Admission { get; } = new();

    /// <summary>Bytes of memory in use: series, labels, index, chunks, histograms and late samples.</summary>
    public long Bytes => Store.Bytes + Samples.HistogramBytes + OutOfOrder.Bytes;

    public long ChunkRangeMs { get; }

    /// <summary>Oldest sample that the head answers for; <see cref="long.MaxValue"/> when it never had one.</summary>
    public long MinTime => Volatile.Read(ref _minTime);

    /// <summary>Newest sample; <see cref="long.MinValue"/> when it never had one.</summary>
    public long MaxTime => Volatile.Read(ref _maxTime);

    /// <summary>Samples before this time are in blocks and refused.</summary>
    public long MinValidTime => Volatile.Read(ref _minValidTime);

    public int SeriesCount => Store.Count;

    public HeadReaders Readers => _readers;

    public HeadLog Log => _log ?? throw new InvalidOperationException("BUG: the head has no log yet");

    /// <summary>From here on commits are logged.</summary>
    public void AttachLog(HeadLog log) => _log = log;

    public HeadStats Stats()
    {
        _lock.EnterReadLock();
        try
        {
            return new HeadStats(
                Store.Count, Store.Postings.PairCount, Samples.OpenChunks + Samples.SealedChunks, MinTime, MaxTime, Bytes);
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    /// <summary>Runs a function while the index does not change; it must be short.</summary>
    public T Read<T>(Func<MemoryHead, T> read)
    {
        _lock.EnterReadLock();
        try
        {
            return read(this);
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    /// <summary>True if a reference, its aliases included, means a series of the head.</summary>
    public bool HasSeries(ulong reference)
    {
        _lock.EnterReadLock();
        try
        {
            return Store.Find(reference) >= 0;
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    /// <summary>Ends the log segment that is written to, and returns the number of the next one.</summary>
    public int StartLogSegment()
    {
        lock (_commitGate)
        {
            Log.Wal.NextSegment();
            return Log.Wal.Segment;
        }
    }

    /// <summary>Runs an action while everything that is in the log is in memory and the other way round; it must be short.</summary>
    public void AtLogEnd(Action<HeadLog> action)
    {
        lock (_commitGate)
        {
            _lock.EnterReadLock();
            try
            {
                action(Log);
            }
            finally
            {
                _lock.ExitReadLock();
            }
        }
    }

    /// <summary>Counts the series that are not in the log yet; to be called once, when a head came from a state of it.</summary>
    public void CountUnlogged()
    {
        _unlogged = 0;
        for (var number = 0; number < Store.Count; number++)
        {
            _unlogged += Store[number].IsLogged ? 0 : 1;
        }
    }

    /// <summary>Runs an action while nobody else looks at the head.</summary>
    public void Change(Action<MemoryHead> change)
    {
        _lock.EnterWriteLock();
        try
        {
            change(this);
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>Series without samples that the last truncation spared because they had just been looked up.</summary>
    public int SparedSeries { get; private set; }

    /// <summary>Starts a new round: series that are not looked up in this one or the next may be forgotten once they have no samples.</summary>
    public void NextRound() => Change(head => head._round++);

    /// <summary>Opens a view of a time range; see <see cref="HeadView"/>.</summary>
    public HeadView OpenView(long minTime, long maxTime)
    {
        _lock.EnterWriteLock();
        try
        {
            var view = new HeadView(this, minTime, Math.Max(minTime, MinTime), maxTime, _readers.Sequence);
            _readers.Add(view);
            return view;
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    public void Close(HeadView view)
    {
        _lock.EnterWriteLock();
        try
        {
            _readers.Remove(view);
        }
        finally
        {
            _lock.ExitWriteLock();
        }

        _readerClosed.Set();
    }

    /// <summary>Widens the time range after a sample; for the replay, which runs alone.</summary>
    public void ObserveTime(long timestamp)
    {
        if (timestamp < _minTime)
        {
            Volatile.Write(ref _minTime, timestamp);
        }

        if (timestamp > _maxTime)
        {
            Volatile.Write(ref _maxTime, timestamp);
        }
    }

    public void Dispose()
    {
        try
        {
            _log?.Dispose();
        }
        finally
        {
            ChunkFiles.Dispose();

            // Whoever reads at this moment is waited for; later readers find an empty head.
            Change(head => head.Store.Dispose());
            _readerClosed.Dispose();
        }
    }
}
