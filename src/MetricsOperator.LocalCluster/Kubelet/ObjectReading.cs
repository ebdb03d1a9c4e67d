using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Kubelet;

/// <summary>Reads what Kubernetes objects have in common: conditions, times, string maps.</summary>
internal static class ObjectReading
{
    /// <summary>The string members of an object, for labels, annotations and ConfigMap data.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Pairs(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.ObjectAt(path) is { } map
            ? map.Where(member => member.Value.AsString() is not null).Select(member => new KeyValuePair<string, string>(member.Key, member.Value.AsString()!))
            : [];

    /// <summary>A number or string that Kubernetes allows either way (<c>targetPort</c>, <c>maxSurge</c>, quantities), as text.</summary>
    public static string? IntOrText(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is { } value ? value.AsString() ?? value.ToJsonString() : null;

    public static bool IsBeingDeleted(this JsonObject obj) => obj.StringAt("metadata", "deletionTimestamp") is not null;

    /// <summary>The status of a condition ("True", "False", "Unknown"), or null.</summary>
    public static string? ConditionStatus(this JsonObject obj, string type) =>
        obj.ObjectsAt("status", "conditions").FirstOrDefault(condition => condition.StringAt("type") == type).StringAt("status");

    public static DateTimeOffset? Time(this JsonNode? node, params ReadOnlySpan<string> path) =>
        DateTimeOffset.TryParse(node.StringAt(path), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : null;

    /// <summary>RFC 3339 with whole seconds, as <c>metav1.Time</c> is written.</summary>
    public static string ToSeconds(this DateTimeOffset time) => JsonAccess.Timestamp(time);

    /// <summary>RFC 3339 with microseconds, as <c>metav1.MicroTime</c> is written.</summary>
    public static string ToMicroseconds(this DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
}
