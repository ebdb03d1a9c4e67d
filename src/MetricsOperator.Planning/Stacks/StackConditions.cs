using System.Globalization;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Planning.Incidents;

namespace MetricsOperator.Planning.Stacks;

/// <summary>
/// The conditions of a stack. Ready, Reconciling and Stalled follow kstatus: a stack is Current when it is neither reconciling nor stalled
/// and its observedGeneration is its generation. A stack that is overloaded but serves is Ready.
/// </summary>
internal static class StackConditions
{
    private const int MaxErrors = 3;
    private const int MaxMessage = 1024;

    public static List<StackCondition> Build(StackObservation seen)
    {
        var valid = ConfigValid(seen);
        var applied = ConfigApplied(seen);
        var storage = StorageReady(seen);
        var stalled = Stalled(seen);
        var ready = Ready(seen, applied, stalled);
        var reconciling = Reconciling(seen, ready, stalled);
        var previous = seen.Stack.Status?.Conditions ?? [];
        return [.. new[] { ready, reconciling, stalled, valid, applied, storage, Overloaded(seen) }.Select(c => Stamp(seen, previous, c))];
    }

    private static StackCondition Stamp(StackObservation seen, List<StackCondition> previous, StackCondition condition)
    {
        var before = previous.FirstOrDefault(c => c.Type == condition.Type);
        var message = condition.Message.Length <= MaxMessage ? condition.Message : condition.Message[..(MaxMessage - 3)] + "...";
        return condition with
        {
            Message = message,
            ObservedGeneration = seen.Generation,
            LastTransitionTime = before?.Status == condition.Status ? before.LastTransitionTime : seen.Now,
        };
    }

    private static StackCondition ConfigValid(StackObservation seen)
    {
        if (seen.Errors.Count == 0)
        {
            return Condition("ConfigValid", true, "Valid", "the spec can be used");
        }

        var more = seen.Errors.Count > MaxErrors ? string.Create(CultureInfo.InvariantCulture, $"; and {seen.Errors.Count - MaxErrors} more") : "";
        var kept = seen.Plan is null ? "" : "; the last good configuration stays in force";
        return Condition("ConfigValid", false, "InvalidField", string.Join("; ", seen.Errors.Take(MaxErrors)) + more + kept);
    }

    private static StackCondition ConfigApplied(StackObservation seen)
    {
        if (seen.Plan is null)
        {
            return Condition("ConfigApplied", false, "NoConfiguration", "there is no good configuration yet");
        }

        var count = Count(seen.AppliedReplicas, seen.Replicas.Count);
        if (seen.AppliedReplicas == seen.Replicas.Count)
        {
            return Condition("ConfigApplied", true, "Applied", $"{count} replicas run configuration {Short(seen.Plan.ConfigHash)}");
        }

        var refusing = seen.Replicas.FirstOrDefault(r => r.Report is { Error.Length: > 0 });
        return refusing is not null
            ? Condition("ConfigApplied", false, "Refused", $"{count} replicas run configuration {Short(seen.Plan.ConfigHash)}; {refusing.Pod!.Metadata.Name} refuses it: {refusing.Report!.Error}")
            : Condition("ConfigApplied", false, "Pending", $"{count} replicas run configuration {Short(seen.Plan.ConfigHash)}");
    }

    private static StackCondition StorageReady(StackObservation seen)
    {
        if (seen.Stack.Spec.Storage.Volume == StorageSpec.EmptyDir)
        {
            return Condition("StorageReady", true, "Ephemeral", "samples are lost with their pod");
        }

        var wanted = seen.Replicas.Count;
        var bound = seen.Claims.Count(c => c.Status?.Phase == "Bound");
        if (bound < wanted)
        {
            return Condition("StorageReady", false, "Pending", $"{Count(bound, wanted)} claims are bound");
        }

        var size = StorageReport.Of(seen);
        return size.Phase switch
        {
            "Expanding" => Condition("StorageReady", false, "Expanding", $"claims grow to {size.Requested}, {size.Actual} is there"),
            "ShrinkRefused" => Condition("StorageReady", false, "ShrinkRefused", $"spec.storage.size: got {seen.Stack.Spec.Storage.Size}, want at least what the claims have, {size.Actual}: a claim cannot shrink"),
            _ => Condition("StorageReady", true, "Bound", $"{Count(bound, wanted)} claims are bound"),
        };
    }

