using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Store;

/// <summary>Where an object lives inside its resource; <paramref name="Namespace"/> is empty for cluster-scoped objects. Ordered as lists are.</summary>
internal readonly record struct ObjectKey(string Namespace, string Name) : IComparable<ObjectKey>
{
    public int CompareTo(ObjectKey other)
    {
        var byNamespace = string.CompareOrdinal(Namespace, other.Namespace);
        return byNamespace != 0 ? byNamespace : string.CompareOrdinal(Name, other.Name);
    }
}

/// <summary>One version of an object. Neither the node nor the bytes may be changed by anybody.</summary>
internal sealed class StoredObject
{
    private StoredObject(ObjectKey key, long revision, byte[] json)
    {
        Key = key;
        Revision = revision;
        Json = json;
        Value = (JsonObject)JsonNode.Parse(json)!;
    }

    public ObjectKey Key { get; }

    /// <summary>The store's revision that wrote this version; equals metadata.resourceVersion.</summary>
    public long Revision { get; }

    public byte[] Json { get; }

    public JsonObject Value { get; }

    /// <summary>Freezes the object; its metadata.resourceVersion is set to the revision.</summary>
    public static StoredObject Freeze(ObjectKey key, long revision, JsonObject value)
    {
        value.Metadata()["resourceVersion"] = revision.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return new StoredObject(key, revision, JsonDocuments.ToBytes(value));
    }

    /// <summary>Takes bytes that <see cref="Freeze"/> once made.</summary>
    public static StoredObject Load(ObjectKey key, long revision, byte[] json) => new(key, revision, json);
}

/// <summary>A change of one object. <paramref name="Previous"/> is null when the object is new; for a deletion <paramref name="Object"/> is the last state with the deletion's revision.</summary>
internal sealed record StoreEvent(long Revision, WatchEventType Type, StoredObject Object, StoredObject? Previous);
