using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Relabeling;

/// <summary>A compiled list of relabel rules; immutable and safe to use from several threads.</summary>
public sealed class RelabelProgram
{
    private readonly IReadOnlyList<RelabelRule> _rules;

    /// <summary>Validates and compiles the rules.</summary>
    /// <exception cref="RelabelException">A rule is not valid; names the rule and the field.</exception>
    public RelabelProgram(IReadOnlyList<RelabelRule> rules) => _rules = rules;

    /// <summary>True if there is nothing to do.</summary>
    public bool IsEmpty => _rules.Count == 0;

    /// <summary>Changes the labels; false when the target or series is dropped (the labels are then in an undefined state).</summary>
    public bool Apply(LabelSetBuilder labels) => throw new NotImplementedException();
}
