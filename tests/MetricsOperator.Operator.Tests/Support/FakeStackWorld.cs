using System.Globalization;
using System.Text;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.Operator.Stacks;
using MetricsOperator.Planning.Scraping;
using MetricsOperator.Planning.Stacks;

namespace MetricsOperator.Operator.Tests.Support;

/// <summary>The operator process dies here.</summary>
internal sealed class CrashException : Exception;

/// <summary>
/// A cluster in memory, as far as a reconcile sees it: what was written is what is read. It can let the operator die before any write, and its
/// pods run whatever configuration the ConfigMap held when they were last touched or started, as a kubelet does.
/// </summary>
internal sealed class FakeStackWorld : IStackWorld
{
    private readonly Dictionary<(string Kind, string Ns, string Name), LiveObject> _objects = [];
    private int _version = 100;

    public MetricsStack? Stack { get; set; }

    public List<MetricsKeepList> KeepLists { get; } = [];

    public List<V1Pod> Pods { get; } = [];

    public Dictionary<string, V1Secret> Secrets { get; } = [];

    /// <summary>What each pod's server runs, by pod name; a pod without an entry does not answer.</summary>
    public Dictionary<string, string> Running { get; } = [];

    /// <summary>Every write, in order.</summary>
    public List<string> Writes { get; } = [];

    public List<Eventsv1Event> Events { get; } = [];

    /// <summary>The operator dies instead of making this write (counted from 0); null never.</summary>
    public int? DieAtWrite { get; set; }

    /// <summary>The API server does not answer the next Event.</summary>
    public bool FailNextEvent { get; set; }

    public IEnumerable<LiveObject> Objects => _objects.Values;

    public string ConfigText => ((V1ConfigMap)_objects[("ConfigMap", "monitoring", $"{Stack!.Metadata.Name}-config")].Object).Data![ServerConfigRenderer.FileName];

    public string ConfigHash => ServerConfigRenderer.Hash(ConfigText);

    public T? Find<T>(string name)
        where T : class, IKubernetesObject => _objects.Values.Select(o => o.Object).OfType<T>().FirstOrDefault(o => o.Metadata.Name == name);

    public MetricsStack? FindStack(ObjectKey key) => Stack;

    public IReadOnlyList<MetricsKeepList> KeepListsIn(string ns) => KeepLists;

    public IReadOnlyList<LiveObject> ObjectsOf(ObjectKey stack) => [.. _objects.Values];

    public IReadOnlyList<V1Pod> PodsOf(ObjectKey stack) => [.. Pods];

    public V1ConfigMap? OverlayOf(ObjectKey stack) => Find<V1ConfigMap>(StackNames.Overlay(stack.Name));

    public Task<V1Secret?> ReadSecretAsync(string ns, string name, CancellationToken cancellation) => Task.FromResult(Secrets.GetValueOrDefault(name));

    public Task<ReplicaReport?> AskServerAsync(V1Pod pod, string routePrefix, CancellationToken cancellation) =>
        Task.FromResult(Running.TryGetValue(pod.Metadata.Name!, out var hash) ? new ReplicaReport(hash, "", "ready") : null);

    public Task SaveOverlayAsync(V1ConfigMap overlay, CancellationToken cancellation)
    {
        Write("save ConfigMap " + overlay.Metadata.Name);
        var there = OverlayOf(new ObjectKey("monitoring", Stack!.Metadata.Name!));
        if (there?.Metadata.ResourceVersion != overlay.Metadata.ResourceVersion)
        {
            throw new KubeApiException("replace overlay", new V1Status { Code = 409, Reason = "Conflict" });
        }

        Put(ResourceKinds.ConfigMaps, overlay);
        return Task.CompletedTask;
    }

    public Task ApplyAsync(PlannedObject planned, bool force, CancellationToken cancellation)
    {
        Write($"apply {planned.Kind.Kind} {planned.Name}");
        Put(planned.Kind, planned.Kind.DeserializeObject(Encoding.UTF8.GetBytes(planned.Body.ToJsonString())));
        return Task.CompletedTask;
    }

    public Task DeleteAsync(LiveObject live, CancellationToken cancellation)
    {
        Write($"delete {live.Kind.Kind} {live.Metadata.Name}");
        _objects.Remove((live.Kind.Kind, live.Metadata.Namespace ?? "", live.Metadata.Name!));
        return Task.CompletedTask;
    }

