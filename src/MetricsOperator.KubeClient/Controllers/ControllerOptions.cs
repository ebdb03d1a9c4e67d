using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.KubeClient.Controllers;

/// <summary>How a controller works.</summary>
public sealed record ControllerOptions
{
    /// <summary>Keys worked on at the same time.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>A reconcile is cancelled after this and counts as failed; null never.</summary>
    public TimeSpan? ReconcileTimeout { get; init; } = TimeSpan.FromMinutes(2);

    public WorkQueueOptions Queue { get; init; } = new();
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public ILogger Logger { get; init; } = NullLogger.Instance;
}
