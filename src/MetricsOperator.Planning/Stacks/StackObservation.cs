using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Validation;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Incidents;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Planning.Stacks;

/// <summary>What the status of a stack is computed from.</summary>
public sealed record StackObservation
{
    /// <summary>The stack as the user wrote it last.</summary>
    public required MetricsStack Stack { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>What is wrong with its spec.</summary>
    public required IReadOnlyList<FieldError> Errors { get; init; }

    /// <summary>What was planned, from the newest spec or from the last good one; null when there never was a good one.</summary>
    public StackPlan? Plan { get; init; }

    /// <summary>Generation of the spec that the plan follows.</summary>
    public long? PlannedGeneration { get; init; }

    public string? ServerImage { get; init; }

    public TuningLedger Ledger { get; init; } = TuningLedger.Empty;

    /// <summary>When the last step may be taken back.</summary>
    public DateTimeOffset? RelaxAt { get; init; }

    public IReadOnlyList<ReplicaView> Replicas { get; init; } = [];

    public IReadOnlyList<V1PersistentVolumeClaim> Claims { get; init; } = [];

    public IReadOnlyList<StartBlock> Blocks { get; init; } = [];

    /// <summary>What could not be applied and why, as a sentence; null when everything was.</summary>
    public string? ApplyProblem { get; init; }

    /// <summary>How many Deployments wait for another replica to be ready again.</summary>
    public int WaitingUpdates { get; init; }

    public long? Generation => Stack.Metadata.Generation;

    public bool IsPaused => Stack.Spec.Paused;

    public int AppliedReplicas => Plan is null ? 0 : Replicas.Count(r => r.Report?.Hash == Plan.ConfigHash);
}
