using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Relabeling;

/// <summary>A compiled list of relabel rules; immutable and safe to use from several threads.</summary>
public sealed class RelabelProgram
{
    private readonly RelabelStep[] _steps;

    /// <summary>Validates and compiles the rules.</summary>
    /// <exception cref="RelabelException">A rule is not valid; names the rule and the field.</exception>
    public RelabelProgram(IReadOnlyList<RelabelRule> rules)
    {
        _steps = new RelabelStep[rules.Count];
        for (var i = 0; i < _steps.Length; i++)
        {
            RelabelRuleCheck.Check(i, rules[i]);
            try
            {
                _steps[i] = new RelabelStep(rules[i], new AnchoredRegex(rules[i].Regex));
            }
            catch (ArgumentException e)
            {
                throw new RelabelException(i, "regex", e.Message, e);
            }
        }
    }

    /// <summary>True if there is nothing to do.</summary>
    public bool IsEmpty => _steps.Length == 0;

    /// <summary>Changes the labels, rule by rule; false when the target or series is dropped (the labels are then those before the rule that dropped it).</summary>
    public bool Apply(LabelSetBuilder labels)
    {
        foreach (var step in _steps)
        {
            if (!step.Apply(labels))
            {
                return false;
            }
        }

        return true;
    }
}
