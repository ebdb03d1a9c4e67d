using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;
using MetricsOperator.Planning.Incidents;
using MetricsOperator.Planning.Scraping;

namespace MetricsOperator.Planning.Tuning;

/// <summary>
/// Decides about one death: named checks in order, the first that has an answer ends the chain. One death leads to at most one step,
/// and the same death never leads to a second one.
/// </summary>
public static class MemoryPolicyChain
{
    /// <summary>Below this confidence a step needs a second death of the same kind.</summary>
    private const double Sure = 0.8;

    private static readonly TimeSpan SecondSourceWindow = TimeSpan.FromHours(1);

    private static readonly (string Name, Func<MemoryQuestion, MemoryVerdict?> Check)[] Checks =
    [
        // A death is counted by its container id; resyncs, restarts and a second leader see it again.
        ("already-counted", AlreadyCounted),

        // Bad configuration, a full disk, an image, a probe: tightening would hide the cause and lose data.
        ("not-memory", NotMemory),

        ("mode-off", ModeOff),

        // The change that is on its way has not been tried: this death says nothing about it.
        ("verification-running", VerificationRunning),

        // A kill without a reason may have another cause.
        ("second-source", SecondSource),

        ("cooldown", Cooldown),

        // The next rung that would change something.
        ("next-step", NextStep),

        ("floor", q => new MemoryVerdict(MemoryAnswer.Exhausted, "floor", "every step that the policy allows is in force")),
    ];

    /// <summary>The answer for a death.</summary>
    public static MemoryVerdict Evaluate(MemoryQuestion question)
    {
        foreach (var (name, check) in Checks)
        {
            if (check(question) is { } verdict)
            {
                return verdict with { Check = name };
            }
        }

        throw new InvalidOperationException("BUG: the last check of the chain answers always");
    }

    private static MemoryVerdict? AlreadyCounted(MemoryQuestion q) => q.Ledger.Counted.Contains(q.Death.Key) ? None("this death was counted before") : null;

    private static MemoryVerdict? NotMemory(MemoryQuestion q) =>
        q.Death.Class == DeathClass.OutOfMemory ? null : None($"nothing was tightened: the cause is {q.Death.Class}, not memory");

    private static MemoryVerdict? ModeOff(MemoryQuestion q) =>
        q.Spec.Overload.Mode == OverloadSpec.Off ? None("nothing was tightened: the overload mode is Off") : null;

    private static MemoryVerdict? VerificationRunning(MemoryQuestion q)
    {
        if (q.Death.Message?.ConfigHash is { Length: > 0 } died)
        {
            return died == q.ConfigHash ? null : None("nothing more was tightened: it died under an older configuration, the newer one has not been tried yet");
        }

        // Without last words the time decides: a life that began before the last change began with the older configuration.
        return q.Ledger.ChangedAt is { } changed && (q.Death.StartedAt ?? q.Death.FinishedAt) is { } started && started < changed
            ? None("nothing more was tightened: it started before the last change, which has not been tried yet")
            : null;
    }

    private static MemoryVerdict? SecondSource(MemoryQuestion q)
    {
        var confirmed = q.Ledger.LastMemoryDeathAt is { } last && q.Now - last <= SecondSourceWindow;
        return q.Death.Confidence >= Sure || confirmed ? null : None("nothing was tightened yet: memory is the probable cause; a second such death would confirm it");
    }

    private static MemoryVerdict? Cooldown(MemoryQuestion q)
    {
        // Only steps count: what dies because a step was taken back needs that step at once.
        var cooldown = MetricsDuration.Parse(q.Spec.Overload.Cooldown);
        return q.Ledger.Steps.Any(step => q.Now - step.Since < cooldown)
            ? None($"nothing more was tightened: the last step is younger than the cooldown, {q.Spec.Overload.Cooldown}")
            : null;
    }

    private static MemoryVerdict? NextStep(MemoryQuestion q)
    {
        var active = q.Ledger.ActiveSteps;
        var before = EffectiveScrape.Of(q.Spec, active, q.KeepLists);
        foreach (var step in StepLadder.Of(q.Spec.Overload))
        {
            if (active.Contains(step.Name) || !StepPreview.Changes(before, EffectiveScrape.Of(q.Spec, [.. active, step.Name], q.KeepLists)))
            {
                continue;
            }

            return q.Spec.Overload.Mode == OverloadSpec.Recommend
                ? new(MemoryAnswer.Propose, "", "the overload mode is Recommend", step)
                : new(MemoryAnswer.Apply, "", "it died of memory under the configuration in force", step);
        }

        return null;
    }

    private static MemoryVerdict None(string reason) => new(MemoryAnswer.None, "", reason);
}
