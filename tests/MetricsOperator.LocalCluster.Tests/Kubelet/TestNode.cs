using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Controllers;
using MetricsOperator.LocalCluster.Hosting;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Store;
using MetricsOperator.TestKit;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.LocalCluster.Tests.Kubelet;

/// <summary>A whole node without HTTP: store, controllers and kubelet; the image <c>sh</c> is /bin/sh.</summary>
internal sealed class TestNode : IAsyncDisposable
{
    private readonly TempDir? _ownDirectory;
    private readonly ClusterCore _core;
    private readonly ControllerSet _controllers;
    private readonly NodeAgent _agent;

    private TestNode(TempDir? ownDirectory, ClusterCore core, ClusterServices services)
    {
        _ownDirectory = ownDirectory;
        _core = core;
        Services = services;
        _controllers = new ControllerSet(services);
        _agent = new NodeAgent(services);
    }

    public ClusterServices Services { get; }

    public ClusterApi Api => Services.Api;

    public static async Task<TestNode> StartAsync(double backoffScale = 0.02, string memoryLimits = "auto", string? directory = null)
    {
        var own = directory is null ? new TempDir() : null;
        var data = directory ?? own!.Path;
        var core = ClusterCore.Open(Path.Join(data, "objects"), null, "-----CA-----", TimeProvider.System, NullLoggerFactory.Instance);
        var node = new TestNode(own, core, new ClusterServices
        {
            Options = new ClusterOptions
            {
                DataDirectory = data,
                Images = new Dictionary<string, string> { ["sh"] = "/bin/sh" },
                BackoffScale = backoffScale,
                MemoryLimits = memoryLimits,
            },
            Api = core.Api,
            ApiUrl = new Uri("https://127.0.0.1:6443"),
            CaCertificatePem = "-----CA-----",
            Time = TimeProvider.System,
            Logs = new LoggerFactory(),
            IssuePodToken = request => $"token-of-{request.PodName}",
        });
        await node._controllers.StartAsync(CancellationToken.None);
        await node._agent.StartAsync(CancellationToken.None);
        return node;
    }

    /// <summary>Creates a pod with one container "c" that runs a shell script.</summary>
    public JsonObject Run(string name, string script, Action<JsonObject>? spec = null, Action<JsonObject>? container = null)
    {
        var c = new JsonObject { ["name"] = "c", ["image"] = "sh", ["args"] = new JsonArray("-c", script) };
        container?.Invoke(c);
        var pod = new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "Pod",
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default" },
            ["spec"] = new JsonObject { ["terminationGracePeriodSeconds"] = 5, ["containers"] = new JsonArray(c) },
        };
        spec?.Invoke((JsonObject)pod["spec"]!);
        return Api.Create("pods", "default", pod, "test");
    }

    public JsonObject? Pod(string name) => Api.Get("pods", "default", name);

    public JsonObject Status(string name) => (JsonObject)Pod(name)!["status"]!["containerStatuses"]![0]!;

    /// <summary>Waits until the condition holds for the pod and returns it.</summary>
    public async Task<JsonObject> PodWhere(string name, Func<JsonObject, bool> condition, string what)
    {
        JsonObject? found = null;
        await Eventually.True(
            () =>
            {
                found = Pod(name);
                return found is not null && condition(found);
            },
            $"{what}; last seen: {found?["status"]?.ToJsonString()}");
        return found!;
    }

    /// <summary>Stops the node as SIGTERM does and keeps its directory for another start.</summary>
    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _controllers.DisposeAsync();
        _core.Dispose();
        _ownDirectory?.Dispose();
    }
}
