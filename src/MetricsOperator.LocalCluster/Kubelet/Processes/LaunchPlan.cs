namespace MetricsOperator.LocalCluster.Kubelet.Processes;

/// <summary>Everything needed to start one container process.</summary>
internal sealed record LaunchPlan
{
    /// <summary>Absolute path of the program.</summary>
    public required string Executable { get; init; }

    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The whole environment; nothing is inherited.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    public required string WorkingDirectory { get; init; }

    /// <summary>The <c>cgroup.procs</c> file that the process joins before it runs the program, or null.</summary>
    public string? CgroupProcs { get; init; }
}
