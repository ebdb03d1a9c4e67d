namespace MetricsOperator.Timeseries.Re2;

/// <summary>The expression is not RE2; the reason is worded as Go words it.</summary>
internal sealed class Re2SyntaxException(string reason, string where, int offset) : Exception($"{reason}: `{where}` at offset {offset}")
{
    public int Offset { get; } = offset;
}
