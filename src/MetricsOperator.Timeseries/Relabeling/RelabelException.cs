namespace MetricsOperator.Timeseries.Relabeling;

/// <summary>A relabel rule is not valid.</summary>
public sealed class RelabelException(int ruleIndex, string field, string message, Exception? inner = null)
    : Exception($"relabel rule {ruleIndex}: {field}: {message}", inner)
{
    /// <summary>Index of the rule in its list, from 0.</summary>
    public int RuleIndex { get; } = ruleIndex;

    /// <summary>The field as it is named in configuration (<c>target_label</c>).</summary>
    public string Field { get; } = field;

    /// <summary>What is wrong with the field, without rule and field in front.</summary>
    public string Reason { get; } = message;
}
