using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Kubelet.Probes;

/// <summary>One probe of a container with Kubernetes' defaults filled in.</summary>
internal sealed record ProbeSettings(
    JsonObject Document, TimeSpan InitialDelay, TimeSpan Period, TimeSpan Timeout, int SuccessThreshold, int FailureThreshold, TimeSpan? Grace)
{
    /// <summary>Reads a probe; null when the container has none of this kind (<c>livenessProbe</c>, <c>readinessProbe</c>, <c>startupProbe</c>).</summary>
    public static ProbeSettings? Read(JsonObject container, string kind) => container.Map(kind) is not { } probe
        ? null
        : new ProbeSettings(
            probe,
            TimeSpan.FromSeconds(probe.Number("initialDelaySeconds") ?? 0),
            TimeSpan.FromSeconds(Math.Max(probe.Number("periodSeconds") ?? 10, 1)),
            TimeSpan.FromSeconds(Math.Max(probe.Number("timeoutSeconds") ?? 1, 1)),
            (int)Math.Max(probe.Number("successThreshold") ?? 1, 1),
            (int)Math.Max(probe.Number("failureThreshold") ?? 3, 1),
            probe.Number("terminationGracePeriodSeconds") is { } grace ? TimeSpan.FromSeconds(grace) : null);
}
