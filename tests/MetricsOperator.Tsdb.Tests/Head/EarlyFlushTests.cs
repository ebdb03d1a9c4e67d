using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Compaction;

namespace MetricsOperator.Tsdb.Tests.Head;

/// <summary>Memory is freed before a block's time has come, and nothing is lost by it.</summary>
public sealed class EarlyFlushTests
{
    private const long Minute = 60_000;
    private const int Series = 3000;

    [Fact]
    public void Samples_move_to_blocks_and_series_that_ended_leave_the_head()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { HeadCapBytes = 100_000_000 });
        Write(db, first: 0, count: Series, from: 0, to: 20);
        Write(db, first: Series, count: Series, from: 20, to: 40);
        var before = db.ReadAll();
        var bytes = db.HeadStats.Bytes;
        db.FlushEarly(TimeSpan.FromMinutes(2), CancellationToken.None);
        Assert.True(db.FlushEarly(TimeSpan.FromMinutes(2), CancellationToken.None) || db.Blocks.Count > 0);
        Assert.Equal(Series, db.HeadStats.NumSeries);
        Assert.True(db.HeadStats.Bytes < bytes * 2 / 3, $"{db.HeadStats.Bytes} of {bytes} bytes are left");
        Assert.Equal(before, db.ReadAll());

        // Living series go on; what is older than what was kept is refused and says so.
        Assert.Equal(AppendOutcome.Ok, db.Append(LabelsOf(Series), (40 * Minute, 1)));
        Assert.Equal(AppendOutcome.OutOfBounds, db.Append(LabelsOf(9 * Series), (10 * Minute, 1)));
    }

    [Fact]
    public void Log_is_as_short_as_the_head_and_everything_is_there_after_a_restart()
    {
        using var folder = new TempDir();
        SortedDictionary<string, List<(long T, string V)>> before;
        using (var db = TestDb.Open(folder.Path))
        {
            Write(db, 0, Series, 0, 40);
            var log = Files.Length(folder["wal"]);
            db.FlushEarly(TimeSpan.FromMinutes(2), CancellationToken.None);
            Assert.True(Files.Length(folder["wal"]) < log / 3, $"{Files.Length(folder["wal"])} of {log} bytes are left");
            Write(db, 0, Series, 40, 45);
            before = db.ReadAll();
        }

        using var again = TestDb.Open(folder.Path);
        Assert.Equal(before, again.ReadAll());
    }

    [Fact]
    public void Short_blocks_are_merged_once_their_range_is_over()
    {
        long[] ranges = [120 * Minute, 360 * Minute];
        var blocks = new List<BlockMeta> { Meta(0, 50), Meta(50, 90), Meta(90, 119) };
        Assert.Empty(CompactionPlan.Choose(blocks, ranges));
        Assert.Empty(CompactionPlan.Choose([.. blocks, Meta(119, 120)], ranges));
        Assert.Equal([0L, 50, 90], Starts(CompactionPlan.Choose([.. blocks, Meta(120, 150), Meta(150, 160)], ranges)));

        // Many of them cost every query, whether or not more will come.
        var many = Enumerable.Range(0, 10).Select(i => Meta(i * 2, (i + 1) * 2)).ToList();
        Assert.Equal(9, CompactionPlan.Choose(many, ranges).Count);

        static BlockMeta Meta(long from, long to) => new() { Ulid = $"{from:D26}", MinTime = from * Minute, MaxTime = to * Minute };

        static IEnumerable<long> Starts(IEnumerable<BlockMeta> metas) => metas.Select(m => m.MinTime / Minute);
    }

    private static LabelSet LabelsOf(int i) => LabelSet.Of(("__name__", $"m{i % 20}"), ("pod", $"pod-{i / 20}"), ("i", $"{i}"));

    private static void Write(TimeSeriesDb db, int first, int count, int from, int to)
    {
        for (var minute = from; minute < to; minute++)
        {
            using var appender = db.CreateAppender();
            for (var i = first; i < first + count; i++)
            {
                Assert.Equal(AppendOutcome.Ok, appender.Append(appender.GetOrCreate(LabelsOf(i), out _), minute * Minute, i * minute));
            }

            appender.Commit();
        }
    }

    private static class Files
    {
        public static long Length(string directory) => new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
    }
}
