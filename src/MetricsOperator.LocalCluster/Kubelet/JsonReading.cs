using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Kubelet;

/// <summary>
/// Reads fields of a JSON document by path. A path that ends nowhere, or at a value of another type, reads as null (as an empty sequence for
/// <see cref="Items"/>): absent and default are the same thing in Kubernetes documents.
/// </summary>
internal static class JsonReading
{
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (node is not JsonObject map || !map.TryGetPropertyValue(name, out node))
            {
                return null;
            }
        }

        return node;
    }

    public static string? Text(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    public static long? Number(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        if (node.At(path) is not JsonValue value)
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

        return value.GetValueKind() == JsonValueKind.Number ? (long)double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture) : null;
    }

    public static bool? Flag(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.TryGetValue(out bool flag) ? flag : null;

    public static JsonObject? Map(this JsonNode? node, params ReadOnlySpan<string> path) => node.At(path) as JsonObject;

    /// <summary>The objects of an array; elements of other types are left out.</summary>
    public static IEnumerable<JsonObject> Items(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonArray array ? array.OfType<JsonObject>() : [];

    /// <summary>The strings of an array.</summary>
    public static IEnumerable<string> Texts(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonArray array ? array.Select(item => item.Text()).OfType<string>() : [];

    /// <summary>The string members of an object, for labels, annotations and ConfigMap data.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Pairs(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonObject map
            ? map.Where(member => member.Value.Text() is not null).Select(member => new KeyValuePair<string, string>(member.Key, member.Value.Text()!))
            : [];

    /// <summary>A number or string that Kubernetes allows either way (<c>targetPort</c>, <c>maxSurge</c>), as text.</summary>
    public static string? IntOrText(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.Text(path) ?? node.Number(path)?.ToString(CultureInfo.InvariantCulture);

    public static string Name(this JsonObject obj) => obj.Text("metadata", "name") ?? string.Empty;

    public static string Namespace(this JsonObject obj) => obj.Text("metadata", "namespace") ?? string.Empty;

    public static string Uid(this JsonObject obj) => obj.Text("metadata", "uid") ?? string.Empty;

    public static bool IsBeingDeleted(this JsonObject obj) => obj.Text("metadata", "deletionTimestamp") is not null;

    /// <summary>The status of a condition ("True", "False", "Unknown"), or null.</summary>
    public static string? ConditionStatus(this JsonObject obj, string type) =>
        obj.Items("status", "conditions").FirstOrDefault(condition => condition.Text("type") == type).Text("status");

    public static DateTimeOffset? Time(this JsonNode? node, params ReadOnlySpan<string> path) =>
        DateTimeOffset.TryParse(node.Text(path), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : null;

    /// <summary>RFC 3339 with whole seconds, as <c>metav1.Time</c> is written.</summary>
    public static string ToSeconds(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    /// <summary>RFC 3339 with microseconds, as <c>metav1.MicroTime</c> is written.</summary>
    public static string ToMicroseconds(this DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
