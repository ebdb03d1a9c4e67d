using System.Globalization;
using MetricsOperator.Api.Values;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Planning.Incidents;

/// <summary>
/// Tells why a container ended from what Kubernetes and the server itself left behind. The first rule that fits decides; the order
/// is part of the specification. Exit codes come before reasons, because a runtime keeps the reason OOMKilled even when another process died.
/// </summary>
public static class DeathClassifier
{
    /// <summary>A heap this full right before an abort means that the abort was about memory.</summary>
    private const double NearHeapLimit = 0.75;

    /// <summary>Resident memory this close to the limit right before a kill makes the kernel the probable killer.</summary>
    private const double NearMemoryLimit = 0.92;

    private static readonly (string Name, Func<DeathEvidence, Verdict?> Rule)[] Rules =
    [
        // Whose death is it?
        ("init-container", e => e.IsInit ? new(DeathClass.InitContainer, "an init container ended, not the server") : null),
        ("sidecar", e => e.IsServer ? null : new(DeathClass.Sidecar, "another container of the pod ended, not the server")),

        // The pod was taken away; how its container ended does not matter then.
        ("evicted", Evicted),
        ("disrupted", Disrupted),

        // Exit codes of our own protocol.
        ("exit-0", e => e.ExitCode == 0
            ? new(DeathClass.Stopped, e.IsOomKilled ? "it ended by itself; the reason OOMKilled is about another process of the container" : "it ended by itself without an error")
            : null),
        ("exit-79", e => e.ExitCode == 79 ? new(DeathClass.OutOfMemory, "it ended itself at its heap limit (exit code 79)") : null),
        ("exit-78", e => e.ExitCode == 78 || e.Words?.Class == "ConfigRejected" ? new(DeathClass.BadConfig, "it refused its configuration") : null),
        ("exit-74", e => e.ExitCode == 74 || e.SaysNoSpace ? new(DeathClass.DiskFailure, "its disk is full or broken") : null),
        ("exit-80", e => e.ExitCode == 80 ? new(DeathClass.GuardRestart, "its memory guard restarted it (exit code 80)") : null),
        ("exit-70", e => e.ExitCode == 70 || e.Words?.Class == "Bug" ? new(DeathClass.Bug, "it ended itself because of a defect") : null),

        // Killed by the kernel at the limit of the container.
        ("oom-killed", e => e is { IsOomKilled: true, ExitCode: 137 }
            ? new(DeathClass.OutOfMemory, e.InReplay ? "the kernel killed it at its memory limit while it read its log" : "the kernel killed it at its memory limit")
            : null),

        // The runtime aborts when the heap limit is reached: signal 6.
        ("abort-near-heap-limit", e => e.ExitCode == 134 && (e.SaysOutOfMemory || e.Words?.MemoryShare >= NearHeapLimit)
            ? new(DeathClass.OutOfMemory, "the runtime gave up at its heap limit (exit code 134)")
            : null),
        ("abort", e => e is { ExitCode: 134, Words: not null } ? new(DeathClass.Bug, "it aborted with memory to spare (exit code 134)") : null),

        // The kernel never gives another exit code than 137; the reason stuck from another process.
        ("oom-flag-only", e => e.IsOomKilled && e.ExitCode != 134
            ? new(DeathClass.Stopped, $"it ended with exit code {e.ExitCode.ToString(CultureInfo.InvariantCulture)}; the reason OOMKilled is about another process of the container")
            : null),

        // SIGTERM and SIGKILL without an out-of-memory reason: the kubelet, on behalf of a probe or of a deletion.
        ("node-lost", e => e.Ended.Reason == "ContainerStatusUnknown" ? new(DeathClass.NodeLost, "the node went away") : null),

        // What a container runtime says of containers that it finds gone when it starts.
        ("node-restarted", e => e is { ExitCode: 255, Ended.Reason: "Unknown" } ? new(DeathClass.NodeLost, "the node or its container runtime was restarted") : null),
        ("deleted", e => e.ExitCode is 137 or 143 && e.Pod.Metadata.DeletionTimestamp is not null ? new(DeathClass.Stopped, "its pod was deleted") : null),
        ("probable-oom", e => e.ExitCode == 137 && e.Words?.MemoryShare >= NearMemoryLimit
            ? new(DeathClass.OutOfMemory, $"it was killed with {Share(e)} of its budget in use, without a reason given", 0.7)
            : null),
        ("startup-probe", e => e.ExitCode is 137 or 143 && e.InReplay ? new(DeathClass.ReplayTooSlow, "the startup probe killed it while it read its log") : null),
        ("terminated", e => e.ExitCode == 143 ? new(DeathClass.Stopped, "it was asked to stop") : null),
        ("liveness-probe", e => e is { ExitCode: 137, Words: not null } ? new(DeathClass.ProbeKill, "it was killed with memory to spare, as a failed liveness probe does") : null),
    ];

