using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Worlds;

/// <summary>The promise, with the real kernel limit: a server is killed for its memory and comes back tightened, without a human.</summary>
public sealed class CrimeSceneTests : IAsyncDisposable
{
    private const string Operator = "deployment metrics-operator -n metrics-operator";

    /// <summary>How long after a server is ready all its targets have been scraped: the window of its first scrapes (5 s), and discovery.</summary>
    private static readonly TimeSpan FirstScrapes = TimeSpan.FromSeconds(8);

    private static readonly string[] Kept = ["crime_up", "crime_requests_total", "crime_errors_total"];

    private readonly LocalWorld _world = new();

    [Fact]
    public async Task Server_killed_by_the_kernel_comes_back_tightened_and_tells_the_story()
    {
        var world = _world;
        await world.UpAsync("-f", Path.Combine(RepositoryRoot.Path, "deploy", "examples", "crime-scene.yaml"));
        await _world.KubectlAsync($"patch {Operator} --type=json -p [{{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/0/args/-\",\"value\":\"--resync-period=1s\"}}]");
        await using var readiness = new ReadinessWatch(new Uri(world.Ingress, "/crime-scene/-/ready"));
        var limits = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(world.Data, "cluster.json")))!["memoryLimits"]!.GetValue<string>();
        Assert.SkipUnless(limits.StartsWith("cgroup", StringComparison.Ordinal) || Environment.GetEnvironmentVariable("CI") == "true", $"memory limits here are by {limits}, not by the kernel");

        JsonNode? death = null;
        await Eventually.True(
            async () => (death = await LastDeathAsync()) is not null,
            "the kernel kills the server",
            TimeSpan.FromSeconds(180));
        Assert.Equal("OOMKilled", death!["reason"]!.GetValue<string>());
        Assert.Equal(137, death["exitCode"]!.GetValue<int>());

        // The operator dies in the middle of its reaction; the one that follows must not react again to what is counted.
        await KillOperatorAsync();

        await Eventually.True(
            async () => IsHealed(await world.GetAsync("mstack crime-scene -n monitoring")),
            "the stack is Ready again with interval raised and keep-lists applied",
            TimeSpan.FromSeconds(300));
        var stack = await world.GetAsync("mstack crime-scene -n monitoring");
        var deaths = stack["status"]!["overload"]!["incidents"]!.AsArray();
        Assert.Equal(deaths.Count, deaths.Select(d => d!["id"]!.GetValue<string>()).Distinct().Count());
        var restarts = (await ServerPodAsync())["status"]!["containerStatuses"]![0]!["restartCount"]!.GetValue<int>();
        Assert.True(restarts >= 1 && deaths.Count <= restarts, $"{deaths.Count} incidents for {restarts} restarts");
        Assert.Equal(2, stack["status"]!["overload"]!["activeSteps"]!.AsArray().Count);

        var story = await world.KubectlAsync("describe mstack crime-scene -n monitoring");
        foreach (var word in new[] { "OOMKilled", "137", "RaiseInterval", "ApplyKeepLists", "crime_session_bytes_total" })
        {
            Assert.Contains(word, story, StringComparison.Ordinal);
        }

        var tuning = await TuningAsync();
        await TenResyncsAsync();
        await KillOperatorAsync();
        await TenResyncsAsync();
        Assert.Equal(tuning, await TuningAsync());

        Assert.Equal(restarts, (await ServerPodAsync())["status"]!["containerStatuses"]![0]!["restartCount"]!.GetValue<int>());
        Assert.Equal("True", await world.ConditionAsync("crime-scene", "Ready"));
        await KeptMetricsHaveNoGapBeyondAsync(await readiness.StopAsync());
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    private async Task<JsonNode> ServerPodAsync() =>
        (await _world.GetAsync("pods -n monitoring -l app.kubernetes.io/instance=crime-scene"))["items"]!.AsArray().Single()!;

    private async Task<JsonNode?> LastDeathAsync() => (await ServerPodAsync())["status"]?["containerStatuses"]?[0]?["lastState"]?["terminated"];

    /// <summary>Looks at one state of the object: a condition and a level read one after the other may be of two moments.</summary>
    private static bool IsHealed(JsonNode stack)
    {
        var status = stack["status"]!;
        var ready = status["conditions"]!.AsArray().Single(c => c!["type"]!.GetValue<string>() == "Ready")!["status"]!.GetValue<string>();
        return ready == "True" && status["overload"]?["level"]?.GetValue<int>() >= 2 && status["effective"]!["keepLists"] is JsonArray { Count: > 0 };
    }

    private async Task KillOperatorAsync()
    {
        var pid = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(n => int.TryParse(n, out _)).Single(n => IsOperatorOfThisWorld(n!));
        (await RunResult.RunAsync("kill", ["-KILL", pid!])).Succeeded();
    }

    private bool IsOperatorOfThisWorld(string pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0')[0].EndsWith("MetricsOperator.Operator", StringComparison.Ordinal)
                && File.ReadAllText($"/proc/{pid}/environ").Contains(_world.Data, StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // The process ended while it was looked at.
            return false;
        }
    }

    /// <summary>Everything the stack tells of deaths and steps.</summary>
    private async Task<string> TuningAsync()
    {
        var overload = (await _world.GetAsync("mstack crime-scene -n monitoring"))["status"]!["overload"]!;
        return overload["incidents"]!.ToJsonString() + overload["activeSteps"]!.ToJsonString();
    }

    /// <summary>Waits until the operator that leads at this moment has looked at the stack ten times more, though nothing changed.</summary>
    private async Task TenResyncsAsync()
    {
        double? before = null;
        await Eventually.True(
            async () =>
            {
                var count = await ReconcilesAsync();
                before ??= count;
                return count >= before + 10;
            },
            "the operator looks at the stack ten times",
            TimeSpan.FromSeconds(90));
    }

    private async Task<double> ReconcilesAsync()
    {
        using var http = new HttpClient();
        var pod = (await _world.GetAsync("pods -n metrics-operator"))["items"]!.AsArray().Single()!;
        var metrics = await http.GetStringAsync(new Uri($"http://{pod["status"]!["podIP"]!.GetValue<string>()}:8080/metrics"));
        return metrics.Split('\n').Where(l => l.StartsWith("controller_runtime_reconcile_total{", StringComparison.Ordinal)).Sum(l => double.Parse(l.Split(' ')[^1], CultureInfo.InvariantCulture));
    }

    /// <summary>Samples of the kept metrics flow again when the server is ready again, and what is missing is the outage and no more.</summary>
    private async Task KeptMetricsHaveNoGapBeyondAsync(IReadOnlyList<(DateTimeOffset From, DateTimeOffset To)> outages)
    {
        Assert.NotEmpty(outages);
        var longest = outages.Max(o => o.To - o.From);
        var interval = TimeSpan.FromSeconds(20);
        using var http = new HttpClient();
        foreach (var metric in Kept)
        {
            var answer = JsonNode.Parse(await http.GetStringAsync(new Uri(_world.Ingress, $"/crime-scene/api/v1/query?query={Uri.EscapeDataString($"{metric}[30m]")}")))!;
            var series = answer["data"]!["result"]!.AsArray();
            Assert.NotEmpty(series);
            foreach (var times in series.Select(s => s!["values"]!.AsArray().Select(v => DateTimeOffset.UnixEpoch.AddSeconds(v![0]!.GetValue<double>())).ToList()))
            {
                var story = $"{metric} at {string.Join(' ', times.Select(t => $"{t:HH:mm:ss.f}"))}, outages {string.Join(' ', outages.Select(o => $"{o.From:HH:mm:ss.f}-{o.To:HH:mm:ss.f}"))}";
                Assert.All(outages, o => Assert.True(times.Exists(t => t > o.From && t <= o.To + FirstScrapes), story));
                Assert.All(times.Zip(times.Skip(1)), pair => Assert.True(pair.Second - pair.First <= longest + interval + FirstScrapes, story));
            }
        }
    }
}
