using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Histograms;

/// <summary>An incremental mean of native histograms.</summary>
internal sealed class HistogramMean(FloatHistogram first)
{
    private double _count = 1;

    public FloatHistogram Value { get; } = first.Copy();

    /// <summary>Takes in another sample; anything but None means that it does not fit and the mean is of no use any more.</summary>
    public HistogramMismatch Add(FloatHistogram sample)
    {
        _count++;
        var step = sample.Copy().Divide(_count);
        var mismatch = step.Subtract(Value.Copy().Divide(_count));
        return mismatch == HistogramMismatch.None ? Value.Add(step) : mismatch;
    }
}
