using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Tsdb.Tests;

public sealed class PrometheusCompatibilityTests
{
    [Fact]
    public void Promtool_reads_what_we_write()
    {
        Peer.Require("promtool", "prometheus");
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path, o => o with { RetentionMs = 0 }))
        {
            Fill(db, 1_700_000_000_000, hours: 14);
            db.RunMaintenance(CancellationToken.None);
            Assert.True(db.Blocks.Count >= 2);
            Assert.Contains(db.Blocks, b => b.Compaction.Level > 1);
            Assert.NotEmpty(Directory.GetDirectories(folder["wal"], "checkpoint.*"));
        }

        // The tool changes what it reads.
        var copy = folder.CopyFrom(folder.Path, "../" + Path.GetFileName(folder.Path) + "-copy");
        try
        {
            var dump = Promtool.Dump(copy);
            using (var db = TestDb.Open(folder.Path, o => o with { RetentionMs = 0 }))
            {
                Promtool.AssertSame(dump, Promtool.DumpOf(db));
                foreach (var block in db.Blocks)
                {
                    var report = Promtool.Run("tsdb", "analyze", copy, block.Ulid);
                    Assert.Contains($"Series: {block.Stats.NumSeries}\n", report, StringComparison.Ordinal);
                }

                var list = Promtool.Run("tsdb", "list", copy);
                Assert.All(db.Blocks, b => Assert.Contains(b.Ulid, list, StringComparison.Ordinal));
            }

            Assert.Equal(60, dump.Count);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    [Theory]
    [InlineData("prom242-head-only")]
    [InlineData("prom242-killed")]
    [InlineData("prom242-blocks-checkpoint")]
    public void We_read_what_Prometheus_wrote(string fixture)
    {
        var source = Path.Combine(Peer.RequireShared(), "fixtures", "prometheus-data", fixture);
        Peer.Require("promtool", "prometheus");
        using var folder = new TempDir();
        MakeWritable(folder.CopyFrom(source, "theirs"));
        MakeWritable(folder.CopyFrom(source, "ours"));
        var want = Promtool.Dump(folder["theirs"]);
        using (var db = TestDb.Open(folder["ours"], o => o with { RetentionMs = 0 }))
        {
            Promtool.AssertSame(want, Promtool.DumpOf(db));
        }

        // And they still read the directory that we have had open.
        Promtool.AssertSame(want, Promtool.Dump(folder["ours"]));
    }

    private static void Fill(TimeSeriesDb db, long start, int hours)
    {
        var random = new Random(7);
        var series = Enumerable.Range(0, 60)
            .Select(i => LabelSet.Of(("__name__", $"metric_{i % 7}"), ("instance", $"host-{i}:9100"), ("text", $"a \"quoted\"\\ é {i}"), ("job", "test")))
            .ToArray();
        for (var t = start; t < start + (hours * 3_600_000L); t += 60_000)
        {
            using var appender = db.CreateAppender();
            for (var i = 0; i < series.Length; i++)
            {
                if (i % 10 == 3 && t > start + 3_600_000)
                {
                    continue;
                }

                var value = (i % 5) switch
                {
                    0 => random.NextDouble(),
                    1 => (t - start) / 60_000,
                    2 => 1,
                    3 => random.Next(50) == 0 ? StaleMarker.Value : random.Next(),
                    _ => random.Next(9) == 0 ? double.PositiveInfinity : -random.NextDouble() * 1e300,
                };
                appender.Append(appender.GetOrCreate(series[i], out _), t + (i * 7) + random.Next(3), value);
            }

            appender.Commit();
        }
    }

    private static void MakeWritable(string path)
    {
        foreach (var entry in Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories).Append(path))
        {
            File.SetUnixFileMode(entry, File.GetUnixFileMode(entry) | UnixFileMode.UserWrite | UnixFileMode.UserRead);
        }
    }
}
