using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Planning.Incidents;

/// <summary>Everything that the rules look at for one ended container.</summary>
/// <param name="Pod">Its pod.</param>
/// <param name="Status">Its status.</param>
/// <param name="Ended">The state that says how it ended.</param>
/// <param name="IsInit">It is an init container.</param>
/// <param name="IsServer">It is the server.</param>
/// <param name="Words">The server's last words, if they can be read.</param>
internal sealed record DeathEvidence(V1Pod Pod, V1ContainerStatus Status, V1ContainerStateTerminated Ended, bool IsInit, bool IsServer, TerminationMessage? Words)
{
    public int ExitCode => Ended.ExitCode ?? -1;

    public bool IsOomKilled => Ended.Reason == "OOMKilled";

    /// <summary>It was still reading its log. Only its own words tell: <c>started</c> in the status is about the life after this one.</summary>
    public bool InReplay => Words?.Phase == "replay" || (Words is null && ReferenceEquals(Status.State?.Terminated, Ended) && Status.Started == false);

    public bool SaysOutOfMemory => Words?.Class == "OutOfMemory" || (Words is null && Ended.Message?.Contains("OutOfMemory", StringComparison.Ordinal) == true);

    public bool SaysNoSpace =>
        Words?.Class == "Io" || (Words?.Message ?? Ended.Message)?.Contains("No space left on device", StringComparison.Ordinal) == true;

    public V1PodCondition? Disruption => Pod.Status?.Conditions?.FirstOrDefault(c => c is { Type: "DisruptionTarget", Status: "True" });

    public bool IsEvicted => Pod.Status is { Phase: "Failed", Reason: "Evicted" };
}
