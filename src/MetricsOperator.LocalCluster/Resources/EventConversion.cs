using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Resources;

/// <summary>Events are stored as core/v1 and shown as events.k8s.io/v1 too; the two name the same fields differently.</summary>
internal static class EventConversion
{
    private static readonly (string Core, string Events)[] Names =
    [
        ("involvedObject", "regarding"), ("message", "note"), ("reportingComponent", "reportingController"), ("source", "deprecatedSource"),
        ("firstTimestamp", "deprecatedFirstTimestamp"), ("lastTimestamp", "deprecatedLastTimestamp"), ("count", "deprecatedCount"),
    ];

    public static JsonObject FromCore(JsonObject stored)
    {
        var result = stored.Copy();
        result["apiVersion"] = "events.k8s.io/v1";
        foreach (var (core, events) in Names)
        {
            Rename(result, core, events);
        }

        return result;
    }

    public static JsonObject ToCore(JsonObject shown)
    {
        var result = shown.Copy();
        result["apiVersion"] = "v1";
        foreach (var (core, events) in Names)
        {
            Rename(result, events, core);
        }

        return result;
    }

    private static void Rename(JsonObject obj, string from, string to)
    {
        if (obj.TryGetPropertyValue(from, out var value))
        {
            obj.Remove(from);
            obj[to] = value;
        }
    }
}
