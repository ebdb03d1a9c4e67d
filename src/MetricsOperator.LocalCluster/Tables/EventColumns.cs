using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;

namespace MetricsOperator.LocalCluster.Tables;

/// <summary>Columns of events.</summary>
internal static class EventColumns
{
    public static IReadOnlyList<TableColumn> All(TableColumn name) =>
    [
        new("Last Seen", "string", "When the event was seen last.", 0, Cell: (o, now) => LastSeen(o, now)),
        BuiltinColumns.Text("Type", o => o.StringAt("type")),
        BuiltinColumns.Text("Reason", o => o.StringAt("reason")),
        BuiltinColumns.Text("Object", o => $"{(About(o).StringAt("kind") ?? string.Empty).ToLowerInvariant()}/{About(o).StringAt("name")}"),
        BuiltinColumns.Wide("Subobject", o => About(o).StringAt("fieldPath") ?? string.Empty),
        BuiltinColumns.Wide("Source", Source),
        BuiltinColumns.Text("Message", o => (o.StringAt("message") ?? o.StringAt("note") ?? string.Empty).Trim()),
        new("First Seen", "string", "When the event was seen first.", 1, Cell: (o, now) => HumanDuration.Since(o["firstTimestamp"] ?? o["eventTime"] ?? o["deprecatedFirstTimestamp"], now)),
        new("Count", "string", "How often the event was seen.", 1, Cell: (o, _) => o.LongAt("series", "count") ?? o.LongAt("count") ?? o.LongAt("deprecatedCount") ?? 1),
        name with { Priority = 1 },
    ];

    private static JsonObject? About(JsonObject obj) => obj.ObjectAt("involvedObject") ?? obj.ObjectAt("regarding");

    private static string LastSeen(JsonObject obj, DateTimeOffset now) =>
        HumanDuration.Since(obj.At("series", "lastObservedTime") ?? obj["lastTimestamp"] ?? obj["deprecatedLastTimestamp"] ?? obj["firstTimestamp"] ?? obj["eventTime"], now);

    private static string Source(JsonObject obj)
    {
        var component = obj.StringAt("source", "component") ?? obj.StringAt("reportingComponent") ?? obj.StringAt("reportingController") ?? string.Empty;
        var host = obj.StringAt("source", "host");
        return string.IsNullOrEmpty(host) ? component : $"{component}, {host}";
    }
}
