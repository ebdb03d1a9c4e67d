using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>A log that is larger than memory, a real kernel limit, and kills at random moments: the server comes up with everything.</summary>
/// <remarks>
/// <c>RESCUE_SERIES</c> and <c>RESCUE_LIMIT_MB</c> set the size; docs/operations/benchmarks.md has the figures of a large run.
/// </remarks>
public sealed class RescueTests(RescueLog log) : IClassFixture<RescueLog>
{
    private const int PrometheusStarts = 3;

    private static readonly long Limit = Number("RESCUE_LIMIT_MB", 128) * 1024 * 1024;

    [Fact]
    public async Task Log_larger_than_the_limit_is_rescued_across_kills()
    {
        using var group = MemoryGroup.TryCreate(Limit, out var problem);
        Assert.SkipWhen(group is null && Environment.GetEnvironmentVariable("CI") != "true", problem);
        Assert.NotNull(group);
        using var directory = new TempDir();
        await log.CopyToAsync(directory["data"]);
        await using var server = new ServerProcess(directory, RescueLog.Config, RescueLog.KeepsAll) { Group = group };
        var seed = Environment.TickCount;
        var output = TestContext.Current.TestOutputHelper!;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var done = 0.0;
        var kills = 0;
        var clock = Stopwatch.StartNew();
        for (; ; kills++)
        {
            Assert.True(kills < 60, $"not ready after {kills} kills:\n{server.Log}");

            // A small log is read in seconds: its first lives are short, so that something is interrupted on any machine.
            server.Begin();
            var life = RescueLog.Series > RescueLog.UsualSeries ? 10 + (random.NextDouble() * 20) : 1.5 + kills + (random.NextDouble() * 3);
            if (await server.IsReadyWithinAsync(TimeSpan.FromSeconds(life)))
            {
                break;
            }

            server.Kill9();
            var now = ShareDone(server.DataDirectory);
            output.WriteLine($"killed after {life:F1} s, {now:P0} of the parts are done");
            Assert.True(now >= done, $"{now:P0} of the parts are done, {done:P0} were before:\n{server.Log}");
            done = now;
        }

        output.WriteLine($"{RescueLog.Series} series in {Limit >> 20} MiB: ready {clock.Elapsed.TotalSeconds:F0} s after the first start and {kills} kills, {group.Kills} by the kernel, most used {group.PeakBytes >> 20} MiB");
        Assert.Contains("replayed in", server.Log, StringComparison.Ordinal);
        Assert.True(kills > 0, "nothing was interrupted");
        Assert.Equal(0, group.Kills);
        for (var part = 0; part < RescueLog.Groups; part++)
        {
            var query = $"sum(count_over_time(rescue_test{{part=\"{part}\"}}[1h]))";
            var data = await server.GetDataAsync(
                $"api/v1/query?query={Uri.EscapeDataString(query)}&time={(log.EndMs / 1000.0).ToString("F3", CultureInfo.InvariantCulture)}");
            var wanted = RescueLog.Series / RescueLog.Groups * RescueLog.SamplesPerSeries;
            Assert.Equal(wanted.ToString(CultureInfo.InvariantCulture), data["result"]![0]!["value"]![1]!.GetValue<string>());
        }

        Assert.Equal(0, await server.StopAsync());
    }

    // What the rescue is for: a start of Prometheus needs the whole head in memory, and so does every start after it. Where the limit leaves it just
    // short of what it needs, the kernel takes the pages of its program instead of killing it, and it reads them again and again: that is no start either.
    [Fact]
    public async Task Prometheus_on_the_same_log_in_the_same_group_does_not_come_up()
    {
        var prometheus = Peer.Require("prometheus", "prometheus");
        using var group = MemoryGroup.TryCreate(Limit, out var problem);
        Assert.SkipWhen(group is null && Environment.GetEnvironmentVariable("CI") != "true", problem);
        Assert.NotNull(group);
        using var directory = new TempDir();
        await log.CopyToAsync(directory["data"]);
        var within = TimeSpan.FromSeconds(RescueLog.Series > RescueLog.UsualSeries ? 300 : 40);
        for (var start = 1; start <= PrometheusStarts; start++)
        {
            var clock = Stopwatch.StartNew();
            var kills = group.Kills;
            var outcome = await PrometheusProcess.TryStartInAsync(group, prometheus, directory, directory["data"], within);
            TestContext.Current.TestOutputHelper!.WriteLine($"start {start} of prometheus: {outcome} after {clock.Elapsed.TotalSeconds:F1} s, {group.Kills - kills} kills by the kernel");
            Assert.NotEqual(PrometheusStart.Ready, outcome);
            Assert.Equal(outcome == PrometheusStart.Ended ? 1 : 0, group.Kills - kills);
        }
    }

    internal static long Number(string variable, long usual) =>
        Environment.GetEnvironmentVariable(variable) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : usual;

    private static double ShareDone(string data)
    {
        var path = Path.Combine(data, "rescue.json");
        if (!File.Exists(path))
        {
            return 0;
        }

        var state = JsonNode.Parse(File.ReadAllText(path))!;
        return (double)state["done"]!.AsArray().Count / state["partitions"]!.GetValue<int>();
    }
}
