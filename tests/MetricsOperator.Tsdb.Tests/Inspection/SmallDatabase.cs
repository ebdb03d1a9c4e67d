using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Tests.Inspection;

/// <summary>Data directories that have one of everything and are small enough to damage byte by byte.</summary>
internal static class SmallDatabase
{
    public static TsdbOptions Options(TsdbOptions options) => options with { MinBlockDurationMs = 1000, RetentionMs = 0, OutOfOrderWindowMs = 100_000 };

    /// <summary>Writes blocks, a log with a checkpoint, a log of late samples and head chunks.</summary>
    /// <param name="path">The data directory, which does not exist yet.</param>
    /// <param name="keepsState">Write a state of the head too.</param>
    public static void Create(string path, bool keepsState = false)
    {
        // Every start begins a segment, so that the last truncation has something to put into a checkpoint.
        for (var round = 0; round < 6; round++)
        {
            using var db = TestDb.Open(path, o => Options(o) with { HeadStateMinLogBytes = keepsState && round == 5 ? 0 : long.MaxValue });
            for (var series = 0; series < 4; series++)
            {
                var start = round * 1500L;
                db.Append(Named(series), [.. Enumerable.Range(0, 150).Select(i => (start + (i * 10L) + series, Math.Sqrt(start + i + series)))]);
            }

            AppendHistograms(db, round * 1500L);
            if (round == 5)
            {
                db.RunMaintenance(CancellationToken.None);
                db.Append(Named(0), (8995, 0.5));
                db.Append(Named(1), (8990, 0.25));
                db.Append(Named(1), (8700, 0.125));

                // Enough to close chunks, which truncation has just deleted with their files.
                db.Append(Named(2), [.. Enumerable.Range(0, 500).Select(i => (9000 + (i * 2L), Math.Cbrt(i)))]);
            }
        }

        Assert.True(BlockFolders.List(path).Count() >= 2, "the directory has blocks");
        Assert.NotEmpty(Directory.EnumerateDirectories(Path.Combine(path, "wal"), "checkpoint.*"));
        Assert.Contains(DataFiles.Numbered(Path.Combine(path, "wal")), f => new FileInfo(f.Path).Length > 0);
        Assert.Contains(DataFiles.Numbered(Path.Combine(path, "wbl")), f => new FileInfo(f.Path).Length > 0);
        Assert.Contains(DataFiles.Numbered(Path.Combine(path, "chunks_head")), f => new FileInfo(f.Path).Length > 8);
    }

    /// <summary>Copies a directory that Prometheus 2.42 wrote, and makes the copy writable.</summary>
    public static string CopyFixture(TempDir folder, string fixture)
    {
        var copy = folder.CopyFrom(Path.Combine(Peer.RequireShared(), "fixtures", "prometheus-data", fixture), fixture);
        foreach (var entry in Directory.EnumerateFileSystemEntries(copy, "*", SearchOption.AllDirectories).Append(copy))
        {
            File.SetUnixFileMode(entry, File.GetUnixFileMode(entry) | UnixFileMode.UserWrite | UnixFileMode.UserRead);
        }

        return copy;
    }

    /// <summary>Gives a block deletions of a series that does not exist, so that queries answer the same.</summary>
    public static void AddTombstones(string block)
    {
        var stones = new ByteWriter(64);
        stones.Uvarint(1_000_000);
        stones.Varint(100);
        stones.Varint(2000);
        stones.Uvarint(1_000_001);
        stones.Varint(-5);
        stones.Varint(7);
        var file = new ByteWriter(64);
        file.Be32(0x0130BA30);
        file.U8(1);
        file.Bytes(stones.Written);
        file.Be32(Crc32C.Of(stones.Written));
        File.WriteAllBytes(Path.Combine(block, Tombstones.FileName), file.Written.ToArray());
    }

    private static LabelSet Named(int series) => LabelSet.Of(("__name__", $"metric_{series}"), ("host", $"h{series % 2}"), ("job", "test"));

    private static void AppendHistograms(TimeSeriesDb db, long start)
    {
        using var appender = db.CreateAppender();
        var series = appender.GetOrCreate(LabelSet.Of(("__name__", "latency"), ("job", "test")), out _);
        for (var i = 0; i < 15; i++)
        {
            appender.Append(series, start + (i * 100), new FloatHistogram
            {
                Schema = 1,
                ZeroThreshold = 0.001,
                ZeroCount = i,
                Count = (3 * i) + 10,
                Sum = i * 1.5,
                PositiveSpans = [new BucketSpan(0, 2)],
                PositiveBuckets = [i + 4, i + 6],
            });
        }

        appender.Commit();
    }
}
