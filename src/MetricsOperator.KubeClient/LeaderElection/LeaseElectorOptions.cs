using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.KubeClient.LeaderElection;

/// <summary>Which lease, as whom, and the three times. RenewDeadline is below LeaseDuration: the leader gives up before anyone else may take over.</summary>
public sealed record LeaseElectorOptions
{
    public required string Namespace { get; init; }
    public required string LeaseName { get; init; }

    /// <summary>Unique per process, for example the pod name and a random part.</summary>
    public required string Identity { get; init; }

    /// <summary>How long others wait without a renewal before they take over.</summary>
    public TimeSpan LeaseDuration { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The leader stops this long after the start of its last successful renewal.</summary>
    public TimeSpan RenewDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Between attempts.</summary>
    public TimeSpan RetryPeriod { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Give the lease back on a clean stop, so that the next one need not wait.</summary>
    public bool ReleaseOnStop { get; init; } = true;

    public TimeProvider Time { get; init; } = TimeProvider.System;
    public ILogger Logger { get; init; } = NullLogger.Instance;
}
