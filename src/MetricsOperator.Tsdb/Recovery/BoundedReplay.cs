using MetricsOperator.Tsdb.Compaction;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>
/// Turns a log that is larger than memory into blocks: reads it once for each partition of its series, writes that partition's samples into
/// blocks, merges those, and deletes the log. Memory is that of one partition whatever the log holds; every finished partition is durable,
/// and a partition that kills the process is halved, so that the end is reached after any number of kills.
/// </summary>
internal sealed class BoundedReplay(TsdbOptions options, BlockSet blocks, BootJournal journal, Action<ReplayProgress>? progress, CancellationToken cancellation)
{
    /// <summary>Part of the head's cap that a partition is planned to fill.</summary>
    private const double PlannedShare = 0.4;

    /// <summary>Starts that a partition may kill before it is halved.</summary>
    private const int MaxAttempts = 2;

    /// <summary>Starts that may end in the merge of one range before it is left to compaction, which has all the time there is.</summary>
    private const int MaxMergeAttempts = 1;

    /// <summary>From so many partitions on it is not their size that kills: the segment that was read each time is moved aside.</summary>
    private const int SmallPartitions = 64;
    private const int MaxDeathsInSegment = 3;

    /// <summary>Percent of the whole when all parts are done and only their blocks are to be merged.</summary>
    private const double MergeStart = 90;

    private readonly ILogger _logger = options.Logger;
    private readonly string _wal = Path.Combine(options.Path, "wal");
    private readonly string _late = Path.Combine(options.Path, "wbl");
    private readonly string _chunks = Path.Combine(options.Path, "chunks_head");

    /// <summary>Bytes of head at which a replay in one go is given up.</summary>
    public static long LimitOf(TsdbOptions options) => options.HeadCapBytes > 0 && !options.AdmitsAboveCap ? options.HeadCapBytes / 5 * 4 : 0;

    /// <summary>Continues a rescue that was interrupted, if there is one.</summary>
    public bool Continue()
    {
        if (RescueState.Read(options.Path) is not { } state)
        {
            return false;
        }

        _logger.LogWarning("Continues a replay in parts: {Done} of {Partitions} are done", state.Done.Count, state.Partitions);
        Run(state);
        return true;
    }

    /// <summary>Replays in parts because one go does not fit.</summary>
    public void Begin(ReplayTooLargeException reason)
    {
        var needed = reason.HeadBytes / Math.Max(reason.Share, 0.001);
        var partitions = 2;
        while (partitions < RescueState.MaxPartitions && needed / partitions > options.HeadCapBytes * PlannedShare)
        {
            partitions *= 2;
        }

        Begin(partitions);
    }

    /// <summary>Replays in parts because replays in one go did not end.</summary>
    public void Begin(int partitions)
    {
        var late = DataFiles.Numbered(_late);
        var chunks = DataFiles.Numbered(_chunks);
        var state = new RescueState
        {
            Partitions = partitions,
            LastSegment = WalDirectory.List(_wal).NextSegment - 1,
            LastLateSegment = late.Count == 0 ? -1 : late[^1].Number,
            LastChunkFile = chunks.Count == 0 ? 0 : chunks[^1].Number,
        };
        HeadStateKeeper.Delete(options);
        state.Write(options.Files, options.Path);
        _logger.LogWarning("The log does not fit into the memory budget: it is replayed in {Partitions} parts into blocks", partitions);
        Run(state);
    }

    private void Run(RescueState state)
    {
        // Fixed for the whole rescue: the blocks of partitions say that series are missing in them and do not count.
        var minValidTime = blocks.MinValidTime;
        while (!state.IsMerged && state.Next is >= 0 and var partition)
        {
            if (state.Attempts >= MaxDeathsInSegment && state.Partitions >= SmallPartitions && journal.SegmentThatKilled(MaxDeathsInSegment) is { } segment)
            {
                MoveAside(segment);
            }
            else if (state.Attempts >= MaxAttempts && state.Partitions < SmallPartitions)
            {
                state = state.Split();
                _logger.LogWarning("A part ended {Attempts} starts: it is halved, {Partitions} parts from here on", MaxAttempts, state.Partitions);
                continue;
            }

            state = state with { Attempts = state.Attempts + 1 };
            state.Write(options.Files, options.Path);
            try
            {
                var written = ReplayPartition(state, partition, minValidTime);
                state = state with { Done = [.. state.Done, partition], Blocks = [.. state.Blocks, .. written], Attempts = 0 };
            }
            catch (ReplayTooLargeException) when (state.Partitions < RescueState.MaxPartitions)
            {
                state = state.Split();
            }

            state.Write(options.Files, options.Path);
            DeleteChunkFilesAfter(state.LastChunkFile);
            _logger.LogInformation("Replayed {Done} of {Partitions} parts", state.Done.Count, state.Partitions);
        }

        if (!state.IsMerged)
        {
            if (state.MergeAttempts < MaxMergeAttempts)
            {
                state = state with { MergeAttempts = state.MergeAttempts + 1 };
                state.Write(options.Files, options.Path);
                Merge(state);
            }
            else
            {
                _logger.LogWarning("The last start ended in the merge of the parts' blocks: it is left to compaction, the samples are all there");
            }

            state = state with { IsMerged = true };
            state.Write(options.Files, options.Path);
        }

        DeleteLog(state);
        options.Files.DeleteFile(Path.Combine(options.Path, RescueState.FileName));
        options.Files.SyncDirectory(options.Path);
        _logger.LogInformation("The whole log is in blocks; the head starts empty");
    }

