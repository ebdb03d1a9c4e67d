namespace MetricsOperator.LocalCluster.Store;

/// <summary>How to delete an object; the fields of meta/v1 DeleteOptions.</summary>
public sealed record DeleteOptions
{
    /// <summary>Seconds a pod may take to stop; null takes the pod's own terminationGracePeriodSeconds, 0 removes the object at once.</summary>
    public long? GracePeriodSeconds { get; init; }

    /// <summary>Background (default), Foreground or Orphan.</summary>
    public string? PropagationPolicy { get; init; }

    /// <summary>Delete only the object with this uid.</summary>
    public string? Uid { get; init; }

    /// <summary>Delete only this version of the object.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Check everything, change nothing.</summary>
    public bool DryRun { get; init; }
}
