using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;
using MetricsOperator.Tsdb.Blocks;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// The newest samples in memory. A commit goes to the log first and then, under one write lock, into memory, so that readers see all of
/// it or nothing. Thread-safe.
/// </summary>
internal sealed class MemoryHead : IDisposable
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

    /// <summary>Deletions that the log holds, by series reference.</summary>
    public Tombstones Tombstones { get; } = new();

    public HeadCounters Counters { get; } = new();

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
                Store.Count, Store.Postings.PairCount, Samples.OpenChunks + Samples.SealedChunks, MinTime, MaxTime, Store.Bytes + Samples.HistogramBytes);
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

    public HeadAppender CreateAppender()
    {
        HeadBatch? batch;
        lock (_batches)
        {
            _batches.TryPop(out batch);
        }

        return new HeadAppender(this, batch ?? new HeadBatch());
    }

    /// <summary>Takes the buffers of an ended transaction back.</summary>
    public void Return(HeadBatch batch)
    {
        batch.Clear();
        lock (_batches)
        {
            _batches.Push(batch);
        }
    }

    /// <summary>Oldest time that a transaction which begins with a sample of this time may write.</summary>
    public long AppendableFrom(long timestamp)
    {
        var newest = MaxTime;
        return Math.Max(MinValidTime, (newest == long.MinValue ? timestamp : newest) - (ChunkRangeMs / 2));
    }

    /// <summary>Reference of the series with these labels, which is created if need be.</summary>
    public ulong GetOrCreate(LabelSet labels, List<ulong> created)
    {
        _lock.EnterReadLock();
        try
        {
            var number = Store.Find(labels);
            if (number >= 0)
            {
                Store[number].TouchedIn = _round;
                return Store[number].Reference;
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }

        _lock.EnterWriteLock();
        try
        {
            var number = Store.Find(labels);
            if (number < 0)
            {
                number = Store.Create(labels, 0);
                _unlogged++;
                Counters.SeriesCreated++;
                created.Add(Store[number].Reference);
            }

            Store[number].TouchedIn = _round;
            return Store[number].Reference;
        }
        finally
        {
            _lock.ExitWriteLock();
        }
    }

    /// <summary>Whether a float sample may be added; <paramref name="instead"/> is the histogram sample that it has to become.</summary>
    public AppendOutcome Check(ulong series, long timestamp, double value, long minTime, out bool isRepetition, out FloatHistogram? instead)
    {
        AppendOutcome outcome;
        isRepetition = false;
        instead = null;
        _lock.EnterReadLock();
        try
        {
            if (!Find(series, timestamp, minTime, out var number, out outcome))
            {
                return Rejected(outcome);
            }

            ref var found = ref Store[number];
            if (SampleWriter.IsHistogramMarker(in found, value))
            {
                instead = new FloatHistogram { Sum = StaleMarker.Value };
                outcome = Samples.Check(in found, timestamp, instead, out isRepetition);
            }
            else
            {
                outcome = SampleWriter.Check(in found, timestamp, value, out isRepetition);
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }

        return Rejected(outcome);
    }

    /// <summary>Whether a histogram sample may be added.</summary>
    public AppendOutcome Check(ulong series, long timestamp, FloatHistogram histogram, long minTime, out bool isRepetition)
    {
        AppendOutcome outcome;
        isRepetition = false;
        _lock.EnterReadLock();
        try
        {
            if (Find(series, timestamp, minTime, out var number, out outcome))
            {
                outcome = Samples.Check(in Store[number], timestamp, histogram, out isRepetition);
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }

        return Rejected(outcome);
    }

    /// <summary>Logs a transaction and makes it visible.</summary>
    /// <exception cref="StorageException">The log could not be written; nothing is visible.</exception>
    public void Commit(HeadBatch batch)
    {
        lock (_commitGate)
        {
            try
            {
                LogSeries(batch);
                LogMetadata(batch);
                Log.AddSamples(batch.SampleSpan);
                Log.AddHistograms(batch.Histograms);
                Log.AddExemplars(batch.Exemplars);
                Log.Wal.Write();
            }
            catch (StorageException)
            {
                Log.Wal.Discard();
                UnmarkLogged();
                Interlocked.Increment(ref Counters.WalWritesFailed);
                throw;
            }

            _lock.EnterWriteLock();
            try
            {
                MarkLogged();
                Apply(batch);
                _readers.Committed(batch.SampleSpan, batch.Histograms);
                Counters.CommitsDone++;
            }
            finally
            {
                _lock.ExitWriteLock();
            }
        }
    }

    /// <summary>Ends a transaction without its samples. Its series are logged all the same: others may already use them.</summary>
    public void Forget(HeadBatch batch)
    {
        if (batch.Created.Count == 0)
        {
            return;
        }

        batch.Samples.Clear();
        batch.Histograms.Clear();
        batch.Exemplars.Clear();
        batch.Metadata.Clear();
        Commit(batch);
    }

    /// <summary>Newest metadata of all metrics.</summary>
    public IReadOnlyDictionary<string, MetricMetadata> AllMetadata()
    {
        lock (_metadata)
        {
            return new Dictionary<string, MetricMetadata>(_metadata, StringComparer.Ordinal);
        }
    }

    public MetricMetadata? Metadata(string metricName)
    {
        lock (_metadata)
        {
            return _metadata.GetValueOrDefault(metricName);
        }
    }

    /// <summary>Remembers the metadata of a metric; false when it is known already.</summary>
    public bool SetMetadata(string metricName, MetricMetadata metadata)
    {
        lock (_metadata)
        {
            if (_metadata.TryGetValue(metricName, out var known) && known == metadata)
            {
                return false;
            }

            _metadata[metricName] = metadata;
            return true;
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
            var view = new HeadView(this, Math.Max(minTime, MinTime), maxTime, _readers.Sequence);
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

    /// <summary>Refuses samples before a time from here on; what was accepted before is in memory when this returns.</summary>
    public void RefuseBefore(long minTime) => Change(head => Volatile.Write(ref head._minValidTime, Math.Max(head._minValidTime, minTime)));

    /// <summary>
    /// Forgets samples before a time, which are in a block now, and series without newer ones. Waits for readers of that time.
    /// </summary>
    /// <param name="minTime">First time that stays.</param>
    /// <param name="removed">References of the series that were forgotten.</param>
    /// <param name="cancellation">Stops the waiting.</param>
    /// <returns>False when readers did not finish in a minute; nothing was forgotten then.</returns>
    public bool Truncate(long minTime, out IReadOnlyList<ulong> removed, CancellationToken cancellation)
    {
        removed = [];
        Change(head => Volatile.Write(ref head._minTime, Math.Max(head._minTime, minTime)));
        for (var attempt = 0; Read(head => head._readers.AnyBefore(minTime)); attempt++)
        {
            if (attempt == 600)
            {
                return false;
            }

            _readerClosed.Reset();
            _readerClosed.Wait(100, cancellation);
        }

        var gone = new List<ulong>();
        lock (_commitGate)
        {
            Change(head => gone = head.Collect(minTime));
        }

        ChunkFiles.Truncate(minTime);
        removed = gone;
        Counters.Truncations++;
        return true;
    }

    public void Dispose()
    {
        _log?.Dispose();
        ChunkFiles.Dispose();
        _readerClosed.Dispose();
        _lock.Dispose();
    }

    private List<ulong> Collect(long minTime)
    {
        var chunks = Samples.OpenChunks + Samples.SealedChunks;
        var unlogged = _unlogged;
        var spared = 0;
        var removed = Store.RemoveAll(number =>
        {
            ref var series = ref Store[number];

            if (!Samples.DropBefore(ref series, minTime))
            {
                return false;
            }

            // An appender may hold the reference and write a sample in a moment; a later round takes the series.
            if ((byte)(_round - series.TouchedIn) <= 1)
            {
                spared++;
                return false;
            }

            unlogged -= series.IsLogged ? 0 : 1;
            return true;
        });
        _unlogged = unlogged;
        SparedSeries = spared;
        Tombstones.DropBefore(minTime);
        Counters.SeriesRemoved += removed.Count;
        Counters.ChunksRemoved += chunks - Samples.OpenChunks - Samples.SealedChunks;
        return removed;
    }

    private bool Find(ulong series, long timestamp, long minTime, out int number, out AppendOutcome outcome)
    {
        number = Store.Find(series);
        if (number < 0)
        {
            outcome = AppendOutcome.UnknownSeries;
            return false;
        }

        Store[number].TouchedIn = _round;
        outcome = timestamp < minTime ? AppendOutcome.OutOfBounds : AppendOutcome.Ok;
        return outcome == AppendOutcome.Ok;
    }

    private AppendOutcome Rejected(AppendOutcome outcome)
    {
        if (outcome != AppendOutcome.Ok)
        {
            Counters.CountRejected(outcome);
        }

        return outcome;
    }

    private void LogSeries(HeadBatch batch)
    {
        _newlyLogged.Clear();
        if (Volatile.Read(ref _unlogged) == 0)
        {
            return;
        }

        _lock.EnterReadLock();
        try
        {
            foreach (var series in batch.Created)
            {
                LogSeries(series);
            }

            // Samples of a series that another transaction created must not be in the log before the series.
            foreach (var sample in batch.Samples)
            {
                LogSeries(sample.Series);
            }

            foreach (var histogram in batch.Histograms)
            {
                LogSeries(histogram.Series);
            }
        }
        finally
        {
            _lock.ExitReadLock();
        }
    }

    private void LogSeries(ulong reference)
    {
        var number = Store.Find(reference);
        if (number < 0 || Store[number].IsLogged)
        {
            return;
        }

        Log.AddSeries(reference, Store.LabelSetAt(Store[number].Labels));
        Store[number].IsLogged = true;
        _newlyLogged.Add(reference);
    }

    private void MarkLogged()
    {
        _unlogged -= _newlyLogged.Count;
        _newlyLogged.Clear();
    }

    private void UnmarkLogged() => Change(head =>
    {
        foreach (var reference in head._newlyLogged)
        {
            var number = head.Store.Find(reference);
            if (number >= 0)
            {
                head.Store[number].IsLogged = false;
            }
        }

        head._newlyLogged.Clear();
    });

    private void LogMetadata(HeadBatch batch)
    {
        foreach (var (series, metadata) in batch.Metadata)
        {
            var name = Read(head =>
            {
                var number = head.Store.Find(series);
                return number < 0 ? null : Encoding.UTF8.GetString(head.Store.ValueOf(head.Store[number].Labels, LabelNames.MetricNameUtf8));
            });
            if (name is not null && SetMetadata(name, metadata))
            {
                Log.AddMetadata(series, metadata);
            }
        }
    }

    private void Apply(HeadBatch batch)
    {
        var chunks = Samples.OpenChunks + Samples.SealedChunks;
        foreach (ref readonly var sample in batch.SampleSpan)
        {
            var number = Store.Find(sample.Series);
            if (number < 0)
            {
                Counters.SeriesNotFound++;
                continue;
            }

            ref var series = ref Store[number];
            var outcome = sample.Timestamp < _minValidTime
                ? AppendOutcome.OutOfBounds
                : SampleWriter.Check(in series, sample.Timestamp, sample.Value, out _);
            if (outcome == AppendOutcome.Ok && sample.Timestamp > series.LastTime)
            {
                Samples.Append(ref series, sample.Timestamp, sample.Value);
                ObserveTime(sample.Timestamp);
                Counters.FloatsAppended++;
            }
            else
            {
                Rejected(outcome);
            }
        }

        foreach (var histogram in batch.Histograms)
        {
            var number = Store.Find(histogram.Series);
            if (number < 0)
            {
                Counters.SeriesNotFound++;
                continue;
            }

            ref var series = ref Store[number];
            var outcome = histogram.Timestamp < _minValidTime
                ? AppendOutcome.OutOfBounds
                : Samples.Check(in series, histogram.Timestamp, histogram.Value, out _);
            if (outcome == AppendOutcome.Ok && histogram.Timestamp > series.LastTime)
            {
                Samples.Append(ref series, histogram.Timestamp, histogram.Value);
                ObserveTime(histogram.Timestamp);
                Counters.HistogramsAppended++;
            }
            else
            {
                Rejected(outcome);
            }
        }

        Counters.ChunksCreated += Samples.OpenChunks + Samples.SealedChunks - chunks;
    }
}
