using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using MetricsOperator.LocalCluster.Hosting;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet.Logs;
using MetricsOperator.LocalCluster.Kubelet.Memory;
using MetricsOperator.LocalCluster.Kubelet.Pods;
using MetricsOperator.LocalCluster.Kubelet.Processes;
using MetricsOperator.LocalCluster.Kubelet.Volumes;
using MetricsOperator.LocalCluster.Store;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Kubelet;

/// <summary>
/// The node of the local cluster: registers itself, takes pods, and runs their containers as processes of this machine. Nothing is adopted over a
/// restart: what a killed cluster left running is ended first, then every pod is started afresh.
/// </summary>
public sealed class NodeAgent(ClusterServices services) : IClusterPart
{
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(1);
    private static readonly TimeSpan SchedulingRetry = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan VolumeUpdateDelay = TimeSpan.FromMilliseconds(300);

    private readonly ILogger _logger = services.Logs.CreateLogger("kubelet");
    private readonly ConcurrentDictionary<string, PodWorker> _workers = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (string Token, DateTimeOffset Issued)> _tokens = new(StringComparer.Ordinal);
    private readonly Channel<byte> _scheduling = Channel.CreateBounded<byte>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly CancellationTokenSource _stop = new();
    private readonly List<IDisposable> _watches = [];
    private readonly List<Task> _loops = [];
    private MemoryEnforcement? _memory;
    private ResidentSetGuard? _guard;
    private ContainerRuntime? _runtime;
    private KubeletServices? _kubelet;
    private bool _retryWaits;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken stop)
    {
        var data = Path.GetFullPath(services.Options.DataDirectory);
        var identity = SHA256.HashData(Encoding.UTF8.GetBytes(data));
        var folder = Directory.CreateDirectory(Path.Join(data, "kubelet")).FullName;
        var ledger = new ProcessLedger(Path.Join(folder, "processes"));
        if (ledger.EndStale() is var ended and > 0)
        {
            _logger.LogWarning("Ended {Count} processes that an earlier run of this cluster left behind", ended);
        }

        _memory = await MemoryEnforcement.ChooseAsync(
            services.Options.MemoryLimits, "metricsoperator-" + Convert.ToHexStringLower(identity)[..12], services.Time, _logger, Path.Join(folder, "cgroup"));
        services.MemoryLimitsInForce = _memory.Description;
        _logger.LogInformation("Memory limits of containers: {MemoryLimits}", _memory.Description);
        _guard = new ResidentSetGuard(services.Time);
        _guard.Start();
        _runtime = new ContainerRuntime(_memory, _guard, ledger, services.Time);
        _kubelet = Services(data, BitConverter.ToInt32(identity) & int.MaxValue, _runtime);

        var heartbeat = new NodeHeartbeat(services.Api, _kubelet.Node, data, services.Time);
        heartbeat.Beat();
        var living = services.Api.List("pods").Select(pod => pod.UidOf()).ToHashSet(StringComparer.Ordinal);
        _kubelet.Logs.PruneGonePods(living);
        foreach (var left in Directory.CreateDirectory(_kubelet.PodsFolder).GetDirectories().Where(pod => !living.Contains(pod.Name)))
        {
            left.Delete(recursive: true);
        }

        services.PodLogs = new PodLogEndpoint(_kubelet, FindWorker).WriteAsync;
        _loops.Add(HeartbeatAsync(heartbeat, _stop.Token));
        _loops.Add(ScheduleAsync(new PodScheduler(services.Api, _kubelet.Node, services.Time), _stop.Token));
        _watches.Add(services.Api.Watch("pods", OnPod));
        _watches.Add(services.Api.Watch("configmaps", (_, changed) => OnContent(changed, "configMap")));
        _watches.Add(services.Api.Watch("secrets", (_, changed) => OnContent(changed, "secret")));
        _watches.Add(services.Api.Watch("persistentvolumeclaims", (_, _) => _scheduling.Writer.TryWrite(0)));
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var watch in _watches)
        {
            watch.Dispose();
        }

        foreach (var loop in _loops)
        {
            await loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAll(_workers.Values.Select(worker => worker.DisposeAsync().AsTask()));
        if (_guard is not null)
        {
            await _guard.DisposeAsync();
        }

        _runtime?.Dispose();
        if (_memory is not null)
        {
            await _memory.RemoveAsync();
        }

        _stop.Dispose();
    }

    private KubeletServices Services(string data, int seed, ContainerRuntime runtime)
    {
        var images = new ImageMap(services.Options.Images);
        return new KubeletServices
        {
            Api = services.Api,
            Time = services.Time,
            Logger = _logger,
            Events = new EventRecorder(services.Api, "kubelet", NodeDocument.NodeName, services.Time, _logger),
            Runtime = runtime,
            Images = images,
            Planner = new ContainerPlanner(new EnvironmentResolver(services.Api, services.ApiUrl), images),
            Addresses = new PodAddresses(seed),
            VolumeSource = new VolumeSource(services.Api, Token, services.CaCertificatePem),
            Logs = new PodLogFolder(Path.Join(data, "logs", "pods")),
            Node = NodeDocument.Facts(),
            PodsFolder = Path.Join(data, "pods"),
            BackoffScale = services.Options.BackoffScale,
        };
    }

    /// <summary>The pod's token; renewed after four fifths of its life, as a kubelet does.</summary>
    private string Token(PodContext pod)
    {
        var now = services.Time.GetUtcNow();
        if (_tokens.TryGetValue(pod.Uid, out var known) && now - known.Issued < TokenLifetime * 0.8)
        {
            return known.Token;
        }

        var token = services.IssuePodToken(new PodTokenRequest(pod.Namespace, pod.ServiceAccount, pod.Name, pod.Uid, TokenLifetime));
        _tokens[pod.Uid] = (token, now);
        return token;
    }

    private PodWorker? FindWorker(string ns, string name) =>
        _workers.Values.Where(worker => worker.Pod.NamespaceOf() == ns && worker.Pod.NameOf() == name)
            .MaxBy(worker => worker.Pod.StringAt("metadata", "creationTimestamp"), StringComparer.Ordinal);

    private void OnPod(WatchEventType type, JsonObject pod)
    {
        var uid = pod.UidOf();
        if (type == WatchEventType.Deleted)
        {
            _scheduling.Writer.TryWrite(0);
            if (_workers.TryGetValue(uid, out var leaving))
            {
                leaving.Update(pod);
                leaving.Gone();
            }

            return;
        }

        if (pod.StringAt("spec", "nodeName") is not { Length: > 0 } node)
        {
            _scheduling.Writer.TryWrite(0);
        }
        else if (node == NodeDocument.NodeName)
        {
            if (_workers.TryGetValue(uid, out var worker))
            {
                worker.Update(pod);
            }
            else
            {
                _workers[uid] = new PodWorker(_kubelet!, pod, OnFinished);
            }
        }
    }

    private void OnFinished(PodWorker worker)
    {
        _workers.TryRemove(worker.Uid, out _);
        _tokens.TryRemove(worker.Uid, out _);
    }

    /// <summary>A ConfigMap or Secret changed: the pods that mount it look again a moment later, so that a burst of changes is one update.</summary>
    private void OnContent(JsonObject changed, string kind)
    {
        foreach (var worker in _workers.Values)
        {
            if (worker.Pod.NamespaceOf() == changed.NamespaceOf() && Uses(worker.Pod, kind, changed.NameOf()))
            {
                _ = WakeSoonAsync(worker);
            }
        }
    }

    private async Task WakeSoonAsync(PodWorker worker)
    {
        await Task.Delay(VolumeUpdateDelay, services.Time, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        worker.Wake();
    }

    private static bool Uses(JsonObject pod, string kind, string name) =>
        pod.ObjectsAt("spec", "volumes").Any(volume =>
            volume.StringAt(kind, kind == "secret" ? "secretName" : "name") == name || volume.ObjectsAt("projected", "sources").Any(source => source.StringAt(kind, "name") == name))
        || pod.ObjectsAt("spec", "containers").Concat(pod.ObjectsAt("spec", "initContainers")).Any(container =>
            container.ObjectsAt("env").Any(entry => entry.StringAt("valueFrom", kind + "KeyRef", "name") == name)
            || container.ObjectsAt("envFrom").Any(source => source.StringAt(kind + "Ref", "name") == name));

    private async Task HeartbeatAsync(NodeHeartbeat heartbeat, CancellationToken stop)
    {
        using var timer = new PeriodicTimer(NodeHeartbeat.LeasePeriod, services.Time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            try
            {
                heartbeat.Beat();
            }
            catch (ApiStatusException e)
            {
                _logger.LogWarning("Node heartbeat was refused: {Message}", e.Message);
            }
        }
    }

    private async Task ScheduleAsync(PodScheduler scheduler, CancellationToken stop)
    {
        while (await _scheduling.Reader.WaitToReadAsync(stop))
        {
            _scheduling.Reader.TryRead(out _);
            try
            {
                if (scheduler.Pass())
                {
                    RetryScheduling(stop);
                }
            }
            catch (ApiStatusException e)
            {
                _logger.LogWarning("A scheduling pass was refused: {Message}", e.Message);
                RetryScheduling(stop);
            }
        }
    }

    /// <summary>One retry waits at a time, however many passes ask for one; else every change in the cluster would begin another endless chain.</summary>
    private void RetryScheduling(CancellationToken stop)
    {
        if (!Interlocked.Exchange(ref _retryWaits, true))
        {
            _ = RetrySchedulingAsync(stop);
        }
    }

    private async Task RetrySchedulingAsync(CancellationToken stop)
    {
        await Task.Delay(SchedulingRetry, services.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Interlocked.Exchange(ref _retryWaits, false);
        _scheduling.Writer.TryWrite(0);
    }
}
