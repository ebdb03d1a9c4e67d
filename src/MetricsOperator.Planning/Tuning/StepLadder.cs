using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Values;

namespace MetricsOperator.Planning.Tuning;

/// <summary>One rung with its bounds resolved.</summary>
public sealed record LadderStep(string Name, TimeSpan MaxInterval, int Factor, IReadOnlyList<string> KeepLists)
{
    /// <summary>The interval after this step; never shorter than before.</summary>
    public TimeSpan RaisedInterval(TimeSpan interval)
    {
        if (Name != OverloadStep.RaiseInterval || interval >= MaxInterval)
        {
            return interval;
        }

        var raised = interval * Factor;
        return raised < MaxInterval ? raised : MaxInterval;
    }

    /// <summary>Keep-lists that this step applies to a job; the job's own comes before those of the step.</summary>
    public IReadOnlyList<string> KeepListsFor(ScrapeJob job) =>
        Name != OverloadStep.ApplyKeepLists ? [] : job.KeepList is { } own ? [own] : KeepLists;
}

/// <summary>The rungs a stack allows, in order.</summary>
public static class StepLadder
{
    private const int DefaultFactor = 4;
    private static readonly TimeSpan DefaultMaxInterval = TimeSpan.FromMinutes(1);

    private static readonly OverloadStep[] DefaultSteps = [new() { Name = OverloadStep.RaiseInterval }, new() { Name = OverloadStep.ApplyKeepLists }];

    /// <summary>The steps of the spec, or the default ladder when it names none.</summary>
    public static IReadOnlyList<LadderStep> Of(OverloadSpec overload) =>
        [.. (overload.Steps ?? [.. DefaultSteps]).Select(step => new LadderStep(
            step.Name,
            step.MaxInterval is null ? DefaultMaxInterval : MetricsDuration.Parse(step.MaxInterval),
            step.Factor ?? DefaultFactor,
            step.KeepLists ?? []))];
}
