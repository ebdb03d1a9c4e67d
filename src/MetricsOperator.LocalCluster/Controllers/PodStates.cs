using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>What controllers ask about pods.</summary>
internal static class PodStates
{
    /// <summary>Neither finished nor being deleted.</summary>
    public static bool IsActive(JsonObject pod) => !pod.IsBeingDeleted() && pod.StringAt("status", "phase") is not ("Succeeded" or "Failed");

    public static bool IsReady(JsonObject pod) => pod.ConditionStatus("Ready") == "True";

    /// <summary>When the pod will have been ready for the given time; null when it is not ready.</summary>
    public static DateTimeOffset? AvailableAt(JsonObject pod, TimeSpan minReady)
    {
        var ready = pod.ObjectsAt("status", "conditions").FirstOrDefault(condition => condition.StringAt("type") == "Ready");
        return ready.StringAt("status") == "True" ? (ready.Time("lastTransitionTime") ?? DateTimeOffset.MinValue) + minReady : null;
    }
}
