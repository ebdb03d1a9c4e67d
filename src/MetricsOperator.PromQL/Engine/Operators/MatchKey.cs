using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Engine.Operators;

/// <summary>Which labels decide whether series of two vectors belong together.</summary>
internal static class MatchKey
{
    public static LabelProjection Projection(VectorMatching matching) =>
        matching.On ? LabelProjection.Keeping(matching.Labels) : LabelProjection.Dropping([.. matching.Labels, LabelNames.MetricName]);
}
