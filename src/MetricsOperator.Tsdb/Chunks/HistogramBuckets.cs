using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>Makes histograms with different buckets share one layout.</summary>
internal static class HistogramBuckets
{
    /// <summary>A layout with the buckets of both.</summary>
    public static HistogramLayout Union(HistogramLayout layout, FloatHistogram histogram) => layout.With(
        Union(layout.PositiveSpans, histogram.PositiveSpans),
        Union(layout.NegativeSpans, histogram.NegativeSpans));

    /// <summary>True if both have the same buckets.</summary>
    public static bool HasBucketsOf(this HistogramLayout layout, HistogramLayout other) =>
        layout.PositiveSpans.AsSpan().SequenceEqual(other.PositiveSpans) && layout.NegativeSpans.AsSpan().SequenceEqual(other.NegativeSpans);

    /// <summary>The histogram in a layout that has all its non-empty buckets; zeros in those it lacks.</summary>
    public static FloatHistogram Fit(FloatHistogram histogram, HistogramLayout layout) => new()
    {
        ResetHint = histogram.ResetHint,
        Schema = histogram.Schema,
        ZeroThreshold = histogram.ZeroThreshold,
        ZeroCount = histogram.ZeroCount,
        Count = histogram.Count,
        Sum = histogram.Sum,
        CustomValues = histogram.CustomValues,
        PositiveSpans = layout.PositiveSpans,
        NegativeSpans = layout.NegativeSpans,
        PositiveBuckets = Fit(histogram.PositiveSpans, histogram.PositiveBuckets, layout.PositiveSpans, layout.PositiveCount),
        NegativeBuckets = Fit(histogram.NegativeSpans, histogram.NegativeBuckets, layout.NegativeSpans, layout.NegativeCount),
    };

    private static double[] Fit(BucketSpan[] spans, double[] buckets, BucketSpan[] target, int targetCount)
    {
        var fitted = new double[targetCount];
        var indices = Indices(spans);
        var targetIndices = Indices(target);
        var next = 0;
        for (var i = 0; i < targetIndices.Count && next < indices.Count; i++)
        {
            if (targetIndices[i] == indices[next])
            {
                fitted[i] = buckets[next++];
            }
        }

        return fitted;
    }

    private static BucketSpan[] Union(BucketSpan[] left, BucketSpan[] right)
    {
        var all = new SortedSet<int>(Indices(left));
        all.UnionWith(Indices(right));
        var spans = new List<BucketSpan>();
        var next = 0;
        foreach (var index in all)
        {
            if (spans.Count > 0 && index == next)
            {
                spans[^1] = spans[^1] with { Length = spans[^1].Length + 1 };
            }
            else
            {
                spans.Add(new BucketSpan(index - next, 1));
            }

            next = index + 1;
        }

        return [.. spans];
    }

    private static List<int> Indices(BucketSpan[] spans)
    {
        var indices = new List<int>();
        var next = 0;
        foreach (var span in spans)
        {
            next += span.Offset;
            for (uint i = 0; i < span.Length; i++)
            {
                indices.Add(next++);
            }
        }

        return indices;
    }
}
