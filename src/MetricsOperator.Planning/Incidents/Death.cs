namespace MetricsOperator.Planning.Incidents;

/// <summary>One life of a container that ended, and why.</summary>
public sealed record Death
{
    /// <summary>Counts the death once: the runtime's id of this life, or pod, container and times where there is none.</summary>
    public required string Key { get; init; }

    public required DeathClass Class { get; init; }

    /// <summary>Name of the rule that decided.</summary>
    public required string Rule { get; init; }

    /// <summary>Why this class, as a sentence.</summary>
    public required string Explanation { get; init; }

    /// <summary>1 when the signature leaves no doubt.</summary>
    public double Confidence { get; init; } = 1;

    public required string Pod { get; init; }

    public string PodUid { get; init; } = string.Empty;

    public required string Container { get; init; }

    /// <summary>Which life of the container this was, from 1.</summary>
    public int Life { get; init; }

    public int? ExitCode { get; init; }

    /// <summary>What Kubernetes says.</summary>
    public string? Reason { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>The server's last words.</summary>
    public TerminationMessage? Message { get; init; }

    /// <summary>The container is the server, not another one of its pod.</summary>
    public bool IsServer => Class is not (DeathClass.InitContainer or DeathClass.Sidecar);

    /// <summary>True for what a person should hear about; ordinary stops and restarts are not.</summary>
    public bool IsIncident => Class is not (DeathClass.Stopped or DeathClass.Disrupted);
}

/// <summary>Why a container of a pod does not start.</summary>
/// <param name="Class">Image, ContainerConfig or Unschedulable.</param>
/// <param name="Pod">Name of the pod.</param>
/// <param name="Container">Name of the container; empty when it is about the whole pod.</param>
/// <param name="Reason">What Kubernetes says, as one word.</param>
/// <param name="Message">What Kubernetes says.</param>
public sealed record StartBlock(DeathClass Class, string Pod, string Container, string Reason, string Message);
