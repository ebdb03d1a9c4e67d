using System.Text.Json.Serialization;

namespace MetricsOperator.KubeClient.Models;

/// <summary>apps/v1 Deployment.</summary>
public sealed record V1Deployment : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "apps/v1"; } = "apps/v1";
    public string Kind { get; init => field = value ?? "Deployment"; } = "Deployment";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1DeploymentSpec? Spec { get; init; }
    public V1DeploymentStatus? Status { get; init; }
}

/// <summary>How many pods of which template, and how they are replaced.</summary>
public sealed record V1DeploymentSpec
{
    public int? Replicas { get; init; }
    public V1LabelSelector? Selector { get; init; }
    public V1PodTemplateSpec? Template { get; init; }
    public V1DeploymentStrategy? Strategy { get; init; }
    public int? MinReadySeconds { get; init; }
    public int? ProgressDeadlineSeconds { get; init; }
    public int? RevisionHistoryLimit { get; init; }
    public bool? Paused { get; init; }
}

/// <summary>Type is <c>Recreate</c> or <c>RollingUpdate</c>.</summary>
public sealed record V1DeploymentStrategy
{
    public string? Type { get; init; }
    public V1RollingUpdateDeployment? RollingUpdate { get; init; }
}

/// <summary>Counts or percentages.</summary>
public sealed record V1RollingUpdateDeployment
{
    public IntOrString? MaxSurge { get; init; }
    public IntOrString? MaxUnavailable { get; init; }
}

/// <summary>Pods by state, and the generation the controller has seen.</summary>
public sealed record V1DeploymentStatus
{
    public long? ObservedGeneration { get; init; }
    public int? Replicas { get; init; }
    public int? UpdatedReplicas { get; init; }
    public int? ReadyReplicas { get; init; }
    public int? AvailableReplicas { get; init; }
    public int? UnavailableReplicas { get; init; }
    public IReadOnlyList<V1WorkloadCondition>? Conditions { get; init; }
}

/// <summary>Condition of a Deployment, ReplicaSet or StatefulSet (Available, Progressing, ReplicaFailure).</summary>
public sealed record V1WorkloadCondition
{
    public string? Type { get; init; }
    public string? Status { get; init; }
    public string? Reason { get; init; }
    public string? Message { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? LastUpdateTime { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? LastTransitionTime { get; init; }
}

/// <summary>apps/v1 ReplicaSet.</summary>
public sealed record V1ReplicaSet : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "apps/v1"; } = "apps/v1";
    public string Kind { get; init => field = value ?? "ReplicaSet"; } = "ReplicaSet";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1ReplicaSetSpec? Spec { get; init; }
    public V1ReplicaSetStatus? Status { get; init; }
}

/// <summary>How many pods of which template.</summary>
public sealed record V1ReplicaSetSpec
{
    public int? Replicas { get; init; }
    public int? MinReadySeconds { get; init; }
    public V1LabelSelector? Selector { get; init; }
    public V1PodTemplateSpec? Template { get; init; }
}

/// <summary>Pods by state.</summary>
public sealed record V1ReplicaSetStatus
{
    public long? ObservedGeneration { get; init; }
    public int? Replicas { get; init; }
    public int? FullyLabeledReplicas { get; init; }
    public int? ReadyReplicas { get; init; }
    public int? AvailableReplicas { get; init; }
    public IReadOnlyList<V1WorkloadCondition>? Conditions { get; init; }
}

/// <summary>apps/v1 StatefulSet.</summary>
public sealed record V1StatefulSet : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "apps/v1"; } = "apps/v1";
    public string Kind { get; init => field = value ?? "StatefulSet"; } = "StatefulSet";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1StatefulSetSpec? Spec { get; init; }
    public V1StatefulSetStatus? Status { get; init; }
}

/// <summary>Pods with stable names and claims.</summary>
public sealed record V1StatefulSetSpec
{
    public int? Replicas { get; init; }
    public string? ServiceName { get; init; }

    /// <summary><c>OrderedReady</c> or <c>Parallel</c>; immutable.</summary>
    public string? PodManagementPolicy { get; init; }
    public V1LabelSelector? Selector { get; init; }
    public V1PodTemplateSpec? Template { get; init; }
    public IReadOnlyList<V1PersistentVolumeClaim>? VolumeClaimTemplates { get; init; }
    public V1StatefulSetUpdateStrategy? UpdateStrategy { get; init; }
    public int? RevisionHistoryLimit { get; init; }
    public int? MinReadySeconds { get; init; }
}

/// <summary>Type is <c>RollingUpdate</c> or <c>OnDelete</c>.</summary>
public sealed record V1StatefulSetUpdateStrategy
{
    public string? Type { get; init; }
}

/// <summary>Pods by state and revision.</summary>
public sealed record V1StatefulSetStatus
{
    public long? ObservedGeneration { get; init; }
    public int? Replicas { get; init; }
    public int? ReadyReplicas { get; init; }
    public int? CurrentReplicas { get; init; }
    public int? UpdatedReplicas { get; init; }
    public int? AvailableReplicas { get; init; }
    public string? CurrentRevision { get; init; }
    public string? UpdateRevision { get; init; }
    public IReadOnlyList<V1WorkloadCondition>? Conditions { get; init; }
}

/// <summary>policy/v1 PodDisruptionBudget.</summary>
public sealed record V1PodDisruptionBudget : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "policy/v1"; } = "policy/v1";
    public string Kind { get; init => field = value ?? "PodDisruptionBudget"; } = "PodDisruptionBudget";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1PodDisruptionBudgetSpec? Spec { get; init; }
    public V1PodDisruptionBudgetStatus? Status { get; init; }
}

/// <summary>At most one of the two counts is set.</summary>
public sealed record V1PodDisruptionBudgetSpec
{
    public IntOrString? MinAvailable { get; init; }
    public IntOrString? MaxUnavailable { get; init; }
    public V1LabelSelector? Selector { get; init; }
    public string? UnhealthyPodEvictionPolicy { get; init; }
}

/// <summary>Disruptions allowed now.</summary>
public sealed record V1PodDisruptionBudgetStatus
{
    public long? ObservedGeneration { get; init; }
    public int? DisruptionsAllowed { get; init; }
    public int? CurrentHealthy { get; init; }
    public int? DesiredHealthy { get; init; }
    public int? ExpectedPods { get; init; }
    public IReadOnlyList<V1Condition>? Conditions { get; init; }
}
