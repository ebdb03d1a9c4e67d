using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Compaction;
using MetricsOperator.Tsdb.Exemplars;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>A head that is ready for appends, and what keeps its state.</summary>
internal sealed record OpenedHead(MemoryHead Head, HeadStateKeeper State);

/// <summary>Makes the head of a directory: from its state and the log behind that, or from the whole log.</summary>
internal sealed class HeadOpener(TsdbOptions options, BlockSet blocks, Action<ReplayProgress>? progress, CancellationToken cancellation)
{
    private readonly string _wal = Path.Combine(options.Path, "wal");
    private readonly string _late = Path.Combine(options.Path, "wbl");
    private readonly ILogger _logger = options.Logger;

    /// <summary>Fills a head.</summary>
    /// <param name="journal">Told which segment is read.</param>
    /// <param name="maxBytes">Bytes of head at which it is given up; 0 for no limit.</param>
    /// <exception cref="ReplayTooLargeException">The head does not fit.</exception>
    /// <exception cref="StorageException">The log cannot be read or repaired.</exception>
    public OpenedHead Open(BootJournal journal, long maxBytes) => FromState(journal, maxBytes) ?? FromLog(journal, maxBytes);

    private OpenedHead FromLog(BootJournal journal, long maxBytes)
    {
        var head = Create();
        try
        {
            Replay(head, journal, maxBytes, null).Run(_wal, _late);
            return Finish(head, null, 0);
        }
        catch
        {
            head.Dispose();
            throw;
        }
    }

    private OpenedHead? FromState(BootJournal journal, long maxBytes)
    {
        var head = Create();
        OpenedHead? opened = null;
        try
        {
            var replay = Replay(head, journal, maxBytes, null);
            using var state = HeadStateReader.Open(
                options.Path,
                options.KeepOnReplay,
                maxBytes,
                replay.ReadRecord,
                share => progress?.Invoke(new ReplayProgress("head_state", share * 50, 0, 0, head.SeriesCount)));
            if (state is null)
            {
                return null;
            }

            var started = options.Time.GetTimestamp();
            if ((state.Check(WalDirectory.List(_wal)) ?? state.Fill(head, blocks.MinValidTime, cancellation)) is { } problem)
            {
                _logger.LogWarning("The state of the head in {Path} is not used, because {Problem}; the whole log is read", options.Path, problem);
                return null;
            }

            if (state.RefusedSeries > 0)
            {
                _logger.LogInformation("The state of the head left out {Series} series that the rules in force drop", state.RefusedSeries);
            }

            _logger.LogInformation(
                "Read the state of the head: {Series} series, {Bytes} bytes in {Seconds} s; the log is read from {Segment}:{Offset} on",
                head.SeriesCount, state.Bytes, options.Time.GetElapsedTime(started).TotalSeconds, state.Position.Segment, state.Position.Offset);
            Replay(head, journal, maxBytes, state.Position).Run(_wal, _late);
            head.CountUnlogged();
            return opened = Finish(head, state.Position, state.Bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _logger.LogWarning("The state of the head in {Path} cannot be read: {Error}; the whole log is read", options.Path, e.Message);
            return null;
        }
        finally
        {
            if (opened is null)
            {
                head.Dispose();
            }
        }
    }

    private OpenedHead Finish(MemoryHead head, LogPosition? position, long bytes)
    {
        var log = WalDirectory.List(_wal);
        head.AttachLog(new HeadLog(OpenLog(_wal), () => OpenLog(_late)));
        var state = new HeadStateKeeper(options, head);
        state.Started(position, bytes, log);
        return new OpenedHead(head, state);
    }

    private HeadReplay Replay(MemoryHead head, BootJournal journal, long maxBytes, LogPosition? start) =>
        new(head, options, blocks.MinValidTime, progress, cancellation) { MaxHeadBytes = maxBytes, Journal = journal, Start = start };

    private MemoryHead Create()
    {
        var head = new MemoryHead(new HeadChunkFiles(options.Files, Path.Combine(options.Path, "chunks_head"), _logger), options.MinBlockDurationMs)
        {
            OutOfOrderWindowMs = options.OutOfOrderWindowMs,
            Exemplars = new ExemplarStore(options.MaxExemplars, options.MaxExemplarBytes),
        };
        head.Admission.CapBytes = options.HeadCapBytes;
        head.Admission.IsObserving = options.AdmitsAboveCap;
        head.Admission.IsProtected = options.IsProtectedMetric;
        head.RefuseBefore(blocks.MinValidTime);
        return head;
    }

    private WalWriter OpenLog(string directory) =>
        new(options.Files, directory, WalDirectory.List(directory).NextSegment, options.WalSegmentBytes, options.WalCompression);
}
