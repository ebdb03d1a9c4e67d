using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Compaction;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Querying;
using MetricsOperator.Tsdb.Recovery;
using Microsoft.Extensions.Logging;
using IQueryable = MetricsOperator.Timeseries.Contracts.IQueryable;

namespace MetricsOperator.Tsdb;

/// <summary>A data directory in Prometheus' format: head, write-ahead log and blocks. One process at a time; thread-safe.</summary>
public sealed partial class TimeSeriesDb : IAppendable, IQueryable, IDisposable
{
    /// <summary>Starts that may end in the replay before the log is replayed in parts.</summary>
    private const int MaxFailedReplays = 2;

    /// <summary>Parts of a log that two starts could not replay in one go.</summary>
    private const int FirstPartitions = 4;

    private readonly TsdbOptions _options;
    private readonly BootJournal _journal;
    private readonly DirectoryLock _lock;
    private readonly BlockSet _blocks;
    private readonly MemoryHead _head;
    private readonly HeadStateKeeper _headState;
    private readonly Maintenance _maintenance;
    private readonly Lock _maintenanceGate = new();
    private readonly TsdbMeter _meter;
    private readonly LabelCache _labels;
    private bool _isDisposed;

    private TimeSeriesDb(
        TsdbOptions options, DirectoryLock directoryLock, BlockSet blocks, OpenedHead opened, string walDirectory, string lateDirectory, BootJournal journal)
    {
        _journal = journal;
        _options = options;
        _lock = directoryLock;
        _blocks = blocks;
        _head = opened.Head;
        _headState = opened.State;
        _maintenance = new Maintenance(options, _head, _headState, blocks, walDirectory, lateDirectory);
        _labels = new LabelCache(options.LabelCacheBytes);
        _meter = new TsdbMeter(options, _head, _headState, blocks, _maintenance, _labels, directoryLock.WasLeftBehind);
    }

    /// <summary>Figures of the head; cheap.</summary>
    public HeadStats HeadStats => _head.Stats();

    /// <summary>Small files beside the data.</summary>
    public CompanionFiles Companions => new(_options.Files, _options.Path);

    /// <summary>Blocks that are open, oldest first.</summary>
    public IReadOnlyList<BlockMeta> Blocks => _blocks.Metas;

