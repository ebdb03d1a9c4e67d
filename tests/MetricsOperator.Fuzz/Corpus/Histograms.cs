using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Fuzz.Corpus;

/// <summary>Histograms of different shapes.</summary>
internal static class Histograms
{
    public static IReadOnlyList<FloatHistogram> All() =>
    [
        new()
        {
            Schema = 3,
            ZeroThreshold = 0.001,
            ZeroCount = 2,
            Count = 12,
            Sum = 34.5,
            PositiveSpans = [new(0, 2), new(1, 2)],
            PositiveBuckets = [1, 2, 3, 1],
            NegativeSpans = [new(-2, 1)],
            NegativeBuckets = [3],
        },
        new() { Schema = -4, ZeroThreshold = 1e-100, Count = 1, Sum = -1, NegativeSpans = [new(5, 1)], NegativeBuckets = [1], ResetHint = CounterResetHint.Gauge },
        new() { Schema = 8, Count = 0, Sum = 0 },
        new()
        {
            Schema = FloatHistogram.CustomBucketsSchema,
            Count = 6,
            Sum = 7.25,
            PositiveSpans = [new(0, 3)],
            PositiveBuckets = [1, 2, 3],
            CustomValues = [0.5, 1, 2.123456789],
        },
        new() { Sum = StaleMarker.Value },
    ];

    /// <summary>The histogram with counts that have grown by so much.</summary>
    public static FloatHistogram Grown(FloatHistogram histogram, int by) => new()
    {
        ResetHint = histogram.ResetHint,
        Schema = histogram.Schema,
        ZeroThreshold = histogram.ZeroThreshold,
        ZeroCount = histogram.ZeroCount,
        Count = histogram.Count + by,
        Sum = histogram.Sum + by,
        PositiveSpans = histogram.PositiveSpans,
        NegativeSpans = histogram.NegativeSpans,
        PositiveBuckets = [.. histogram.PositiveBuckets.Select(b => b + by)],
        NegativeBuckets = [.. histogram.NegativeBuckets.Select(b => b + by)],
        CustomValues = histogram.CustomValues,
    };
}
