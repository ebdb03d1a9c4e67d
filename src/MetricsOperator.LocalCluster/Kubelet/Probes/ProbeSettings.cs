using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Kubelet.Probes;

/// <summary>One probe of a container with Kubernetes' defaults filled in.</summary>
internal sealed record ProbeSettings(
    JsonObject Document, TimeSpan InitialDelay, TimeSpan Period, TimeSpan Timeout, int SuccessThreshold, int FailureThreshold, TimeSpan? Grace)
{
    /// <summary>Reads a probe; null when the container has none of this kind (<c>livenessProbe</c>, <c>readinessProbe</c>, <c>startupProbe</c>).</summary>
    public static ProbeSettings? Read(JsonObject container, string kind) => container.ObjectAt(kind) is not { } probe
        ? null
        : new ProbeSettings(
            probe,
            TimeSpan.FromSeconds(probe.LongAt("initialDelaySeconds") ?? 0),
            TimeSpan.FromSeconds(Math.Max(probe.LongAt("periodSeconds") ?? 10, 1)),
            TimeSpan.FromSeconds(Math.Max(probe.LongAt("timeoutSeconds") ?? 1, 1)),
            (int)Math.Max(probe.LongAt("successThreshold") ?? 1, 1),
            (int)Math.Max(probe.LongAt("failureThreshold") ?? 3, 1),
            probe.LongAt("terminationGracePeriodSeconds") is { } grace ? TimeSpan.FromSeconds(grace) : null);
}