    public Task TouchPodAsync(V1Pod pod, string configHash, CancellationToken cancellation)
    {
        Write($"touch Pod {pod.Metadata.Name}");
        var annotations = new Dictionary<string, string>(pod.Metadata.Annotations ?? new Dictionary<string, string>()) { [StackNames.ConfigAnnotation] = configHash };
        Pods[Pods.FindIndex(p => p.Metadata.Name == pod.Metadata.Name)] = pod with { Metadata = pod.Metadata with { Annotations = annotations } };

        // The kubelet refreshes the files, and a running server reloads them.
        if (Running.ContainsKey(pod.Metadata.Name!))
        {
            Running[pod.Metadata.Name!] = ConfigHash;
        }

        return Task.CompletedTask;
    }

    public Task WriteStatusAsync(ObjectKey stack, MetricsStackStatus status, CancellationToken cancellation)
    {
        Write("status");
        Stack = Stack! with { Status = status };
        return Task.CompletedTask;
    }

    public Task PostEventAsync(Eventsv1Event value, CancellationToken cancellation)
    {
        if (FailNextEvent)
        {
            FailNextEvent = false;
            throw new HttpRequestException("no answer");
        }

        Write("event " + value.Metadata.Name);
        if (Events.TrueForAll(e => e.Metadata.Name != value.Metadata.Name))
        {
            Events.Add(value);
        }

        return Task.CompletedTask;
    }

    /// <summary>Plays the Deployment controller, the volume controller and the kubelet: every replica gets a ready pod and a bound claim.</summary>
    public void StartPods()
    {
        foreach (var deployment in _objects.Values.Select(o => o.Object).OfType<V1Deployment>().ToList())
        {
            Put(ResourceKinds.Deployments, deployment with
            {
                Status = new V1DeploymentStatus { ObservedGeneration = deployment.Metadata.Generation, Replicas = 1, ReadyReplicas = 1, UpdatedReplicas = 1 },
            });
            var name = deployment.Metadata.Name + "-pod";
            if (Pods.TrueForAll(p => p.Metadata.Name != name))
            {
                Pods.Add(new V1Pod
                {
                    Metadata = new V1ObjectMeta { Name = name, Namespace = "monitoring", Uid = "uid-" + name, Labels = deployment.Spec!.Template!.Metadata!.Labels },
                    Status = RunningStatus("life-0", 0, null),
                });
                Running[name] = ConfigHash;
            }
        }

        foreach (var claim in _objects.Values.Select(o => o.Object).OfType<V1PersistentVolumeClaim>().ToList())
        {
            Put(ResourceKinds.PersistentVolumeClaims, claim with { Status = new V1PersistentVolumeClaimStatus { Phase = "Bound", Capacity = claim.Spec!.Resources!.Requests } });
        }
    }

    /// <summary>The server of a pod dies and runs again, with the configuration that is mounted now.</summary>
    public void Die(string pod, int exitCode, string reason, string message, DateTimeOffset at)
    {
        var index = Pods.FindIndex(p => p.Metadata.Name == pod);
        var restarts = Pods[index].Status!.ContainerStatuses![0].RestartCount!.Value;
        Pods[index] = Pods[index] with
        {
            Status = RunningStatus(string.Create(CultureInfo.InvariantCulture, $"life-{restarts + 1}"), restarts + 1, new V1ContainerStateTerminated
            {
                ContainerID = string.Create(CultureInfo.InvariantCulture, $"{pod}/life-{restarts}"),
                ExitCode = exitCode,
                Reason = reason,
                Message = message,
                StartedAt = at.AddSeconds(-30),
                FinishedAt = at,
            }),
        };
        Running[pod] = ConfigHash;
    }

    private static V1PodStatus RunningStatus(string life, int restarts, V1ContainerStateTerminated? last) => new()
    {
        Phase = "Running",
        PodIP = "10.0.0.1",
        Conditions = [new V1PodCondition { Type = "Ready", Status = "True" }],
        ContainerStatuses =
        [
            new V1ContainerStatus
            {
                Name = "server",
                Ready = true,
                ContainerID = life,
                RestartCount = restarts,
                State = new V1ContainerState { Running = new V1ContainerStateRunning() },
                LastState = last is null ? null : new V1ContainerState { Terminated = last },
            },
        ],
    };

    private void Write(string what)
    {
        if (DieAtWrite is { } at && Writes.Count == at)
        {
            DieAtWrite = null;
            throw new CrashException();
        }

        Writes.Add(what);
    }

    private void Put(ResourceKind kind, IKubernetesObject value)
    {
        var metadata = value.Metadata with { ResourceVersion = (++_version).ToString(CultureInfo.InvariantCulture) };
        IKubernetesObject stored = value switch
        {
            V1ConfigMap o => o with { Metadata = metadata },
            V1Deployment o => o with { Metadata = metadata with { Generation = 1 } },
            _ => value,
        };
        _objects[(kind.Kind, value.Metadata.Namespace ?? "", value.Metadata.Name!)] = new LiveObject(kind, stored);
    }
}
