using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Recovery;

namespace MetricsOperator.Tsdb.Tests.Recovery;

/// <summary>A log that does not fit into the budget becomes blocks, in bounded memory, whatever interrupts it.</summary>
public sealed class BoundedReplayTests
{
    private const long Hour = 3_600_000;
    private const int Series = 20_000;

    /// <summary>About a third of what the head of the log below would need.</summary>
    private const long SmallCap = 3_000_000;

    [Fact]
    public void Log_larger_than_the_cap_is_in_blocks_after_one_start()
    {
        using var folder = new TempDir();
        var expected = Fill(folder.Path);
        var phases = new HashSet<string>(StringComparer.Ordinal);
        using (var db = Open(folder.Path, SmallCap, p => phases.Add(p.Phase)))
        {
            Assert.Contains("rescue", phases);
            Assert.Equal(0, db.HeadStats.NumSeries);
            Assert.All(db.Blocks, b => Assert.True(b.CoversAllSeries && b.MaxTime <= 4 * Hour, $"{b.Ulid} is the block of one part, or ends at {b.MaxTime}"));
            Assert.Equal(expected, db.ReadAll());
            Assert.False(File.Exists(Path.Combine(folder.Path, RescueState.FileName)));

            // The server goes on, with references that no file knows, and the next start finds everything.
            Assert.Equal(Timeseries.Contracts.AppendOutcome.Ok, db.Append(LabelsOf(1), (6 * Hour, 42)));
        }

        using var again = Open(folder.Path, SmallCap, null);
        expected[LabelsOf(1).ToString()].Add((6 * Hour, BitConverter.DoubleToUInt64Bits(42).ToString("x16")));
        Assert.Equal(expected, again.ReadAll());
    }

    [Fact]
    public void Progress_of_a_rescue_survives_every_interruption()
    {
        using var folder = new TempDir();
        var expected = Fill(folder.Path);
        var done = 0;
        for (var start = 0; ; start++)
        {
            Assert.True(start < 200, "the rescue does not end");
            using var stop = new CancellationTokenSource();
            var reports = 0;
            try
            {
                // Every start lives a little longer than the one before it, as partitions take their time.
                using var db = Open(folder.Path, SmallCap, p =>
                {
                    if (p.Phase == "rescue" && ++reports > 3 + (start * 2))
                    {
                        stop.Cancel();
                    }
                }, stop.Token);
                Assert.Equal(expected, db.ReadAll());
                break;
            }
            catch (OperationCanceledException)
            {
                if (RescueState.Read(folder.Path) is { } state)
                {
                    var share = state.IsMerged ? 1 << 20 : state.Done.Count * (RescueState.MaxPartitions / state.Partitions);
                    Assert.True(share >= done, $"{state.Done.Count} of {state.Partitions} parts are done, less than before");
                    done = share;
                }
            }
        }

        Assert.True(done > 0, "nothing was interrupted");
    }

    // However often it is ended, and however long a merge takes: a start that follows one that ended in the merge does not wait for it.
    [Fact]
    public void Merge_that_ended_a_start_is_left_to_compaction()
    {
        using var folder = new TempDir();
        var expected = Fill(folder.Path);
        using (var stop = new CancellationTokenSource())
        {
            // The first report of a merge says that all parts are done.
            Assert.ThrowsAny<OperationCanceledException>(() => Open(folder.Path, SmallCap, p =>
            {
                if (p.Phase == "rescue" && p.SegmentsDone == p.SegmentsTotal)
                {
                    stop.Cancel();
                }
            }, stop.Token));
        }

        Assert.Equal((-1, 1), (RescueState.Read(folder.Path)!.Next, RescueState.Read(folder.Path)!.MergeAttempts));
        using (var db = Open(folder.Path, SmallCap, null))
        {
            Assert.Contains(db.Blocks, b => !b.CoversAllSeries);
            Assert.Equal(expected, db.ReadAll());
            var before = db.Blocks.Count;
            db.RunMaintenance(CancellationToken.None);
            Assert.True(db.Blocks.Count < before, $"{db.Blocks.Count} blocks of {before} are left");
            Assert.Equal(expected, db.ReadAll());
            Assert.Equal(Timeseries.Contracts.AppendOutcome.Ok, db.Append(LabelsOf(1), (6 * Hour, 42)));
        }

        using var again = Open(folder.Path, SmallCap, null);
        expected[LabelsOf(1).ToString()].Add((6 * Hour, BitConverter.DoubleToUInt64Bits(42).ToString("x16")));
        Assert.Equal(expected, again.ReadAll());
    }

    [Fact]
    public void Part_that_ends_starts_is_halved()
    {
        var state = new RescueState { Partitions = 4, LastSegment = 1, LastLateSegment = -1, LastChunkFile = 0, Done = [0, 3], Attempts = 2 };
        var halves = state.Split();
        Assert.Equal(8, halves.Partitions);
        Assert.Equal([0, 3, 4, 7], halves.Done.Order());
        Assert.Equal(1, halves.Next);
        for (ulong hash = 0; hash < 100; hash++)
        {
            Assert.Equal(state.Done.Any(p => state.Holds(p, hash)), halves.Done.Any(p => halves.Holds(p, hash)));
        }
    }

