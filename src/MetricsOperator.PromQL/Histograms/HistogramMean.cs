using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Histograms;

/// <summary>An incremental mean of native histograms.</summary>
internal sealed class HistogramMean(FloatHistogram first)
{
    private double _count = 1;

    public FloatHistogram Value { get; private set; } = HistogramArithmetic.Copy(first);

    public HistogramProblem TryAdd(FloatHistogram sample)
    {
        _count++;
        var problem = HistogramArithmetic.TrySubtract(
            HistogramArithmetic.Divided(sample, _count), HistogramArithmetic.Divided(Value, _count), out var step);
        if (problem != HistogramProblem.None)
        {
            return problem;
        }

        problem = HistogramArithmetic.TryAdd(Value, step!, out var mean);
        Value = mean ?? Value;
        return problem;
    }
}
