using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Aggregations;

/// <summary>Remarks about what an aggregation left out.</summary>
internal sealed class AggregationRemarks(Annotations annotations, AggregateExpr aggregate)
{
    public void HistogramIgnored(string name) => annotations.Inform($"ignored histogram in {name} aggregation", aggregate.Operand.Position);

    public void Mixed() => annotations.Warn("encountered a mix of histograms and floats for aggregation", aggregate.Operand.Position);

    public void Incompatible(HistogramMismatch mismatch, string metricName) => annotations.Warn(
        (mismatch == HistogramMismatch.MixedSchemas
            ? "vector contains a mix of histograms with exponential and custom buckets schemas for metric name "
            : "vector contains histograms with incompatible custom buckets for metric name ") + StringLiterals.Quote(metricName),
        aggregate.Operand.Position);
}