    private sealed record Verdict(DeathClass Class, string Explanation, double Confidence = 1);

    /// <summary>How the container ended.</summary>
    /// <param name="pod">Its pod.</param>
    /// <param name="status">Its status.</param>
    /// <param name="ended">The terminated state, from state or lastState.</param>
    /// <param name="isInit">Whether it is an init container.</param>
    /// <param name="serverContainer">Name of the server's container.</param>
    /// <param name="life">Which life of the container this was, from 1.</param>
    public static Death Classify(V1Pod pod, V1ContainerStatus status, V1ContainerStateTerminated ended, bool isInit, string serverContainer, int life = 1)
    {
        var isServer = !isInit && status.Name == serverContainer;
        var evidence = new DeathEvidence(pod, status, ended, isInit, isServer, isServer ? TerminationMessage.Parse(ended.Message) : null);
        foreach (var (name, rule) in Rules)
        {
            if (rule(evidence) is { } verdict)
            {
                return Describe(evidence, name, verdict) with { Life = life };
            }
        }

        var explanation = $"nothing known ends with exit code {evidence.ExitCode.ToString(CultureInfo.InvariantCulture)} and reason {ended.Reason ?? "none"}";
        return Describe(evidence, "unknown", new(DeathClass.Unknown, explanation, 0)) with { Life = life };
    }

    private static Verdict? Evicted(DeathEvidence e)
    {
        if (!e.IsEvicted)
        {
            return null;
        }

        var message = e.Pod.Status?.Message ?? "";
        return message.Contains("ephemeral", StringComparison.OrdinalIgnoreCase) || message.Contains("disk", StringComparison.OrdinalIgnoreCase)
            ? new(DeathClass.NodeDiskPressure, $"the node evicted the pod: {message}")
            : new(DeathClass.NodeMemoryPressure, $"the node evicted the pod: {message}");
    }

    private static Verdict? Disrupted(DeathEvidence e) => e.Disruption?.Reason switch
    {
        "PreemptionByScheduler" or "PreemptionByKubeScheduler" or "EvictionByEvictionAPI" or "DeletionByTaintManager" or "DeletionByPodGC" =>
            new(DeathClass.Disrupted, $"the pod had to leave its node: {e.Disruption.Reason}"),
        "TerminationByKubelet" => new(DeathClass.NodeMemoryPressure, $"the node ended the pod: {e.Disruption.Message ?? e.Disruption.Reason}"),
        _ => null,
    };

    private static Death Describe(DeathEvidence e, string rule, Verdict verdict) => new()
    {
        Key = Key(e),
        Class = verdict.Class,
        Rule = rule,
        Explanation = verdict.Explanation + MemoryAtTheEnd(e, verdict.Class),
        Confidence = verdict.Confidence,
        Pod = e.Pod.Metadata.Name ?? "",
        PodUid = e.Pod.Metadata.Uid ?? "",
        Container = e.Status.Name ?? "",
        ExitCode = e.Ended.ExitCode,
        Reason = e.Ended.Reason,
        StartedAt = e.Ended.StartedAt,
        FinishedAt = e.Ended.FinishedAt,
        Message = e.Words,
    };

    private static string MemoryAtTheEnd(DeathEvidence e, DeathClass found) => found == DeathClass.OutOfMemory && e.Words is { BudgetBytes: > 0 } words
        ? string.Create(CultureInfo.InvariantCulture, $"; it last reported {Quantity.Describe(words.RssBytes)} of {Quantity.Describe(words.BudgetBytes)} in use with {words.HeadSeries} series")
        : "";

    private static string Share(DeathEvidence e) => string.Create(CultureInfo.InvariantCulture, $"{e.Words!.MemoryShare * 100:0}%");

    private static string Key(DeathEvidence e) => e.Ended.ContainerID is { Length: > 0 } id
        ? id
        : string.Create(CultureInfo.InvariantCulture, $"{e.Pod.Metadata.Uid}/{e.Status.Name}/{e.Ended.StartedAt:O}/{e.Ended.FinishedAt:O}");
}
