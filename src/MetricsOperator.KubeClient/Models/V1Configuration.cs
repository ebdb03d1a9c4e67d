namespace MetricsOperator.KubeClient.Models;

/// <summary>core/v1 ConfigMap.</summary>
public sealed record V1ConfigMap : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "v1"; } = "v1";
    public string Kind { get; init => field = value ?? "ConfigMap"; } = "ConfigMap";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public IReadOnlyDictionary<string, string>? Data { get; init; }
    public IReadOnlyDictionary<string, byte[]>? BinaryData { get; init; }
    public bool? Immutable { get; init; }
}

/// <summary>core/v1 Secret.</summary>
public sealed record V1Secret : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "v1"; } = "v1";
    public string Kind { get; init => field = value ?? "Secret"; } = "Secret";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public string? Type { get; init; }

    /// <summary>Bytes; base64 on the wire.</summary>
    public IReadOnlyDictionary<string, byte[]>? Data { get; init; }

    /// <summary>Write-only convenience of the API: merged into <see cref="Data"/> by the server.</summary>
    public IReadOnlyDictionary<string, string>? StringData { get; init; }
    public bool? Immutable { get; init; }
}

/// <summary>core/v1 Namespace.</summary>
public sealed record V1Namespace : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "v1"; } = "v1";
    public string Kind { get; init => field = value ?? "Namespace"; } = "Namespace";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1NamespaceStatus? Status { get; init; }
}

/// <summary>Phase is <c>Active</c> or <c>Terminating</c>.</summary>
public sealed record V1NamespaceStatus
{
    public string? Phase { get; init; }
}
