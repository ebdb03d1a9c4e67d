using System.Text.Json.Serialization;

namespace MetricsOperator.KubeClient.Models;

/// <summary>Identity and bookkeeping of an object. managedFields is left out on purpose: it is the largest part of most objects and nothing here reads it.</summary>
public sealed record V1ObjectMeta
{
    public string? Name { get; init; }
    public string? GenerateName { get; init; }
    public string? Namespace { get; init; }

    /// <summary>Unique over space and time; a re-created object has another one.</summary>
    public string? Uid { get; init; }

    /// <summary>Opaque; equal means unchanged. Sent on replace it is the optimistic lock.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Counts changes of the spec.</summary>
    public long? Generation { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? CreationTimestamp { get; init; }

    /// <summary>Set while the object is being deleted.</summary>
    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? DeletionTimestamp { get; init; }
    public long? DeletionGracePeriodSeconds { get; init; }
    public IReadOnlyDictionary<string, string>? Labels { get; init; }
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }
    public IReadOnlyList<V1OwnerReference>? OwnerReferences { get; init; }
    public IReadOnlyList<string>? Finalizers { get; init; }
}

/// <summary>Points from a dependent to its owner in the same namespace (or to a cluster-scoped owner).</summary>
public sealed record V1OwnerReference
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    public string? Name { get; init; }
    public string? Uid { get; init; }

    /// <summary>True on the one owner that manages the dependent.</summary>
    public bool? Controller { get; init; }
    public bool? BlockOwnerDeletion { get; init; }
}

/// <summary>Metadata of a list answer.</summary>
public sealed record V1ListMeta
{
    /// <summary>The version a watch can start from.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Token for the next page; empty or null on the last one.</summary>
    public string? Continue { get; init; }
    public long? RemainingItemCount { get; init; }
}

/// <summary>Any object reduced to its metadata (answer to <c>Accept: ...as=PartialObjectMetadata</c>).</summary>
public sealed record V1PartialObjectMetadata : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? ""; } = "";
    public string Kind { get; init => field = value ?? ""; } = "";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
}

/// <summary>meta/v1 Condition.</summary>
public sealed record V1Condition
{
    /// <summary>CamelCase name, unique within a list of conditions.</summary>
    public string? Type { get; init; }

    /// <summary><c>True</c>, <c>False</c> or <c>Unknown</c>.</summary>
    public string? Status { get; init; }
    public long? ObservedGeneration { get; init; }

    /// <summary>When <see cref="Status"/> last flipped.</summary>
    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? LastTransitionTime { get; init; }

    /// <summary>CamelCase word for programs.</summary>
    public string? Reason { get; init; }
    public string? Message { get; init; }
}

/// <summary>Selects objects by labels; all requirements must hold; empty selects everything.</summary>
public sealed record V1LabelSelector
{
    public IReadOnlyDictionary<string, string>? MatchLabels { get; init; }
    public IReadOnlyList<V1LabelSelectorRequirement>? MatchExpressions { get; init; }
}

/// <summary>One requirement: operator is <c>In</c>, <c>NotIn</c>, <c>Exists</c> or <c>DoesNotExist</c>.</summary>
public sealed record V1LabelSelectorRequirement
{
    public string? Key { get; init; }
    public string? Operator { get; init; }
    public IReadOnlyList<string>? Values { get; init; }
}

/// <summary>Refers to an object, possibly of another namespace.</summary>
public sealed record V1ObjectReference
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    public string? Namespace { get; init; }
    public string? Name { get; init; }
    public string? Uid { get; init; }
    public string? ResourceVersion { get; init; }
    public string? FieldPath { get; init; }
}

/// <summary>Refers to an object of the same namespace by name.</summary>
public sealed record V1LocalObjectReference
{
    public string? Name { get; init; }
}
