namespace MetricsOperator.PromQL.Syntax;

/// <summary>A part of the query text, in UTF-16 offsets: first character and the one after the last.</summary>
public readonly record struct PositionRange(int Start, int End);
