namespace MetricsOperator.PromQL.Syntax;

/// <summary>What the parser accepts beyond the stable language.</summary>
public sealed record ParserOptions
{
    /// <summary>Everything of PromQL that is stable.</summary>
    public static readonly ParserOptions Stable = new();

    /// <summary>Everything the parser knows; for tools that only look at expressions.</summary>
    public static readonly ParserOptions Everything = new() { ExperimentalFunctions = true, DurationExpressions = true };

    /// <summary>Functions and aggregators behind <c>promql-experimental-functions</c>.</summary>
    public bool ExperimentalFunctions { get; init; }

    /// <summary>Arithmetic in ranges, steps and offsets, behind <c>promql-duration-expr</c>.</summary>
    public bool DurationExpressions { get; init; }
}