    private void MoveAside(string segment)
    {
        var path = Path.Combine(options.Path, segment);
        _logger.LogError(
            "Log segment {Segment} ended {Count} starts in a row; it is moved to quarantine/ and the rest of the log is read without it", path, MaxDeathsInSegment);
        if (File.Exists(path))
        {
            WalRepair.CutOne(options.Files, segment.StartsWith("wbl", StringComparison.Ordinal) ? _late : _wal, path, 0);
        }

        journal.ForgetSegments();
    }

    private List<string> ReplayPartition(RescueState state, int partition, long minValidTime)
    {
        using var head = new MemoryHead(new HeadChunkFiles(options.Files, _chunks, _logger), options.MinBlockDurationMs) { OutOfOrderWindowMs = long.MaxValue };
        head.RefuseBefore(minValidTime);
        var part = options with { KeepOnReplay = labels => state.Holds(partition, labels.Hash) };
        new HeadReplay(head, part, minValidTime, p => Report(state, p.Percent * 0.6, p.SeriesSoFar), cancellation)
        {
            MaxHeadBytes = LimitOf(options) > 0 ? options.HeadCapBytes : 0,
            IsPartial = true,
            Journal = journal,
        }.Run(_wal, _late);
        return WriteBlocks(state, head);
    }

    private List<string> WriteBlocks(RescueState state, MemoryHead head)
    {
        var written = new List<string>();
        var range = options.MinBlockDurationMs;
        if (head.MaxTime != long.MinValue)
        {
            for (var start = head.MinTime; start <= head.MaxTime; start = SampleWriter.RangeEnd(start, range))
            {
                var end = Math.Min(SampleWriter.RangeEnd(start, range), head.MaxTime + 1);
                Add(new HeadBlockWriter(options.Files, head, options.Path, options.Time).WritePart(start, end, cancellation));
                Report(state, 60 + (40.0 * (end - head.MinTime) / (head.MaxTime + 1 - head.MinTime)), head.SeriesCount);
            }
        }

        foreach (var start in LateRanges(head, range))
        {
            // Late samples are older than the newest one, and no block may end behind that: its end would refuse what comes next.
            var end = head.MaxTime < start ? start + range : Math.Min(start + range, head.MaxTime + 1);
            Add(new HeadBlockWriter(options.Files, head, options.Path, options.Time).WriteLate(start, end, cancellation));
        }

        return written;

        void Add(string? directory)
        {
            if (directory is not null)
            {
                blocks.Replace(directory, []);
                written.Add(Path.GetFileName(directory));
            }
        }
    }

    private static SortedSet<long> LateRanges(MemoryHead head, long range)
    {
        var starts = new SortedSet<long>();
        head.Change(h => h.OutOfOrder.BeginFlush());
        foreach (var (_, minTime, maxTime) in head.Read(h => h.OutOfOrder.Flushing()))
        {
            for (var start = CompactionPlan.Align(minTime, range); start <= maxTime; start += range)
            {
                starts.Add(start);
            }
        }

        return starts;
    }

    // One block for each range of time, which has all series then: its end is the time up to which the log is not needed any more.
    private void Merge(RescueState state)
    {
        var names = state.Blocks.ToHashSet(StringComparer.Ordinal);
        var groups = blocks.Metas
            .Where(m => names.Contains(m.Ulid))
            .GroupBy(m => CompactionPlan.Align(m.MinTime, options.MinBlockDurationMs))
            .OrderBy(g => g.Key)
            .ToList();
        for (var done = 0; done < groups.Count; done++)
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Invoke(new ReplayProgress("rescue", MergeStart + ((99.5 - MergeStart) * done / groups.Count), state.Partitions, state.Partitions, 0));
            var metas = groups[done].ToList();
            var inputs = blocks.Use(metas);
            try
            {
                var directory = new BlockMerger(options.Files, options.Path, options.Time).MergeParts(inputs, cancellation);
                blocks.Replace(directory, metas);
            }
            finally
            {
                foreach (var input in inputs)
                {
                    input.Release();
                }
            }

            blocks.DeleteUnused();
        }
    }

    private void DeleteLog(RescueState state)
    {
        // Oldest first: what a crash leaves is a log whose samples are all in blocks. Starts that died early may have left no log at all.
        options.Files.CreateDirectory(_wal);
        new CheckpointWriter(options.Files, _wal, options.WalSegmentBytes, options.WalCompression).DeleteReplaced(state.LastSegment);
        foreach (var (number, path) in WalDirectory.Checkpoints(_wal).ToList())
        {
            if (number <= state.LastSegment)
            {
                options.Files.DeleteDirectory(path);
            }
        }

        foreach (var segment in DataFiles.Numbered(_late).Where(s => s.Number <= state.LastLateSegment))
        {
            // One after the other, because a log with a gap cannot be read.
            options.Files.DeleteFile(segment.Path);
            options.Files.SyncDirectory(_late);
        }

        WalDirectory.DeleteIfEmpty(options.Files, _late);
        foreach (var file in DataFiles.Numbered(_chunks))
        {
            options.Files.DeleteFile(file.Path);
        }
    }

    // What a partition closed while it was read is in its blocks.
    private void DeleteChunkFilesAfter(int last)
    {
        foreach (var file in DataFiles.Numbered(_chunks).Where(f => f.Number > last).Reverse())
        {
            options.Files.DeleteFile(file.Path);
        }
    }

    private void Report(RescueState state, double percentOfPartition, long series) => progress?.Invoke(new ReplayProgress(
        "rescue", (state.Done.Count + (percentOfPartition / 100)) * MergeStart / state.Partitions, state.Done.Count, state.Partitions, series));
}
