using System.Text.Json.Serialization;

namespace MetricsOperator.KubeClient.Models;

/// <summary>core/v1 Node.</summary>
public sealed record V1Node : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "v1"; } = "v1";
    public string Kind { get; init => field = value ?? "Node"; } = "Node";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1NodeSpec? Spec { get; init; }
    public V1NodeStatus? Status { get; init; }
}

/// <summary>Scheduling and identity.</summary>
public sealed record V1NodeSpec
{
    public string? ProviderID { get; init; }
    public bool? Unschedulable { get; init; }
    public string? PodCIDR { get; init; }
    public IReadOnlyList<V1Taint>? Taints { get; init; }
}

/// <summary>Keeps pods away that do not tolerate it.</summary>
public sealed record V1Taint
{
    public string? Key { get; init; }
    public string? Value { get; init; }
    public string? Effect { get; init; }
}

/// <summary>Size, addresses and health.</summary>
public sealed record V1NodeStatus
{
    public IReadOnlyDictionary<string, ResourceQuantity>? Capacity { get; init; }
    public IReadOnlyDictionary<string, ResourceQuantity>? Allocatable { get; init; }
    public IReadOnlyList<V1NodeAddress>? Addresses { get; init; }
    public IReadOnlyList<V1NodeCondition>? Conditions { get; init; }
    public V1NodeSystemInfo? NodeInfo { get; init; }
    public V1NodeDaemonEndpoints? DaemonEndpoints { get; init; }
}

/// <summary>Type is <c>InternalIP</c>, <c>ExternalIP</c>, <c>Hostname</c>, ...</summary>
public sealed record V1NodeAddress
{
    public string? Type { get; init; }
    public string? Address { get; init; }
}

/// <summary>Ready, MemoryPressure, DiskPressure, PIDPressure, ...</summary>
public sealed record V1NodeCondition
{
    public string? Type { get; init; }
    public string? Status { get; init; }
    public string? Reason { get; init; }
    public string? Message { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? LastHeartbeatTime { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? LastTransitionTime { get; init; }
}

/// <summary>Software of the node.</summary>
public sealed record V1NodeSystemInfo
{
    public string? Architecture { get; init; }
    public string? OperatingSystem { get; init; }
    public string? KernelVersion { get; init; }
    public string? OsImage { get; init; }
    public string? ContainerRuntimeVersion { get; init; }
    public string? KubeletVersion { get; init; }
}

/// <summary>Ports of daemons.</summary>
public sealed record V1NodeDaemonEndpoints
{
    public V1DaemonEndpoint? KubeletEndpoint { get; init; }
}

/// <summary>The official name of the member is <c>Port</c>, with a capital letter on the wire.</summary>
public sealed record V1DaemonEndpoint
{
    [JsonPropertyName("Port")]
    public int? Port { get; init; }
}
