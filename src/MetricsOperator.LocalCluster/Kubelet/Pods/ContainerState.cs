using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>What a container is doing, as <c>containerStatuses[].state</c> says it.</summary>
internal abstract record ContainerState
{
    /// <summary>The one-member object of the API: <c>waiting</c>, <c>running</c> or <c>terminated</c>.</summary>
    public abstract JsonObject ToJson();
}

/// <summary>Not running; the reason says what it waits for.</summary>
internal sealed record WaitingState(string Reason, string? Message = null) : ContainerState
{
    public override JsonObject ToJson()
    {
        var waiting = new JsonObject();
        if (Message is not null)
        {
            waiting["message"] = Message;
        }

        waiting["reason"] = Reason;
        return new JsonObject { ["waiting"] = waiting };
    }
}

/// <summary>Running since a time.</summary>
internal sealed record RunningState(DateTimeOffset StartedAt) : ContainerState
{
    public override JsonObject ToJson() => new() { ["running"] = new JsonObject { ["startedAt"] = StartedAt.ToSeconds() } };
}

/// <summary>Ended; one death of one run, named by its container id.</summary>
internal sealed record TerminatedState(
    string ContainerId, int ExitCode, string Reason, string? Message, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt) : ContainerState
{
    /// <summary>Reads the members of a <c>terminated</c> object.</summary>
    public static TerminatedState? Read(JsonObject? terminated) => terminated is null
        ? null
        : new TerminatedState(
            terminated.StringAt("containerID") ?? string.Empty,
            (int)(terminated.LongAt("exitCode") ?? 0),
            terminated.StringAt("reason") ?? "Error",
            terminated.StringAt("message"),
            terminated.Time("startedAt"),
            terminated.Time("finishedAt"));

    public override JsonObject ToJson()
    {
        var terminated = new JsonObject();
        if (ContainerId.Length > 0)
        {
            terminated["containerID"] = ContainerId;
        }

        terminated["exitCode"] = ExitCode;
        terminated["finishedAt"] = FinishedAt?.ToSeconds();
        if (Message is not null)
        {
            terminated["message"] = Message;
        }

        terminated["reason"] = Reason;
        terminated["startedAt"] = StartedAt?.ToSeconds();
        return new JsonObject { ["terminated"] = terminated };
    }
}
