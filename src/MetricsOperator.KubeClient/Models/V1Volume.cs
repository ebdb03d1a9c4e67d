namespace MetricsOperator.KubeClient.Models;

/// <summary>A volume of a pod; exactly one source is set.</summary>
public sealed record V1Volume
{
    public string? Name { get; init; }
    public V1ConfigMapVolumeSource? ConfigMap { get; init; }
    public V1SecretVolumeSource? Secret { get; init; }
    public V1PersistentVolumeClaimVolumeSource? PersistentVolumeClaim { get; init; }
    public V1EmptyDirVolumeSource? EmptyDir { get; init; }
    public V1ProjectedVolumeSource? Projected { get; init; }
    public V1HostPathVolumeSource? HostPath { get; init; }
    public V1DownwardAPIVolumeSource? DownwardAPI { get; init; }
}

/// <summary>The keys of a ConfigMap as files.</summary>
public sealed record V1ConfigMapVolumeSource
{
    public string? Name { get; init; }
    public IReadOnlyList<V1KeyToPath>? Items { get; init; }
    public int? DefaultMode { get; init; }
    public bool? Optional { get; init; }
}

/// <summary>The keys of a Secret as files.</summary>
public sealed record V1SecretVolumeSource
{
    public string? SecretName { get; init; }
    public IReadOnlyList<V1KeyToPath>? Items { get; init; }
    public int? DefaultMode { get; init; }
    public bool? Optional { get; init; }
}

/// <summary>Maps one key to a relative path; mode in decimal.</summary>
public sealed record V1KeyToPath
{
    public string? Key { get; init; }
    public string? Path { get; init; }
    public int? Mode { get; init; }
}

/// <summary>A claim of the same namespace.</summary>
public sealed record V1PersistentVolumeClaimVolumeSource
{
    public string? ClaimName { get; init; }
    public bool? ReadOnly { get; init; }
}

/// <summary>A directory with the life of the pod; medium <c>Memory</c> is a tmpfs.</summary>
public sealed record V1EmptyDirVolumeSource
{
    public string? Medium { get; init; }
    public ResourceQuantity? SizeLimit { get; init; }
}

/// <summary>A path of the node.</summary>
public sealed record V1HostPathVolumeSource
{
    public string? Path { get; init; }
    public string? Type { get; init; }
}

/// <summary>Several sources in one directory.</summary>
public sealed record V1ProjectedVolumeSource
{
    public IReadOnlyList<V1VolumeProjection>? Sources { get; init; }
    public int? DefaultMode { get; init; }
}

/// <summary>Exactly one is set.</summary>
public sealed record V1VolumeProjection
{
    public V1NamedProjection? ConfigMap { get; init; }
    public V1NamedProjection? Secret { get; init; }
    public V1ServiceAccountTokenProjection? ServiceAccountToken { get; init; }
    public V1DownwardAPIVolumeSource? DownwardAPI { get; init; }
}

/// <summary>A ConfigMap or Secret inside a projected volume.</summary>
public sealed record V1NamedProjection
{
    public string? Name { get; init; }
    public IReadOnlyList<V1KeyToPath>? Items { get; init; }
    public bool? Optional { get; init; }
}

/// <summary>A short-lived token; the kubelet rewrites the file before it expires.</summary>
public sealed record V1ServiceAccountTokenProjection
{
    public string? Audience { get; init; }
    public long? ExpirationSeconds { get; init; }
    public string? Path { get; init; }
}

/// <summary>Fields of the pod as files.</summary>
public sealed record V1DownwardAPIVolumeSource
{
    public IReadOnlyList<V1DownwardAPIVolumeFile>? Items { get; init; }
}

/// <summary>One field of the pod as a file.</summary>
public sealed record V1DownwardAPIVolumeFile
{
    public string? Path { get; init; }
    public V1ObjectFieldSelector? FieldRef { get; init; }
    public V1ResourceFieldSelector? ResourceFieldRef { get; init; }
}

/// <summary>core/v1 PersistentVolumeClaim.</summary>
public sealed record V1PersistentVolumeClaim : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "v1"; } = "v1";
    public string Kind { get; init => field = value ?? "PersistentVolumeClaim"; } = "PersistentVolumeClaim";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1PersistentVolumeClaimSpec? Spec { get; init; }
    public V1PersistentVolumeClaimStatus? Status { get; init; }
}

/// <summary>What is asked for; only <c>resources.requests.storage</c> may grow later.</summary>
public sealed record V1PersistentVolumeClaimSpec
{
    public IReadOnlyList<string>? AccessModes { get; init; }
    public V1ResourceRequirements? Resources { get; init; }

    /// <summary>Null takes the default class; the empty string asks for none.</summary>
    public string? StorageClassName { get; init; }
    public string? VolumeName { get; init; }
    public string? VolumeMode { get; init; }
    public V1LabelSelector? Selector { get; init; }
}

/// <summary>What was given.</summary>
public sealed record V1PersistentVolumeClaimStatus
{
    /// <summary><c>Pending</c>, <c>Bound</c> or <c>Lost</c>.</summary>
    public string? Phase { get; init; }
    public IReadOnlyList<string>? AccessModes { get; init; }
    public IReadOnlyDictionary<string, ResourceQuantity>? Capacity { get; init; }
    public IReadOnlyList<V1PodCondition>? Conditions { get; init; }
}

/// <summary>storage.k8s.io/v1 StorageClass.</summary>
public sealed record V1StorageClass : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "storage.k8s.io/v1"; } = "storage.k8s.io/v1";
    public string Kind { get; init => field = value ?? "StorageClass"; } = "StorageClass";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public string? Provisioner { get; init; }
    public bool? AllowVolumeExpansion { get; init; }
    public string? VolumeBindingMode { get; init; }
    public string? ReclaimPolicy { get; init; }
}