    private static StackCondition Overloaded(StackObservation seen)
    {
        var steps = seen.Ledger.Steps.Select(s => $"{s.Name}: {s.Detail}; expected to save {s.Expected}").ToList();
        var incident = seen.Ledger.Incidents.FirstOrDefault(i => i.Class == nameof(DeathClass.OutOfMemory));
        var cause = incident is null ? "" : $"{incident.Pod} died of memory at {incident.At.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}: {incident.Explanation}. ";
        if (seen.Ledger.Exhausted)
        {
            return Condition("Overloaded", true, "Exhausted", $"{cause}Every allowed step is in force and it is not enough: {string.Join("; ", steps)}");
        }

        if (steps.Count > 0)
        {
            var looping = seen.Replicas.Any(r => r.IsCrashLooping);
            return Condition("Overloaded", true, looping ? "CrashLoop" : "OutOfMemory", $"{cause}In force: {string.Join("; ", steps)}");
        }

        return seen.Ledger.Proposed.Count > 0
            ? Condition("Overloaded", true, "Proposed", $"{cause}Not applied: {string.Join("; ", seen.Ledger.Proposed.Select(s => $"{s.Name}: {s.Detail}; expected to save {s.Expected}"))}")
            : Condition("Overloaded", false, "WithinBudget", "no step is in force");
    }

    private static StackCondition Stalled(StackObservation seen)
    {
        if (seen.Errors.Count > 0)
        {
            return Condition("Stalled", true, "InvalidSpec", seen.Errors[0].ToString());
        }

        if (seen.ApplyProblem is { } problem)
        {
            return Condition("Stalled", true, "CannotApply", problem);
        }

        if (seen.Blocks.Count > 0)
        {
            var block = seen.Blocks[0];
            return Condition("Stalled", true, Word(block.Reason, "Blocked"), $"{block.Pod}: {block.Reason}: {block.Message}");
        }

        return seen.Ledger.Exhausted
            ? Condition("Stalled", true, "OverloadExhausted", "every allowed step is in force and servers still die of memory; raise spec.memory.budget or allow more steps")
            : Condition("Stalled", false, "NotStalled", "nothing waits for a person");
    }

    private static StackCondition Ready(StackObservation seen, StackCondition applied, StackCondition stalled)
    {
        if (seen.Errors.Count > 0 || seen.ApplyProblem is not null)
        {
            return Condition("Ready", false, stalled.Reason, stalled.Message);
        }

        var ready = seen.Replicas.Count(r => r.IsReady);
        if (ready < seen.Replicas.Count)
        {
            var down = seen.Replicas.First(r => !r.IsReady);
            var (reason, message) = WhyNotReady(seen, down);
            return Condition("Ready", false, reason, $"{Count(ready, seen.Replicas.Count)} replicas are ready; {StackNames.Replica(seen.Stack.Metadata.Name!, down.Index)}: {message}");
        }

        if (seen.WaitingUpdates > 0)
        {
            return Condition("Ready", false, "Updating", $"{seen.WaitingUpdates.ToString(CultureInfo.InvariantCulture)} replicas wait for their turn to be updated");
        }

        return applied.Status == "True"
            ? Condition("Ready", true, "AllReplicasReady", $"{Count(ready, seen.Replicas.Count)} replicas are ready")
            : Condition("Ready", false, "Config" + applied.Reason, applied.Message);
    }

    private static (string Reason, string Message) WhyNotReady(StackObservation seen, ReplicaView replica)
    {
        if (replica.Pod is null)
        {
            return ("Starting", "it has no pod yet");
        }

        if (seen.Blocks.FirstOrDefault(b => b.Pod == replica.Pod.Metadata.Name) is { } block)
        {
            return (Word(block.Reason, "Blocked"), $"{block.Reason}: {block.Message}");
        }

        var server = replica.Server;
        if (server?.State?.Waiting is { Reason: "CrashLoopBackOff" } waiting)
        {
            return ("CrashLoopBackOff", waiting.Message ?? "it crashes again and again");
        }

        if (server?.State?.Terminated is { } ended)
        {
            return (Word(ended.Reason, "Terminated"), string.Create(CultureInfo.InvariantCulture, $"its server ended with exit code {ended.ExitCode}"));
        }

        // No percentage here: a number that moves would be written again and again.
        return replica.Report?.Phase == "replay" ? ("Replaying", "its server reads its log") : ("Starting", "its server is not ready yet");
    }

    private static StackCondition Reconciling(StackObservation seen, StackCondition ready, StackCondition stalled)
    {
        if (seen.IsPaused)
        {
            return Condition("Reconciling", false, "Paused", "spec.paused is set: nothing is written, out-of-memory deaths included");
        }

        return ready.Status == "True" || stalled.Status == "True"
            ? Condition("Reconciling", false, ready.Status == "True" ? "UpToDate" : "Stalled", ready.Status == "True" ? "everything is as planned" : stalled.Message)
            : Condition("Reconciling", true, ready.Reason, ready.Message);
    }

    private static StackCondition Condition(string type, bool status, string reason, string message) =>
        new() { Type = type, Status = status ? "True" : "False", Reason = reason, Message = message };

    private static string Count(int have, int want) => string.Create(CultureInfo.InvariantCulture, $"{have}/{want}");

    private static string Short(string hash) => hash[..12];

    private static string Word(string? reason, string otherwise) => reason is { Length: > 0 } && reason.All(char.IsAsciiLetterOrDigit) && char.IsAsciiLetter(reason[0]) ? reason : otherwise;
}
