using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetricsOperator.KubeClient.Models;

/// <summary>core/v1 Pod.</summary>
public sealed record V1Pod : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "v1"; } = "v1";
    public string Kind { get; init => field = value ?? "Pod"; } = "Pod";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1PodSpec? Spec { get; init; }
    public V1PodStatus? Status { get; init; }
}

/// <summary>The pod part of a workload.</summary>
public sealed record V1PodTemplateSpec
{
    public V1ObjectMeta? Metadata { get; init; }
    public V1PodSpec? Spec { get; init; }
}

/// <summary>What runs in a pod. Scheduling trees that nothing here interprets (affinity, spread) are raw JSON.</summary>
public sealed record V1PodSpec
{
    public IReadOnlyList<V1Container>? InitContainers { get; init; }
    public IReadOnlyList<V1Container>? Containers { get; init; }
    public IReadOnlyList<V1Volume>? Volumes { get; init; }

    /// <summary><c>Always</c>, <c>OnFailure</c> or <c>Never</c>.</summary>
    public string? RestartPolicy { get; init; }
    public long? TerminationGracePeriodSeconds { get; init; }
    public long? ActiveDeadlineSeconds { get; init; }
    public string? ServiceAccountName { get; init; }
    public bool? AutomountServiceAccountToken { get; init; }
    public string? NodeName { get; init; }
    public IReadOnlyDictionary<string, string>? NodeSelector { get; init; }
    public bool? HostNetwork { get; init; }
    public bool? HostPID { get; init; }
    public bool? EnableServiceLinks { get; init; }
    public string? DnsPolicy { get; init; }
    public string? Hostname { get; init; }
    public string? Subdomain { get; init; }
    public string? PriorityClassName { get; init; }
    public int? Priority { get; init; }
    public string? SchedulerName { get; init; }
    public V1PodSecurityContext? SecurityContext { get; init; }
    public IReadOnlyList<V1LocalObjectReference>? ImagePullSecrets { get; init; }
    public IReadOnlyList<V1Toleration>? Tolerations { get; init; }
    public JsonElement? Affinity { get; init; }
    public JsonElement? TopologySpreadConstraints { get; init; }
}

/// <summary>User, group and seccomp settings of all containers of a pod.</summary>
public sealed record V1PodSecurityContext
{
    public long? RunAsUser { get; init; }
    public long? RunAsGroup { get; init; }
    public bool? RunAsNonRoot { get; init; }
    public long? FsGroup { get; init; }

    /// <summary><c>OnRootMismatch</c> or <c>Always</c>.</summary>
    public string? FsGroupChangePolicy { get; init; }
    public IReadOnlyList<long>? SupplementalGroups { get; init; }
    public V1SeccompProfile? SeccompProfile { get; init; }
}

/// <summary>Seccomp profile: type is <c>RuntimeDefault</c>, <c>Localhost</c> or <c>Unconfined</c>.</summary>
public sealed record V1SeccompProfile
{
    public string? Type { get; init; }
    public string? LocalhostProfile { get; init; }
}

/// <summary>Lets a pod stay on nodes with a taint.</summary>
public sealed record V1Toleration
{
    public string? Key { get; init; }
    public string? Operator { get; init; }
    public string? Value { get; init; }
    public string? Effect { get; init; }
    public long? TolerationSeconds { get; init; }
}

/// <summary>What the kubelet observed.</summary>
public sealed record V1PodStatus
{
    /// <summary><c>Pending</c>, <c>Running</c>, <c>Succeeded</c>, <c>Failed</c> or <c>Unknown</c>.</summary>
    public string? Phase { get; init; }

    /// <summary>For example <c>Evicted</c>.</summary>
    public string? Reason { get; init; }
    public string? Message { get; init; }
    public string? PodIP { get; init; }
    public IReadOnlyList<V1PodIP>? PodIPs { get; init; }
    public string? HostIP { get; init; }

    /// <summary><c>Guaranteed</c>, <c>Burstable</c> or <c>BestEffort</c>.</summary>
    public string? QosClass { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? StartTime { get; init; }
    public long? ObservedGeneration { get; init; }
    public IReadOnlyList<V1PodCondition>? Conditions { get; init; }
    public IReadOnlyList<V1ContainerStatus>? InitContainerStatuses { get; init; }
    public IReadOnlyList<V1ContainerStatus>? ContainerStatuses { get; init; }
    public IReadOnlyList<V1ContainerStatus>? EphemeralContainerStatuses { get; init; }

    /// <summary>State of an in-place resize on clusters before 1.33.</summary>
    public string? Resize { get; init; }
}

/// <summary>One address of a pod.</summary>
public sealed record V1PodIP
{
    public string? Ip { get; init; }
}

/// <summary>PodScheduled, Initialized, ContainersReady, Ready, DisruptionTarget, PodResizePending, ...</summary>
public sealed record V1PodCondition
{
    public string? Type { get; init; }
    public string? Status { get; init; }
    public string? Reason { get; init; }
    public string? Message { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? LastProbeTime { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? LastTransitionTime { get; init; }
}

/// <summary>One container's life. <see cref="LastState"/> holds one death only; the same death first shows in <see cref="State"/>.</summary>
public sealed record V1ContainerStatus
{
    public string? Name { get; init; }
    public V1ContainerState? State { get; init; }
    public V1ContainerState? LastState { get; init; }
    public bool? Ready { get; init; }
    public bool? Started { get; init; }
    public int? RestartCount { get; init; }
    public string? Image { get; init; }
    public string? ImageID { get; init; }
    public string? ContainerID { get; init; }

    /// <summary>Resources in force, which after an in-place resize differ from the spec for a while.</summary>
    public V1ResourceRequirements? Resources { get; init; }
}

/// <summary>Exactly one of the three is set; all null means waiting.</summary>
public sealed record V1ContainerState
{
    public V1ContainerStateWaiting? Waiting { get; init; }
    public V1ContainerStateRunning? Running { get; init; }
    public V1ContainerStateTerminated? Terminated { get; init; }
}

/// <summary>Not running yet: reason is ContainerCreating, CrashLoopBackOff, ImagePullBackOff, CreateContainerConfigError, ...</summary>
public sealed record V1ContainerStateWaiting
{
    public string? Reason { get; init; }
    public string? Message { get; init; }
}

/// <summary>Running since.</summary>
public sealed record V1ContainerStateRunning
{
    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? StartedAt { get; init; }
}

/// <summary>How a container ended.</summary>
public sealed record V1ContainerStateTerminated
{
    /// <summary>0..255; 128+n when a signal ended it (137 = SIGKILL).</summary>
    public int? ExitCode { get; init; }
    public int? Signal { get; init; }

    /// <summary><c>OOMKilled</c>, <c>Error</c>, <c>Completed</c>, <c>ContainerCannotRun</c>, ... from the runtime; not standardized.</summary>
    public string? Reason { get; init; }

    /// <summary>The content of the termination message file, at most 4096 bytes.</summary>
    public string? Message { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? StartedAt { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Names this one life of the container: the key for counting a death once.</summary>
    public string? ContainerID { get; init; }
}
