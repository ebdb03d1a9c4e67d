using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Json;

/// <summary>Reads values out of JSON documents whether they were parsed or built in memory; an absent path is null, never an error.</summary>
internal static class JsonAccess
{
    /// <summary>The node below the given property names, or null.</summary>
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (node is not JsonObject obj || !obj.TryGetPropertyValue(name, out node))
            {
                return null;
            }
        }

        return node;
    }

    public static JsonObject? ObjectAt(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) as JsonObject;

    public static JsonArray? ArrayAt(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) as JsonArray;

    /// <summary>The string at the path, or null when it is absent or no string.</summary>
    public static string? StringAt(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path).AsString();

    public static long? LongAt(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path).AsLong();

    public static bool? BoolAt(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path).AsBool();

    public static string? AsString(this JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    public static bool? AsBool(this JsonNode? node) => node is JsonValue value && value.TryGetValue(out bool flag) ? flag : null;

    /// <summary>An integral number, or null for anything else.</summary>
    public static long? AsLong(this JsonNode? node)
    {
        if (node is not JsonValue value || value.GetValueKind() != JsonValueKind.Number)
        {
            return null;
        }

        if (value.TryGetValue(out long number))
        {
            return number;
        }

        if (value.TryGetValue(out int small))
        {
            return small;
        }

        return node.AsDouble() is { } real && Math.Floor(real) == real && Math.Abs(real) < 9.2e18 ? (long)real : null;
    }

    public static double? AsDouble(this JsonNode? node)
    {
        if (node is not JsonValue value || value.GetValueKind() != JsonValueKind.Number)
        {
            return null;
        }

        return double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture);
    }

    /// <summary>The objects of an array at the path; empty when there is none.</summary>
    public static IEnumerable<JsonObject> ObjectsAt(this JsonNode? node, params ReadOnlySpan<string> path) => node.ArrayAt(path)?.OfType<JsonObject>() ?? [];

    /// <summary>The strings of an array at the path; empty when there is none.</summary>
    public static IReadOnlyList<string> StringsAt(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.ArrayAt(path)?.Select(AsString).OfType<string>().ToArray() ?? [];

    /// <summary>The object under <paramref name="name"/>, created when it is absent or no object.</summary>
    public static JsonObject Ensure(this JsonObject obj, string name)
    {
        if (obj[name] is JsonObject existing)
        {
            return existing;
        }

        var created = new JsonObject();
        obj[name] = created;
        return created;
    }

    /// <summary>Sets the value when the property is absent or null.</summary>
    public static void Default(this JsonObject obj, string name, JsonNode value)
    {
        if (obj[name] is null)
        {
            obj[name] = value;
        }
    }

    public static JsonObject Metadata(this JsonObject obj) => obj.Ensure("metadata");

    public static string NameOf(this JsonObject obj) => obj.StringAt("metadata", "name") ?? string.Empty;

    public static string NamespaceOf(this JsonObject obj) => obj.StringAt("metadata", "namespace") ?? string.Empty;

    public static string UidOf(this JsonObject obj) => obj.StringAt("metadata", "uid") ?? string.Empty;

    public static JsonObject Copy(this JsonObject obj) => (JsonObject)obj.DeepClone();

    public static JsonArray StringArray(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)JsonValue.Create(v))]);

    /// <summary>RFC 3339 with whole seconds, as metav1.Time is written.</summary>
    public static string Timestamp(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
