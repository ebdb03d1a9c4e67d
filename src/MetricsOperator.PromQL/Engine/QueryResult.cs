using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Engine;

/// <summary>The answer to a query.</summary>
/// <param name="Value">A scalar, string, vector or matrix; always a matrix for range queries.</param>
/// <param name="Warnings">Texts of warnings, at most ten and a summary of the rest.</param>
/// <param name="Infos">Texts of infos, likewise.</param>
/// <param name="Stats">What the query cost.</param>
public sealed record QueryResult(PromValue Value, IReadOnlyList<string> Warnings, IReadOnlyList<string> Infos, QueryStats Stats);

/// <summary>A value that a query yields.</summary>
public abstract class PromValue
{
    public abstract PromType Type { get; }
}

/// <summary>A number at a time.</summary>
public sealed class ScalarValue(long timestampMs, double value) : PromValue
{
    public long TimestampMs { get; } = timestampMs;

    public double Value { get; } = value;

    public override PromType Type => PromType.Scalar;
}

/// <summary>A string at a time.</summary>
public sealed class StringValue(long timestampMs, string value) : PromValue
{
    public long TimestampMs { get; } = timestampMs;

    public string Value { get; } = value;

    public override PromType Type => PromType.String;
}

/// <summary>Series with one sample each.</summary>
public sealed class VectorValue(IReadOnlyList<VectorSample> samples) : PromValue
{
    public IReadOnlyList<VectorSample> Samples { get; } = samples;

    public override PromType Type => PromType.InstantVector;
}

/// <summary>A sample of a vector; a histogram when <paramref name="Histogram"/> is not null, else a float.</summary>
public readonly record struct VectorSample(LabelSet Labels, long TimestampMs, double Value, FloatHistogram? Histogram);

/// <summary>Series with samples over time, sorted by labels in range queries.</summary>
public sealed class MatrixValue(IReadOnlyList<MatrixSeries> series) : PromValue
{
    public IReadOnlyList<MatrixSeries> Series { get; } = series;

    public override PromType Type => PromType.RangeVector;
}

/// <summary>A series with its samples; floats and histograms apart, each in time order.</summary>
public sealed class MatrixSeries(
    LabelSet labels, long[] floatTimestampsMs, double[] floats, long[] histogramTimestampsMs, FloatHistogram[] histograms)
{
    public LabelSet Labels { get; } = labels;

    public long[] FloatTimestampsMs { get; } = floatTimestampsMs;

    public double[] Floats { get; } = floats;

    public long[] HistogramTimestampsMs { get; } = histogramTimestampsMs;

    public FloatHistogram[] Histograms { get; } = histograms;
}

/// <summary>What a query cost.</summary>
public sealed class QueryStats
{
    /// <summary>Samples read from storage, counted once per step that uses them.</summary>
    public long TotalQueryableSamples { get; internal set; }

    /// <summary>Most samples held in memory at a time.</summary>
    public long PeakSamples { get; internal set; }

    /// <summary>Samples per step (timestamp, count); null unless asked for.</summary>
    public IReadOnlyList<(long TimestampMs, long Samples)>? SamplesPerStep { get; internal set; }

    /// <summary>Parsing and selecting series.</summary>
    public TimeSpan PreparationTime { get; internal set; }

    /// <summary>Evaluating the expression.</summary>
    public TimeSpan InnerEvalTime { get; internal set; }

    /// <summary>Sorting the result.</summary>
    public TimeSpan ResultSortTime { get; internal set; }

    /// <summary>Preparation, evaluation and sorting.</summary>
    public TimeSpan TotalTime { get; internal set; }
}
