using System.Globalization;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>The server and Prometheus' own tools read each other's data directories.</summary>
public sealed class InteroperationTests
{
    private const string Config = "global: {scrape_interval: 1m}\n";

    [Theory]
    [InlineData("prom242-head-only")]
    [InlineData("prom242-killed")]
    [InlineData("prom242-blocks-checkpoint")]
    public async Task Server_opens_a_directory_of_a_real_prometheus_and_answers_with_its_samples(string fixture)
    {
        var source = Path.Combine(Peer.RequireShared(), "fixtures", "prometheus-data", fixture);
        var promtool = Peer.Require("promtool", "prometheus");
        using var directory = new TempDir();
        var dump = Dump.Parse((await RunResult.RunAsync(promtool, ["tsdb", "dump", directory.CopyFrom(source, "reference")])).Succeeded());
        Assert.NotEmpty(dump.SamplesByMetric);

        directory.CopyFrom(source, "data");
        await using var server = new ServerProcess(directory, Config, "--storage.tsdb.retention.time=100y");
        await server.StartAsync();
        foreach (var (metric, samples) in dump.SamplesByMetric)
        {
            var query = $"sum(count_over_time({metric}[{dump.MaxTime - dump.MinTime + 1}ms]))";
            var answer = await server.GetDataAsync(
                $"api/v1/query?query={Uri.EscapeDataString(query)}&time={(dump.MaxTime / 1000.0).ToString("F3", CultureInfo.InvariantCulture)}");
            var count = answer["result"]!.AsArray().Single()!["value"]![1]!.GetValue<string>();
            Assert.True(count == samples.ToString(CultureInfo.InvariantCulture), $"{metric}: got {count} samples, want {samples}");
        }
    }

    [Fact]
    public async Task Promtool_reads_a_directory_that_the_server_wrote()
    {
        var promtool = Peer.Require("promtool", "prometheus");
        using var directory = new TempDir();
        await using var server = new ServerProcess(directory, Config);
        await server.StartAsync();
        var load = new RemoteWriteLoad(server.Http, seriesPerBatch: 20);
        using (var stop = new CancellationTokenSource(TimeSpan.FromSeconds(2)))
        {
            await load.RunAsync(stop.Token);
        }

        Assert.Equal(0, await server.StopAsync());
        var dump = Dump.Parse((await RunResult.RunAsync(promtool, ["tsdb", "dump", server.DataDirectory])).Succeeded());
        Assert.Equal(load.Acknowledged.Count * 20L, dump.SamplesByMetric["kill_test"]);
    }

    [Fact]
    public async Task Prometheus_starts_on_a_directory_after_a_clean_stop_and_after_a_kill()
    {
        var prometheus = Peer.Require("prometheus", "prometheus");
        using var directory = new TempDir();
        await using var server = new ServerProcess(directory, Config);
        var load = new RemoteWriteLoad(server.Http, seriesPerBatch: 20);
        foreach (var killed in new[] { false, true })
        {
            await server.StartAsync();
            using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await load.RunAsync(stop.Token);
            if (killed)
            {
                server.Kill9();
            }
            else
            {
                Assert.Equal(0, await server.StopAsync());
            }

            var copy = directory.CopyFrom(server.DataDirectory, killed ? "killed" : "stopped");
            var count = await PrometheusProcess.CountSamplesAsync(prometheus, directory, copy, "kill_test", load.Acknowledged.Keys.Max());
            Assert.Equal(load.Acknowledged.Count * 20L, count);
        }
    }

    /// <summary>
    /// Float samples of <c>promtool tsdb dump</c>, counted by metric. It prints stale markers and ordinary NaN alike, so metrics with any NaN are left out.
    /// </summary>
    private sealed record Dump(Dictionary<string, long> SamplesByMetric, long MinTime, long MaxTime)
    {
        public static Dump Parse(string text)
        {
            var counts = new Dictionary<string, long>();
            var ambiguous = new HashSet<string>();
            long min = long.MaxValue, max = long.MinValue;
            foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                // {__name__="x", a="b"} VALUE TIMESTAMP
                var labels = line.LastIndexOf('}');
                var fields = line[(labels + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
                if (labels < 0 || fields.Length != 2)
                {
                    continue;
                }

                var name = line.Split("__name__=\"")[1].Split('"')[0];
                if (fields[0] == "NaN")
                {
                    ambiguous.Add(name);
                }

                var time = long.Parse(fields[1], CultureInfo.InvariantCulture);
                counts[name] = counts.GetValueOrDefault(name) + 1;
                min = Math.Min(min, time);
                max = Math.Max(max, time);
            }

            return new Dump(counts.Where(c => !ambiguous.Contains(c.Key)).ToDictionary(), min, max);
        }
    }
}
