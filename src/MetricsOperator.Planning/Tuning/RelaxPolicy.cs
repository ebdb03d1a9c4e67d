using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;

namespace MetricsOperator.Planning.Tuning;

/// <summary>The way back: after quiet time the last step is taken back, one at a time, and more slowly after each relapse.</summary>
internal static class RelaxPolicy
{
    private const int MostDoublings = 10;

    /// <summary>When the last step may be taken back; null when there is none or when it stays for good.</summary>
    public static DateTimeOffset? RelaxAt(MetricsStackSpec spec, TuningLedger ledger)
    {
        var relax = spec.Overload.Relax;
        if (ledger.Steps.Count == 0 || ledger.Relapses >= relax.MaxAttempts)
        {
            return null;
        }

        var quietSince = ledger.ChangedAt > ledger.LastMemoryDeathAt ? ledger.ChangedAt : ledger.LastMemoryDeathAt ?? ledger.ChangedAt;
        return quietSince + (MetricsDuration.Parse(relax.After) * (1 << Math.Min(ledger.Relapses, MostDoublings)));
    }

    public static TuningLedger Advance(TuningInput input, TuningLedger ledger, List<TuningNews> news)
    {
        // Whatever helped, a larger budget for example: what has been quiet for so long is not at its end.
        if (ledger.Exhausted && input.Now - ledger.LastMemoryDeathAt >= MetricsDuration.Parse(input.Spec.Overload.Relax.After))
        {
            ledger = ledger with { Exhausted = false };
        }

        if (RelaxAt(input.Spec, ledger) is not { } at || input.Now < at)
        {
            return ledger;
        }

        var last = ledger.Steps[^1];
        news.Add(new("Relaxed", false, $"{last.Name} was taken back after quiet time: {last.Detail} is undone."));
        return ledger with { Steps = [.. ledger.Steps.SkipLast(1)], RelaxedStep = last.Name, ChangedAt = input.Now, Exhausted = false };
    }
}
