using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>Where a kind lives in the API. Group is empty for core.</summary>
public abstract record ResourceKind(string Group, string Version, string Plural, string Kind, bool Namespaced)
{
    /// <summary><c>v1</c> or <c>group/version</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : Group + "/" + Version;

    /// <summary>True when requests ask for metadata only (Accept ...as=PartialObjectMetadata).</summary>
    public bool MetadataOnly { get; init; }

    /// <summary>Absolute path of the collection; null namespace means all namespaces (or cluster scope).</summary>
    public string CollectionPath(string? ns)
    {
        var root = Group.Length == 0 ? "/api/" + Version : "/apis/" + Group + "/" + Version;
        return Namespaced && ns is not null ? root + "/namespaces/" + Uri.EscapeDataString(ns) + "/" + Plural : root + "/" + Plural;
    }

    /// <summary>Absolute path of one object, optionally of a subresource (<c>status</c>, <c>log</c>).</summary>
    /// <exception cref="ArgumentException">A namespaced kind without a namespace.</exception>
    public string ObjectPath(string? ns, string name, string? subresource = null)
    {
        if (Namespaced && string.IsNullOrEmpty(ns))
        {
            throw new ArgumentException($"cannot address {Kind} {name}: got no namespace, want one for a namespaced kind", nameof(ns));
        }

        var path = CollectionPath(ns) + "/" + Uri.EscapeDataString(name);
        return subresource is null ? path : path + "/" + subresource;
    }

    /// <summary>The object as JSON (UTF-8) with nulls left out.</summary>
    /// <exception cref="ArgumentException">The object is of another type.</exception>
    public abstract byte[] Serialize(IKubernetesObject value);

    /// <summary>The object from JSON (UTF-8).</summary>
    /// <exception cref="JsonException">The JSON does not fit the type.</exception>
    public abstract IKubernetesObject DeserializeObject(ReadOnlySpan<byte> json);

    public sealed override string ToString() => Plural + "." + ApiVersion;
}

/// <summary>A kind and its C# type. For custom kinds pass the <see cref="JsonTypeInfo{T}"/> of an own source-generated context with the options of <see cref="KubeJsonContext"/>.</summary>
public sealed record ResourceKind<T>(string Group, string Version, string Plural, string Kind, bool Namespaced, JsonTypeInfo<T> Json)
    : ResourceKind(Group, Version, Plural, Kind, Namespaced)
    where T : class, IKubernetesObject
{
    public override byte[] Serialize(IKubernetesObject value) => value is T typed
        ? JsonSerializer.SerializeToUtf8Bytes(typed, Json)
        : throw new ArgumentException($"cannot serialize: got {value.GetType().Name}, want {typeof(T).Name}", nameof(value));

    public override IKubernetesObject DeserializeObject(ReadOnlySpan<byte> json) => Deserialize(json);

    /// <inheritdoc cref="ResourceKind.DeserializeObject"/>
    public T Deserialize(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, Json) ?? throw new JsonException($"cannot read {Kind}: got null, want an object");

    /// <summary>The same resource, but only the metadata of its objects travels and is kept.</summary>
    public ResourceKind<V1PartialObjectMetadata> AsMetadataOnly()
        => new(Group, Version, Plural, Kind, Namespaced, KubeJsonContext.Default.V1PartialObjectMetadata) { MetadataOnly = true };
}
