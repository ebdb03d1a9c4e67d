using System.Text.Json;
using System.Text.Json.Serialization;

namespace MetricsOperator.KubeClient.Models;

/// <summary>apiextensions/v1 CustomResourceDefinition; the spec is raw JSON.</summary>
public sealed record V1CustomResourceDefinition : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "apiextensions.k8s.io/v1"; } = "apiextensions.k8s.io/v1";
    public string Kind { get; init => field = value ?? "CustomResourceDefinition"; } = "CustomResourceDefinition";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public JsonElement? Spec { get; init; }
    public V1CustomResourceDefinitionStatus? Status { get; init; }
}

/// <summary>Established is the condition to wait for.</summary>
public sealed record V1CustomResourceDefinitionStatus
{
    public IReadOnlyList<V1CustomResourceDefinitionCondition>? Conditions { get; init; }
    public IReadOnlyList<string>? StoredVersions { get; init; }
}

/// <summary>NamesAccepted, Established, ...</summary>
public sealed record V1CustomResourceDefinitionCondition
{
    public string? Type { get; init; }
    public string? Status { get; init; }
    public string? Reason { get; init; }
    public string? Message { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? LastTransitionTime { get; init; }
}
