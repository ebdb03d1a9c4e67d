using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Worlds;

/// <summary>The promise, with the real kernel limit: a server is killed for its memory and comes back tightened, without a human.</summary>
public sealed class CrimeSceneTests : IAsyncDisposable
{
    private static readonly string[] Kept = ["crime_up", "crime_requests_total", "crime_errors_total"];

    private readonly LocalWorld _world = new();

    [Fact]
    public async Task Server_killed_by_the_kernel_comes_back_tightened_and_tells_the_story()
    {
        var world = _world;
        await world.UpAsync("-f", Path.Combine(RepositoryRoot.Path, "deploy", "examples", "crime-scene.yaml"));
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

        await StaysAliveAsync(restarts);
        await KeptMetricsAnswerAsync();
        Assert.Equal(deaths.Count, (await world.GetAsync("mstack crime-scene -n monitoring"))["status"]!["overload"]!["incidents"]!.AsArray().Count);
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

    private async Task StaysAliveAsync(int restarts)
    {
        await Task.Delay(TimeSpan.FromSeconds(30));
        Assert.Equal(restarts, (await ServerPodAsync())["status"]!["containerStatuses"]![0]!["restartCount"]!.GetValue<int>());
        Assert.Equal("True", await _world.ConditionAsync("crime-scene", "Ready"));
    }

    private async Task KeptMetricsAnswerAsync()
    {
        using var http = new HttpClient();
        foreach (var metric in Kept)
        {
            var query = Uri.EscapeDataString($"count_over_time({metric}[10m])");
            var answer = JsonNode.Parse(await http.GetStringAsync(new Uri(_world.Ingress, $"/crime-scene/api/v1/query?query={query}")))!;
            var samples = answer["data"]!["result"]!.AsArray().Select(s => double.Parse(s!["value"]![1]!.GetValue<string>(), CultureInfo.InvariantCulture)).ToList();
            Assert.True(samples.Count > 0 && samples.Min() >= 5, $"{metric}: {samples.Count} series, fewest samples {(samples.Count > 0 ? samples.Min() : 0)}");
        }
    }
}
