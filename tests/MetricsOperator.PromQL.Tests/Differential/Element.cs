using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>One series of an instant vector at one time; a histogram if there is one, else a float.</summary>
internal sealed record Element(LabelSet Labels, double Value, ReferenceHistogram? Histogram = null)
{
    public bool IsFloat => Histogram is null;
}

/// <summary>The samples of one series in one window of a range; stale markers are left out.</summary>
internal sealed record Window(IReadOnlyList<(long TimestampMs, double Value, ReferenceHistogram? Histogram)> Samples, long StartMs, long EndMs)
{
    public List<(long TimestampMs, double Value)> Floats { get; } = [.. Samples.Where(s => s.Histogram is null).Select(s => (s.TimestampMs, s.Value))];

    public List<(long TimestampMs, ReferenceHistogram Histogram)> Histograms { get; } =
        [.. Samples.Where(s => s.Histogram is not null).Select(s => (s.TimestampMs, s.Histogram!))];
}

/// <summary>A series of a range vector: one window per step.</summary>
internal sealed record RangeSeries(LabelSet Labels, Window[] Windows);

/// <summary>The query fails, as the engine must fail.</summary>
internal sealed class ReferenceErrorException(string message) : Exception(message);

/// <summary>The language leaves the answer open here: which of equal values is the largest, which series come first.</summary>
internal sealed class AmbiguousException(string message) : Exception(message);
