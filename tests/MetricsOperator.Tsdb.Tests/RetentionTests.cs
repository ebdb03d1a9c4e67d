using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Compaction;
using MetricsOperator.Tsdb.Files;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Tsdb.Tests;

public sealed class RetentionTests
{
    private const long Minute = 60_000;

    [Fact]
    public void A_share_of_the_volume_keeps_the_newest_blocks_that_fit()
    {
        using var folder = new TempDir();
        long block;
        using (var db = TestDb.Open(folder.Path, Options))
        {
            Fill(db, 8 * Minute);
            db.RunMaintenance(CancellationToken.None);
            Assert.True(db.Blocks.Count > 4);
            db.Snapshot(skipHead: true, CancellationToken.None);
            block = DataFiles.SizeOf(folder[db.Blocks[^1].Ulid]);
        }

        var head = DataFiles.SizeOf(folder["wal"]) + DataFiles.SizeOf(folder["chunks_head"]) + DataFiles.SizeOf(folder["wbl"]);
        var volume = 4 * (head + (2 * block) + (block / 2));
        using var again = TestDb.Open(folder.Path, o => Options(o) with { RetentionPercentage = 25, VolumeBytes = _ => volume });
        var newest = again.Blocks[^1].Ulid;
        again.RunMaintenance(CancellationToken.None);
        Assert.Equal(2, again.Blocks.Count);
        Assert.Equal(newest, again.Blocks[^1].Ulid);
    }

    [Theory]
    [InlineData(0, 0, 1000, 0)]
    [InlineData(0, 300, 1000, 300)]
    [InlineData(50, 0, 1000, 500)]
    [InlineData(50, 300, 1000, 300)]
    [InlineData(20, 300, 1000, 200)]
    [InlineData(20, 300, 0, 300)]
    public void The_lower_limit_counts(int percentage, long bytes, long volume, long limit)
    {
        using var folder = new TempDir();
        using var blocks = new BlockSet(DiskFiles.Instance, folder.Path, NullLogger.Instance);
        var options = new TsdbOptions { Path = folder.Path, RetentionPercentage = percentage, RetentionBytes = bytes, VolumeBytes = _ => volume };
        Assert.Equal(limit, new Retention(options, blocks, folder["wal"], folder["wbl"]).LimitBytes());
    }

    [Fact]
    public void A_volume_of_unknown_size_deletes_nothing_and_the_real_one_has_a_size()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path, o => Options(o) with { RetentionPercentage = 1, VolumeBytes = _ => throw new IOException("no such device") }))
        {
            Fill(db, 4 * Minute);
            db.RunMaintenance(CancellationToken.None);
            Assert.True(db.Blocks.Count > 1);
        }

        using var blocks = new BlockSet(DiskFiles.Instance, folder.Path, NullLogger.Instance);
        var options = new TsdbOptions { Path = folder.Path, RetentionPercentage = 100 };
        Assert.Equal(new DriveInfo(folder.Path).TotalSize, new Retention(options, blocks, folder["wal"], folder["wbl"]).LimitBytes());
    }

    [Fact]
    public void Time_and_size_are_counted_each()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path, Options))
        {
            Fill(db, 8 * Minute);
            db.RunMaintenance(CancellationToken.None);
        }

        using var blocks = new BlockSet(DiskFiles.Instance, folder.Path, NullLogger.Instance);
        blocks.Load();
        var options = new TsdbOptions { Path = folder.Path, RetentionMs = 2 * Minute, RetentionBytes = 1 };
        var retention = new Retention(options, blocks, folder["wal"], folder["wbl"]);
        retention.Apply();
        Assert.Equal((1, 1), (retention.TimeRetentions, retention.SizeRetentions));
        Assert.Empty(blocks.Metas);
        retention.Apply();
        Assert.Equal((1, 1), (retention.TimeRetentions, retention.SizeRetentions));
    }

    private static TsdbOptions Options(TsdbOptions options) => options with { MinBlockDurationMs = Minute, MaxBlockDurationMs = Minute, RetentionMs = 0 };

    private static void Fill(TimeSeriesDb db, long to)
    {
        for (var t = 0L; t <= to; t += 1000)
        {
            for (var i = 0; i < 3; i++)
            {
                db.Append(LabelSet.Of(("__name__", "m"), ("i", $"{i}")), (t, Math.Sin(t * (i + 1))));
            }
        }
    }
}