    [Fact]
    public void Two_starts_that_died_in_the_replay_are_followed_by_one_in_parts()
    {
        using var folder = new TempDir();
        var expected = Fill(folder.Path);
        for (var death = 0; death < 2; death++)
        {
            using var stop = new CancellationTokenSource();
            Assert.Throws<OperationCanceledException>(() => Open(folder.Path, 0, p => CancelIf(stop, p.Phase == "wal"), stop.Token).Dispose());
        }

        var phases = new HashSet<string>(StringComparer.Ordinal);
        using var db = Open(folder.Path, 0, p => phases.Add(p.Phase));
        Assert.Contains("rescue", phases);
        Assert.Equal(expected, db.ReadAll());
    }

    [Fact]
    public void Segment_that_ends_every_start_is_moved_aside_and_the_rest_is_there()
    {
        using var folder = new TempDir();
        var expected = Fill(folder.Path);
        var segments = Directory.GetFiles(Path.Combine(folder.Path, "wal")).Order(StringComparer.Ordinal).ToList();
        var deadly = Path.GetRelativePath(folder.Path, segments[^2]);
        new RescueState { Partitions = 64, LastSegment = int.Parse(Path.GetFileName(segments[^1])), LastLateSegment = 99, LastChunkFile = 99, Attempts = 3 }
            .Write(DiskFiles.Instance, folder.Path);
        for (var death = 0; death < 3; death++)
        {
            using var stop = new CancellationTokenSource();
            BootJournal.Begin(DiskFiles.Instance, folder.Path, $"boot-{death}", TimeProvider.System, NullLogger()).Reading(deadly);
        }

        using var db = Open(folder.Path, SmallCap, null);
        Assert.True(File.Exists(Path.Combine(folder.Path, "quarantine", deadly.Replace('/', '-'))));
        var found = db.ReadAll();
        Assert.All(found, series => Assert.Subset(expected[series.Key].ToHashSet(), series.Value.ToHashSet()));
        Assert.True(found.Count > Series / 2);
    }

    [Fact]
    public void Unclean_stop_with_a_full_head_is_flushed_before_the_start_is_over()
    {
        using var folder = new TempDir();
        var expected = Fill(folder.Path);
        long bytes;
        using (var whole = Open(folder.Path, 0, null))
        {
            bytes = whole.HeadStats.Bytes;
        }

        // A copy has a journal without a clean stop.
        File.Delete(Path.Combine(folder.Path, BootJournal.FileName));
        BootJournal.Begin(DiskFiles.Instance, folder.Path, "killed", TimeProvider.System, NullLogger()).Reached(BootJournal.Ready);
        using var db = Open(folder.Path, bytes * 3 / 2, null);
        Assert.True(db.HeadStats.Bytes <= bytes / 4, $"the head has {db.HeadStats.Bytes} bytes, had {bytes}");
        Assert.Equal(expected, db.ReadAll());
    }

    [Fact]
    public void Prometheus_reads_what_a_rescue_leaves()
    {
        using var folder = new TempDir();
        Fill(folder.Path);
        Open(folder.Path, SmallCap, null).Dispose();
        using var db = Open(folder.Path, SmallCap, null);
        Promtool.AssertSame(Promtool.DumpOf(db), Promtool.Dump(folder.Path));
    }

    private static void CancelIf(CancellationTokenSource stop, bool condition)
    {
        if (condition)
        {
            stop.Cancel();
        }
    }

    private static Microsoft.Extensions.Logging.ILogger NullLogger() => Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    private static TimeSeriesDb Open(string path, long cap, Action<ReplayProgress>? progress, CancellationToken cancellation = default) => TimeSeriesDb.Open(
        new TsdbOptions { Path = path, WalSegmentBytes = 1 << 20, HeadCapBytes = cap, OutOfOrderWindowMs = 2 * Hour }, progress, cancellation);

    private static LabelSet LabelsOf(int i) => LabelSet.Of(
        ("__name__", $"metric_{i % 50}"), ("instance", $"host-{i % 400}"), ("job", "j"), ("pod", $"pod-{i / 10}-with-a-name-that-takes-memory"), ("unique", $"{i:x16}"));

    /// <summary>Three hours of samples with late ones and histograms, across sealed chunks, and everything in the log.</summary>
    private static SortedDictionary<string, List<(long T, string V)>> Fill(string path)
    {
        using var db = Open(path, 0, null);
        for (var step = 0; step < 15; step++)
        {
            using var appender = db.CreateAppender();
            for (var i = 0; i < Series; i++)
            {
                // Churn: a third of the series ends early, a third begins late.
                if ((i % 3 == 0 && step > 5) || (i % 3 == 1 && step < 5))
                {
                    continue;
                }

                var series = appender.GetOrCreate(LabelsOf(i), out _);
                var time = Hour + (step * 12 * 60_000L);
                if (i % 100 == 7)
                {
                    appender.Append(series, time, new FloatHistogram
                    {
                        Count = step + 3,
                        Sum = i,
                        Schema = 2,
                        PositiveSpans = [new(0, 2)],
                        PositiveBuckets = [step + 1, 2],
                    });
                }
                else
                {
                    appender.Append(series, time, (i * 31) + step);
                }
            }

            appender.Commit();
        }

        using (var late = db.CreateAppender())
        {
            for (var i = 2; i < 600; i += 3)
            {
                late.Append(late.GetOrCreate(LabelsOf(i), out _), (3 * Hour) + i, i + 0.5);
            }

            late.Commit();
        }

        return db.ReadAll();
    }
}
