using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>A series as both evaluators see it.</summary>
internal sealed record StoredSeries(LabelSet Labels, IReadOnlyList<StoredSample> Samples);

/// <summary>A sample; a histogram if <paramref name="Histogram"/> is not null.</summary>
internal readonly record struct StoredSample(long TimestampMs, double Value, FloatHistogram? Histogram)
{
    public bool IsStale => StaleMarker.IsStale(Histogram is null ? Value : Histogram.Sum);
}
