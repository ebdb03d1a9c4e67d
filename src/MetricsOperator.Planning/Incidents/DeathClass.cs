namespace MetricsOperator.Planning.Incidents;

/// <summary>Why a container ended, or why it cannot start.</summary>
public enum DeathClass
{
    /// <summary>Nothing known fits.</summary>
    Unknown,

    /// <summary>The kernel killed it at its memory limit, or the runtime gave up at its heap limit.</summary>
    OutOfMemory,

    /// <summary>The startup probe killed it while it was still reading its log.</summary>
    ReplayTooSlow,

    /// <summary>It refused its configuration.</summary>
    BadConfig,

    /// <summary>Its disk is full or broken.</summary>
    DiskFailure,

    /// <summary>The liveness probe killed it.</summary>
    ProbeKill,

    /// <summary>It restarted itself because memory was not to be had otherwise.</summary>
    GuardRestart,

    /// <summary>A defect of the server.</summary>
    Bug,

    /// <summary>It was asked to stop, or ended by itself without an error.</summary>
    Stopped,

    /// <summary>The node needed its memory.</summary>
    NodeMemoryPressure,

    /// <summary>The node needed its disk.</summary>
    NodeDiskPressure,

    /// <summary>Drained, preempted or tainted away.</summary>
    Disrupted,

    /// <summary>The node went away.</summary>
    NodeLost,

    /// <summary>Not the server but an init container.</summary>
    InitContainer,

    /// <summary>Not the server but another container of the pod.</summary>
    Sidecar,

    /// <summary>It happened between two looks and left no trace but a restart count.</summary>
    Unobserved,

    /// <summary>The image cannot be had.</summary>
    Image,

    /// <summary>Something the container needs to start is missing.</summary>
    ContainerConfig,

    /// <summary>No node has room for the pod.</summary>
    Unschedulable,
}
