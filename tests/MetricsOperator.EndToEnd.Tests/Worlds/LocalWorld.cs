using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Worlds;

/// <summary>A world brought up by <c>metricsctl up --detach</c>, and the real kubectl against it.</summary>
internal sealed class LocalWorld : IAsyncDisposable
{
    private readonly TempDir _directory = new();
    private readonly string _kubectl = Peer.Require("kubectl", "kubernetes-client");

    public string Data => _directory["world"];

    public string AuditLog => Path.Combine(Data, "audit.log");

    /// <summary>Brings the world up with more arguments for <c>metricsctl up</c>; returns what it printed.</summary>
    public async Task<string> UpAsync(params string[] arguments) =>
        (await RunResult.RunAsync(Programs.Metricsctl, ["up", "--detach", "--data", Data, .. arguments], TimeSpan.FromMinutes(4))).Succeeded();

    /// <summary>Runs kubectl and returns all it answered; a warning on its error stream fails the test.</summary>
    public async Task<RunResult> TryKubectlAsync(string arguments, string? input = null)
    {
        var result = await RunResult.RunAsync(_kubectl, ["--kubeconfig", Path.Combine(Data, "kubeconfig"), .. arguments.Split(' ')], input: input);
        Assert.DoesNotContain("Warning", result.Errors, StringComparison.Ordinal);
        return result;
    }

    /// <summary>The output of a kubectl command that must succeed.</summary>
    public async Task<string> KubectlAsync(string arguments, string? input = null) => (await TryKubectlAsync(arguments, input)).Succeeded();

    /// <summary>An object as JSON.</summary>
    public async Task<JsonNode> GetAsync(string arguments) => JsonNode.Parse(await KubectlAsync($"get {arguments} -o json"))!;

    /// <summary>Address of the ingress proxy.</summary>
    public Uri Ingress => new(JsonNode.Parse(File.ReadAllText(Path.Combine(Data, "cluster.json")))!["ingressUrl"]!.GetValue<string>());

    /// <summary>Status (True, False, Unknown) of a condition of a stack, or null.</summary>
    public async Task<string?> ConditionAsync(string stack, string type) =>
        (await GetAsync($"mstack {stack} -n monitoring"))["status"]?["conditions"]?.AsArray()
            .FirstOrDefault(c => c!["type"]!.GetValue<string>() == type)?["status"]?.GetValue<string>();

    public async ValueTask DisposeAsync()
    {
        if (Directory.Exists(Data))
        {
            (await RunResult.RunAsync(Programs.Metricsctl, ["down", "--data", Data], TimeSpan.FromMinutes(1))).Succeeded();
        }

        _directory.Dispose();
    }
}
