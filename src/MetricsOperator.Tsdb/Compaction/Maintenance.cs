using System.Diagnostics.Metrics;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Recovery;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Compaction;

/// <summary>Moves data on: from the head into blocks, out of the log, into larger blocks, and away. Used by one thread at a time.</summary>
internal sealed partial class Maintenance(
    TsdbOptions options, MemoryHead head, HeadStateKeeper headState, BlockSet blocks, string walDirectory, string lateDirectory)
{
    /// <summary>More late samples than this are written to blocks before their time.</summary>
    private const int MaxLateInMemory = 500_000;

    /// <summary>Early blocks end at whole minutes.</summary>
    private const long EarlyAlignmentMs = 60_000;

    /// <summary>An early flush that writes the newest samples too.</summary>
    public const long KeepNothing = -1;

    private readonly ILogger _logger = options.Logger;

    private readonly ForgottenSeries _forgotten = new();
    private long? _pendingTruncation;

    /// <summary>Segment of the log of late samples from which on it is needed, once those being written are in blocks.</summary>
    private int? _lateSegment;

    public long Compactions { get; private set; }

    public long CompactionsFailed { get; private set; }

    /// <summary>Deletes what is too old or too much.</summary>
    public Retention Retention { get; } = new(options, blocks, walDirectory, lateDirectory);

    /// <summary>Seconds of each finished compaction are recorded here.</summary>
    public Histogram<double>? CompactionSeconds { get; set; }

    /// <summary>One pass over everything.</summary>
    /// <param name="merge">Merge blocks too, which can wait.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    /// <exception cref="StorageException">The disk refuses; the next pass tries again.</exception>
    public void Run(bool merge, CancellationToken cancellation)
    {
        // First of all, because on a full disk everything else fails until retention has made space.
        blocks.DeleteUnused();
        Retention.Apply();
        head.NextRound();
        head.ChunkFiles.Flush();
        var wasCut = CutBlocks(cancellation);
        if (head.SparedSeries > 0 && !wasCut)
        {
            Truncate(head.MinTime, cancellation);
        }

        if (wasCut)
        {
            TruncateLog(all: false, cancellation);
        }

        if (wasCut || _lateSegment is not null || head.Read(h => h.OutOfOrder.Count) > MaxLateInMemory)
        {
            FlushLate(cancellation);
        }

        if (merge)
        {
            MergeBlocks(cancellation);
        }

        Retention.Apply();
    }

    private bool CutBlocks(CancellationToken cancellation)
    {
        var wasCut = false;
        if (_pendingTruncation is { } pending && Truncate(pending, cancellation))
        {
            _pendingTruncation = null;
            wasCut = true;
        }

        // Half a range stays in the head, so that late samples of the window find their place. What the head refuses says nothing about
        // what is in blocks: a cut that failed has refused its range already, and the next pass must write it.
        while (_pendingTruncation is null && head.MaxTime != long.MinValue && head.MaxTime - head.MinTime > head.ChunkRangeMs * 3 / 2)
        {
            Cut(SampleWriter.RangeEnd(head.MinTime, head.ChunkRangeMs), cancellation);
            wasCut = true;
        }

        return wasCut;
    }

    /// <summary>
    /// Writes what the head holds up to a time shortly before its newest sample into blocks, closes all open chunks and forgets series that
    /// have ended: what a head needs for its samples is free then, and the log is as short as the head.
    /// </summary>
    /// <param name="keepMs">How much of the newest time stays; samples that come later than that are refused.</param>
    /// <param name="cancellation">Stops between two steps; what is written stays.</param>
    /// <returns>True if a block was written.</returns>
    public bool FlushEarly(long keepMs, CancellationToken cancellation)
    {
        if (head.MaxTime == long.MinValue)
        {
            return false;
        }

        head.NextRound();
        var end = CompactionPlan.Align(head.MaxTime - keepMs, Math.Min(EarlyAlignmentMs, Math.Max(1, keepMs)));
        var before = Compactions;
        if (_pendingTruncation is { } pending && Truncate(pending, cancellation))
        {
            _pendingTruncation = null;
        }

        if (_pendingTruncation is null && head.MinTime < end)
        {
            head.SealOpenChunks(cancellation);
            head.ChunkFiles.Flush();
            while (_pendingTruncation is null && head.MinTime < end)
            {
                Cut(Math.Min(end, SampleWriter.RangeEnd(head.MinTime, head.ChunkRangeMs)), cancellation);
            }

            TruncateLog(all: true, cancellation);
        }
        else if (_pendingTruncation is null && head.SparedSeries > 0)
        {
            Truncate(head.MinTime, cancellation);
        }

        if (head.Read(h => !h.OutOfOrder.IsEmpty))
        {
            FlushLate(cancellation);
        }

        return Compactions > before;
    }

    private void Cut(long maxTime, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var minTime = head.MinTime;
        head.RefuseBefore(maxTime);
        var started = options.Time.GetTimestamp();
        var directory = Attempt(() => new HeadBlockWriter(options.Files, head, options.Path, options.Time).Write(minTime, maxTime, cancellation));
        if (directory is not null)
        {
            blocks.Replace(directory, []);
            Finished(started);
            _logger.LogInformation("Wrote block {Block} from the head: {From} to {To}", directory, minTime, maxTime);
        }

        if (!Truncate(maxTime, cancellation))
        {
            _logger.LogWarning("Queries keep samples before {Time} in memory, which are in a block already", maxTime);
            _pendingTruncation = maxTime;
        }
    }

    private bool Truncate(long minTime, CancellationToken cancellation)
    {
        if (!head.Truncate(minTime, out var removed, cancellation))
        {
            return false;
        }

        _forgotten.Add(head.Log.Wal.Segment, removed);
        head.ChunkFiles.Truncate(minTime, headState.Delete);
        return true;
    }

    // Two thirds of the closed segments, by number, become a checkpoint of what the head still needs; after an early flush all of them.
    private void TruncateLog(bool all, CancellationToken cancellation)
    {
        var active = head.StartLogSegment();
        var log = WalDirectory.List(walDirectory);
        if (log.Segments.Count == 0)
        {
            return;
        }

        var first = log.Segments[0].Number;
        var cut = all ? active - 1 : first + ((active - 1 - first) * 2 / 3);
        if (cut < first || (cut == first && !all))
        {
            return;
        }

        try
        {
            var writer = new CheckpointWriter(options.Files, walDirectory, options.WalSegmentBytes, options.WalCompression);
            headState.Truncated(cut);
            writer.Replace(
                log, cut, head.MinTime, reference => head.HasSeries(reference) || _forgotten.IsNeeded(reference, cut), cancellation);
        }
        catch (Exception e) when (e is StorageException or IOException)
        {
            head.Counters.CheckpointsFailed++;
            head.Counters.WalTruncationsFailed++;
            throw e as StorageException ?? new StorageException($"cannot truncate the log {walDirectory}: {e.Message}", e);
        }

        head.Counters.CheckpointsCreated++;
        head.Counters.WalTruncations++;
        _forgotten.DropUntil(cut);
    }

    // Late samples get blocks of their own, which overlap others and are merged with them next.
    private void FlushLate(CancellationToken cancellation)
    {
        if (head.Read(h => h.OutOfOrder.IsEmpty))
        {
            return;
        }

        _lateSegment ??= head.BeginLateFlush();
        var range = head.ChunkRangeMs;
        var starts = new SortedSet<long>();
        foreach (var (_, minTime, maxTime) in head.Read(h => h.OutOfOrder.Flushing()))
        {
            for (var start = CompactionPlan.Align(minTime, range); start <= maxTime; start += range)
            {
                starts.Add(start);
            }
        }

        foreach (var start in starts)
        {
            var started = options.Time.GetTimestamp();
            var directory = Attempt(() => new HeadBlockWriter(options.Files, head, options.Path, options.Time).WriteLate(start, start + range, cancellation));
            if (directory is not null)
            {
                blocks.Replace(directory, []);
                Finished(started);
            }
        }

        if (!head.EndLateFlush(cancellation))
        {
            _logger.LogWarning("Queries keep late samples in memory, which are in blocks already");
            return;
        }

        foreach (var segment in DataFiles.Numbered(lateDirectory))
        {
            if (segment.Number < _lateSegment || head.Log.Late is null)
            {
                // One after the other, because a log with a gap cannot be read.
                options.Files.DeleteFile(segment.Path);
                options.Files.SyncDirectory(lateDirectory);
            }
        }

        WalDirectory.DeleteIfEmpty(options.Files, lateDirectory);
        head.HasForeignLateChunks = false;
        _lateSegment = null;
    }

    private void MergeBlocks(CancellationToken cancellation)
    {
        var ranges = CompactionPlan.Ranges(options.MinBlockDurationMs, MaxBlockDuration());
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var chosen = CompactionPlan.Choose(blocks.Metas, ranges);
            if (chosen.Count == 0)
            {
                return;
            }

            Rewrite(chosen, cancellation);
        }
    }

    private long MaxBlockDuration()
    {
        const long MonthMs = 31L * 24 * 60 * 60 * 1000;
        var max = options.MaxBlockDurationMs > 0
            ? options.MaxBlockDurationMs
            : options.RetentionMs > 0 ? Math.Min(MonthMs, options.RetentionMs / 10) : MonthMs;
        return Math.Max(max, options.MinBlockDurationMs);
    }

    private void Finished(long started)
    {
        Compactions++;
        CompactionSeconds?.Record(options.Time.GetElapsedTime(started).TotalSeconds);
    }

    private T Attempt<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception e) when (e is StorageException or IOException)
        {
            CompactionsFailed++;
            throw e as StorageException ?? new StorageException($"cannot write a block in {options.Path}: {e.Message}", e);
        }
    }
}
