using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Planning.Incidents;

namespace MetricsOperator.Planning.Tuning;

/// <summary>Everything the chain looks at for one death that is not counted yet.</summary>
/// <param name="Death">The death.</param>
/// <param name="Ledger">What is known before it.</param>
/// <param name="Spec">What the user wants and allows.</param>
/// <param name="KeepLists">Keep-lists of the namespace.</param>
/// <param name="ConfigHash">Hash of the configuration that follows from spec and ledger.</param>
/// <param name="Now">The time of the decision.</param>
public sealed record MemoryQuestion(
    Death Death,
    TuningLedger Ledger,
    MetricsStackSpec Spec,
    IReadOnlyList<MetricsKeepList> KeepLists,
    string ConfigHash,
    DateTimeOffset Now);

/// <summary>What the chain answers.</summary>
public enum MemoryAnswer
{
    /// <summary>Change nothing.</summary>
    None,

    /// <summary>Take the step.</summary>
    Apply,

    /// <summary>Show the step, and do not take it.</summary>
    Propose,

    /// <summary>A step would be needed and there is none left.</summary>
    Exhausted,
}

/// <summary>The decision and the check that made it.</summary>
/// <param name="Answer">What to do.</param>
/// <param name="Check">Name of the check.</param>
/// <param name="Reason">Why, as a sentence.</param>
/// <param name="Step">The step to take or to propose.</param>
public sealed record MemoryVerdict(MemoryAnswer Answer, string Check, string Reason, LadderStep? Step = null);
