using System.Security.Cryptography;
using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Inspection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Tsdb.Tests.Inspection;

public sealed class ReadOnlyTests
{
    [Theory]
    [InlineData("prom242-head-only")]
    [InlineData("prom242-killed")]
    [InlineData("prom242-blocks-checkpoint")]
    public void Dump_of_a_Prometheus_directory_is_that_of_promtool(string fixture)
    {
        Peer.Require("promtool", "prometheus");
        using var folder = new TempDir();
        var path = SmallDatabase.CopyFixture(folder, fixture);
        var before = Fingerprint(path);
        var ours = Dump(path, DumpFormat.Prom);
        Assert.Equal(before, Fingerprint(path));
        Assert.Equal(Promtool.Run("tsdb", "dump", path), ours);
    }

    [Fact]
    public void Dump_of_our_directory_is_that_of_promtool_also_while_a_server_runs()
    {
        Peer.Require("promtool", "prometheus");
        using var folder = new TempDir();
        var path = folder["ours"];

        // Without late samples: promtool 2.42 does not show the head before the end of any block, one of late samples included.
        static TsdbOptions Options(TsdbOptions o) => o with { MinBlockDurationMs = 1000, RetentionMs = 0 };
        using (var db = TestDb.Open(path, Options))
        {
            for (var t = 0; t < 9000; t += 10)
            {
                db.Append(LabelSet.Of(("__name__", "a"), ("text", "\"quoted\" \\ é")), (t, Math.Sqrt(t)));
                db.Append(LabelSet.Of(("__name__", "b")), (t, t % 50 == 0 ? double.NaN : -t * 1e20));
            }

            db.RunMaintenance(CancellationToken.None);
            Assert.NotEmpty(db.Blocks);
        }

        var before = Fingerprint(path);
        var stopped = Dump(path, DumpFormat.Prom);
        Assert.Equal(before, Fingerprint(path));
        Assert.Equal(Promtool.Run("tsdb", "dump", folder.CopyFrom(path, "copy")), stopped);
        using var server = TestDb.Open(path, Options);
        Assert.Equal(stopped, Dump(path, DumpFormat.Prom));
    }

    [Fact]
    public void Dump_selects_and_has_other_forms()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder["ours"]);
        LabelMatcher[] one = [TestDb.Equal("__name__", "metric_0")];
        LabelMatcher[] two = [TestDb.Equal("__name__", "latency")];
        Assert.Equal(
            "metric_0{host=\"h0\",job=\"test\"} 0 0.000\nmetric_0{host=\"h0\",job=\"test\"} 1 0.010\n# EOF\n",
            Dump(folder["ours"], DumpFormat.OpenMetrics, 0, 10, one));
        var lines = Dump(folder["ours"], DumpFormat.Json, 1000, 1100, one, two).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("{\"metric\":{\"__name__\":\"latency\",\"job\":\"test\"},\"samples\":[[1000,{\"count\":\"40\",\"sum\":\"15\",\"buckets\":[", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("{\"metric\":{\"__name__\":\"metric_0\",\"host\":\"h0\",\"job\":\"test\"},\"samples\":[[1000,\"10\"],[1010,", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Analysis_counts_what_was_written()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder["ours"]);
        using var database = ReadOnlyDatabase.Open(folder["ours"], withHead: true, null, NullLogger.Instance, CancellationToken.None);
        foreach (var analysis in new[]
        {
            CardinalityAnalysis.OfBlock(database, database.Blocks[0].Ulid, 3, CancellationToken.None),
            CardinalityAnalysis.OfHead(database, 3, CancellationToken.None),
        })
        {
            Assert.Equal(5, analysis.Series);
            Assert.Equal(3, analysis.LabelNames);
            Assert.Equal(8, analysis.LabelPairs);
            Assert.Equal(14, analysis.PairEntries);
            Assert.Equal(new NamedCount("job=test", 5), analysis.CommonPairs[0]);
            Assert.Equal([new NamedCount("__name__", 5), new NamedCount("host", 2), new NamedCount("job", 1)], analysis.Cardinality);
            Assert.Equal(3, analysis.Metrics.Count);
        }
    }

    [Fact]
    public void List_shows_blocks_and_parts_of_the_head()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder["ours"], keepsState: true);
        var listing = DirectoryListing.Of(folder["ours"]);
        Assert.All(listing.Blocks, b => Assert.True(b.Meta is { Stats.NumSeries: > 0 } && b.Bytes > 0));
        Assert.Equal(["wal", "checkpoint", "wbl", "chunks_head", "head_state"], listing.Head.Select(p => p.Name));
        Assert.All(listing.Head, p => Assert.True(p.Files > 0, p.Name));
    }

    private static string Dump(string path, DumpFormat format, long from = long.MinValue, long to = long.MaxValue, params LabelMatcher[][] selectors)
    {
        using var database = ReadOnlyDatabase.Open(path, withHead: true, null, NullLogger.Instance, CancellationToken.None);
        using var output = new MemoryStream();
        Assert.Empty(new SampleDump(output, format, withHistograms: false).WriteAll(database, selectors, from, to, CancellationToken.None));
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static List<string> Fingerprint(string path) => Directory.EnumerateFileSystemEntries(path, "*", SearchOption.AllDirectories)
        .Order(StringComparer.Ordinal)
        .Select(e => File.Exists(e) ? $"{e} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(e)))}" : e)
        .ToList();
}
