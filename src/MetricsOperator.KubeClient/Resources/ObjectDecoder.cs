using System.Buffers;
using System.Text.Json;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>Reads lists and watch lines. An object that does not fit its type is set aside with its metadata, so that one bad object never hides the good ones.</summary>
internal static class ObjectDecoder
{
    /// <summary>A list answer.</summary>
    /// <exception cref="JsonException">The answer is not a list.</exception>
    public static ResourceList<T> ReadList<T>(ReadOnlySpan<byte> json, ResourceKind<T> kind)
        where T : class, IKubernetesObject
    {
        var items = new List<T>();
        var malformed = new List<MalformedObject>();
        V1ListMeta? metadata = null;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException($"cannot read a list of {kind}: got {reader.TokenType}, want an object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("metadata"u8))
            {
                reader.Read();
                metadata = JsonSerializer.Deserialize(ref reader, KubeJsonContext.Default.V1ListMeta);
            }
            else if (reader.ValueTextEquals("items"u8))
            {
                reader.Read();
                ReadItems(ref reader, json, kind, items, malformed);
            }
            else
            {
                reader.Skip();
            }
        }

        return new ResourceList<T>(items, malformed, metadata?.ResourceVersion ?? "", metadata?.Continue is { Length: > 0 } next ? next : null);
    }

    /// <summary>One line of a watch.</summary>
    /// <exception cref="KubeApiException">The line is an error (410 when the version is too old).</exception>
    /// <exception cref="JsonException">The line is not a watch event.</exception>
    public static WatchEvent<T> ReadWatchLine<T>(ReadOnlySequence<byte> line, ResourceKind<T> kind)
        where T : class, IKubernetesObject
    {
        string? type = null;
        ReadOnlySequence<byte> value = default;
        var reader = new Utf8JsonReader(line);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            var isObject = reader.ValueTextEquals("object"u8);
            reader.Read();
            var start = reader.TokenStartIndex;
            if (isType)
            {
                type = reader.GetString();
                continue;
            }

            reader.Skip();
            if (isObject)
            {
                value = line.Slice(start, reader.BytesConsumed - start);
            }
        }

        switch (type)
        {
            case "ADDED":
                return ReadChange(WatchEventType.Added, value, kind);
            case "MODIFIED":
                return ReadChange(WatchEventType.Modified, value, kind);
            case "DELETED":
                return ReadChange(WatchEventType.Deleted, value, kind);
            case "BOOKMARK":
                return new WatchEvent<T>(WatchEventType.Bookmark, null, ReadMetadata(value).ResourceVersion ?? "");
            case "ERROR":
                var status = Deserialize(value, KubeJsonContext.Default.V1Status) ?? new V1Status { Code = 500, Message = "watch error without a status" };
                throw new KubeApiException("watch " + kind, status);
            default:
                throw new JsonException($"cannot read a watch of {kind}: got event type \"{type}\", want ADDED, MODIFIED, DELETED, BOOKMARK or ERROR");
        }
    }

    private static void ReadItems<T>(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, ResourceKind<T> kind, List<T> items, List<MalformedObject> malformed)
        where T : class, IKubernetesObject
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }

        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            var item = json[start..(int)reader.BytesConsumed];
            try
            {
                items.Add(kind.Deserialize(item));
            }
            catch (JsonException e)
            {
                malformed.Add(new MalformedObject(JsonSerializer.Deserialize(item, KubeJsonContext.Default.V1PartialObjectMetadata)?.Metadata ?? new(), e.Message));
            }
        }
    }

    private static WatchEvent<T> ReadChange<T>(WatchEventType type, ReadOnlySequence<byte> json, ResourceKind<T> kind)
        where T : class, IKubernetesObject
    {
        try
        {
            var value = Deserialize(json, kind.Json) ?? throw new JsonException($"cannot read {kind.Kind}: got null, want an object");
            return new WatchEvent<T>(type, value, value.Metadata.ResourceVersion ?? "");
        }
        catch (JsonException e)
        {
            var metadata = ReadMetadata(json);
            return new WatchEvent<T>(type, null, metadata.ResourceVersion ?? "", new MalformedObject(metadata, e.Message));
        }
    }

    private static V1ObjectMeta ReadMetadata(ReadOnlySequence<byte> json) => Deserialize(json, KubeJsonContext.Default.V1PartialObjectMetadata)?.Metadata ?? new();

    private static TValue? Deserialize<TValue>(ReadOnlySequence<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<TValue> type)
    {
        var reader = new Utf8JsonReader(json);
        return JsonSerializer.Deserialize(ref reader, type);
    }
}