    /// <summary>Opens the directory and replays its log.</summary>
    /// <param name="options">The directory and how to keep it.</param>
    /// <param name="progress">Called on this thread a few times a second while replaying.</param>
    /// <param name="cancellation">Stops the replay; the directory stays as it was.</param>
    /// <exception cref="StorageException">The directory is in use, or a file in it cannot be read or repaired.</exception>
    public static TimeSeriesDb Open(TsdbOptions options, Action<ReplayProgress>? progress, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MinBlockDurationMs, 1, nameof(options));
        options.Files.CreateDirectory(options.Path);
        var directoryLock = new DirectoryLock(options.Files, options.Path);
        var walDirectory = Path.Combine(options.Path, "wal");
        var lateDirectory = Path.Combine(options.Path, "wbl");
        var blocks = new BlockSet(options.Files, options.Path, options.Logger);
        var opener = new HeadOpener(options, blocks, progress, cancellation);
        OpenedHead? opened = null;
        try
        {
            if (directoryLock.WasLeftBehind)
            {
                options.Logger.LogWarning("The last stop of {Path} was not clean", options.Path);
            }

            var journal = BootJournal.Begin(options.Files, options.Path, options.BootId, options.Time, options.Logger);
            progress?.Invoke(new ReplayProgress("blocks", 0, 0, 0, 0));
            blocks.Load();
            SnapshotWriter.DeleteUnfinished(options.Files, options.Path);
            var rescue = new BoundedReplay(options, blocks, journal, progress, cancellation);
            if (!rescue.Continue() && journal.FailedReplays >= MaxFailedReplays)
            {
                rescue.Begin(FirstPartitions);
            }

            try
            {
                opened = opener.Open(journal, BoundedReplay.LimitOf(options));
            }
            catch (ReplayTooLargeException e)
            {
                rescue.Begin(e);
                opened = opener.Open(journal, 0);
            }

            var db = new TimeSeriesDb(options, directoryLock, blocks, opened, walDirectory, lateDirectory, journal);
            try
            {
                db.ShrinkAfterReplay(progress, cancellation);
                journal.Reached(BootJournal.Ready);
                return db;
            }
            catch
            {
                db._meter.Dispose();
                throw;
            }
        }
        catch (Exception e)
        {
            try
            {
                opened?.Head.Dispose();
                blocks.Dispose();
                directoryLock.Dispose();
            }
            catch (Exception second) when (second is IOException or UnauthorizedAccessException or StorageException)
            {
                throw new StorageException($"cannot open {options.Path}: {e.Message}; nor close it again: {second.Message}", e);
            }

            if (e is IOException or UnauthorizedAccessException)
            {
                throw new StorageException($"cannot open {options.Path}: {e.Message}", e);
            }

            throw;
        }
    }

    // A server that died of memory would meet the same load with the same head: it gets half of its memory free before anything new comes.
    private void ShrinkAfterReplay(Action<ReplayProgress>? progress, CancellationToken cancellation)
    {
        if (!_journal.EndedUncleanly || _options.HeadCapBytes == 0 || _options.AdmitsAboveCap || _head.Bytes <= _options.HeadCapBytes / 2)
        {
            return;
        }

        _options.Logger.LogInformation(
            "The head uses {Bytes} of {Cap} bytes after an unclean stop and is written to blocks first", _head.Bytes, _options.HeadCapBytes);
        progress?.Invoke(new ReplayProgress("flush", 99, 0, 0, _head.SeriesCount));
        _head.NextRound();
        _maintenance.FlushEarly(Maintenance.KeepNothing, cancellation);
    }

    public IAppender CreateAppender()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _head.CreateAppender();
    }

    public ISeriesQuerier OpenQuerier(long minMs, long maxMs)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);

        // The head first: should a block be cut in between, its samples are seen twice and merged, never missed.
        var view = _head.OpenView(minMs, maxMs);
        return new DbQuerier(view, _blocks.Use(minMs, maxMs, out var warnings), _labels, warnings, minMs, maxMs);
    }

    /// <summary>What uses the head: the <paramref name="limit"/> largest of each table. Walks the index; not for every request.</summary>
    public HeadCardinality Cardinality(int limit) => _head.Read(head => CardinalityReport.Of(head.Store, limit));

    /// <summary>Newest metadata of a metric that an appender has set, or null.</summary>
    public MetricMetadata? Metadata(string metricName) => _head.Metadata(metricName);

    /// <summary>Metadata of all metrics that appenders have set, by metric name.</summary>
    public IReadOnlyDictionary<string, MetricMetadata> AllMetadata() => _head.AllMetadata();

    /// <summary>
    /// One pass of housekeeping: writes complete time ranges of the head into blocks, truncates the log, merges blocks, deletes what
    /// retention no longer keeps. To be called about once a minute by one thread; appends and queries go on meanwhile.
    /// </summary>
    /// <exception cref="StorageException">The disk refuses; what was not finished is tried again in the next pass.</exception>
    public void RunMaintenance(CancellationToken cancellation) => RunMaintenance(merge: true, cancellation);

    /// <inheritdoc cref="RunMaintenance(CancellationToken)"/>
    /// <param name="merge">Merge blocks too, which can wait.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    public void RunMaintenance(bool merge, CancellationToken cancellation)
    {
        lock (_maintenanceGate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            try
            {
                _maintenance.Run(merge, cancellation);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StorageException($"cannot maintain {_options.Path}: {e.Message}", e);
            }
        }
    }

    /// <summary>
    /// Frees memory: writes what the head holds, but the newest <paramref name="keep"/>, into blocks, closes open chunks, forgets series that
    /// have ended and shortens the log. Appends and queries go on; samples older than what is kept are refused from here on.
    /// </summary>
    /// <returns>True if a block was written.</returns>
    /// <exception cref="StorageException">The disk refuses; nothing is lost.</exception>
    public bool FlushEarly(TimeSpan keep, CancellationToken cancellation)
    {
        lock (_maintenanceGate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            try
            {
                return _maintenance.FlushEarly((long)keep.TotalMilliseconds, cancellation);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StorageException($"cannot flush the head of {_options.Path}: {e.Message}", e);
            }
        }
    }

    /// <summary>
    /// Writes the state of the head if the log has grown enough since the last one. To be called every few seconds by the thread that runs
    /// maintenance; appends and queries go on meanwhile.
    /// </summary>
    public void KeepHeadState(CancellationToken cancellation) => KeepHeadState(now: false, cancellation);

    /// <inheritdoc cref="KeepHeadState(CancellationToken)"/>
    /// <param name="now">Write it whatever the log has grown by.</param>
    /// <param name="cancellation">Stops the writing; an older state stays.</param>
    public void KeepHeadState(bool now, CancellationToken cancellation)
    {
        lock (_maintenanceGate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (now)
            {
                _headState.Save(cancellation);
            }
            else
            {
                _headState.Look(cancellation);
            }
        }
    }

    /// <summary>Where the memory of the head is.</summary>
    /// <param name="targets">How many of the largest targets to tell; walks all series when above 0.</param>
    /// <param name="families">How many of the families refused most to tell.</param>
    public HeadMemoryReport Memory(int targets, int families) => MemoryReport.Of(_head, targets, families);

    /// <summary>Changes which new series are accepted.</summary>
    public void SetAdmission(SeriesAdmissionLevel level) => _head.Change(head => head.Admission.SetLevel(level, head.Bytes, head.SeriesCount));

    /// <summary>Clean stop: closes chunks and log and releases the directory.</summary>
    /// <exception cref="StorageException">The end of the log could not be written; the directory is released all the same.</exception>
    public void Dispose()
    {
        lock (_maintenanceGate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            try
            {
                _headState.Stop();
                _head.Dispose();
                _journal.Reached(BootJournal.Stopped);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new StorageException($"cannot close {_options.Path}: {e.Message}", e);
            }
            finally
            {
                _meter.Dispose();
                _blocks.Dispose();
                Release();
                _options.Logger.LogInformation("Closed {Path}", _options.Path);
            }
        }
    }

    // A lock file that cannot be deleted says at the next start that this stop was not clean, which is so.
    private void Release()
    {
        try
        {
            _lock.Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _options.Logger.LogWarning("Cannot delete the lock file in {Path}: {Why}", _options.Path, e.Message);
        }
    }
}
