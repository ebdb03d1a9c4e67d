using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Validation;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Operator.Stacks;

/// <summary>Everything one reconcile decides on, read at its start.</summary>
internal sealed record StackInput
{
    public required ObjectKey Key { get; init; }

    /// <summary>The stack as the user wrote it last.</summary>
    public required MetricsStack Stack { get; init; }

    /// <summary>What is wrong with its spec.</summary>
    public required IReadOnlyList<FieldError> Errors { get; init; }

    /// <summary>The spec itself is right; a Secret that it names, which nobody watches, is missing.</summary>
    public required bool WaitsForSecret { get; init; }

    /// <summary>The stack with the spec to plan from: the newest if it is valid, else the last good one, else null.</summary>
    public required MetricsStack? Good { get; init; }

    public required IReadOnlyList<MetricsKeepList> KeepLists { get; init; }

    public required IReadOnlyList<LiveObject> Live { get; init; }

    public required IReadOnlyList<V1Pod> Pods { get; init; }

    public required V1ConfigMap? Overlay { get; init; }

    public required TuningLedger Ledger { get; init; }

    /// <summary>Why the overlay cannot be read; nothing is changed then.</summary>
    public required string? OverlayProblem { get; init; }

    /// <summary>Contents of credential files, or null when some are missing.</summary>
    public required IReadOnlyDictionary<string, byte[]>? Credentials { get; init; }

    public IReadOnlyList<V1PersistentVolumeClaim> Claims => [.. Live.Select(l => l.Object).OfType<V1PersistentVolumeClaim>()];

    public IReadOnlyList<V1Deployment> Deployments => [.. Live.Select(l => l.Object).OfType<V1Deployment>()];
}
