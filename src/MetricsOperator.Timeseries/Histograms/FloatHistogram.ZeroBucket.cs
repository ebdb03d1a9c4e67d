namespace MetricsOperator.Timeseries.Histograms;

public sealed partial class FloatHistogram
{
    /// <summary>Makes the zero bucket wider, in place, and moves into it what it then covers. May go beyond <paramref name="threshold"/>, see <see cref="ZeroCountFor"/>.</summary>
    private void WidenZeroBucket(double threshold)
    {
        (ZeroCount, ZeroThreshold) = ZeroCountFor(threshold);
        (PositiveSpans, PositiveBuckets) = WithoutZeroRange(PositiveCursor);
        (NegativeSpans, NegativeBuckets) = WithoutZeroRange(NegativeCursor);
    }

    /// <summary>
    /// What the zero bucket would count with a larger threshold. When that threshold lies within a bucket that counts something, the whole
    /// bucket has to go in, and the threshold becomes its outer bound.
    /// </summary>
    private (double Count, double Threshold) ZeroCountFor(double threshold)
    {
        while (true)
        {
            var count = ZeroCount;
            var (before, reached) = (threshold, threshold);
            count += CountWithin(PositiveCursor, before, ref reached);
            count += CountWithin(NegativeCursor, before, ref reached);
            if (reached == before)
            {
                return (count, threshold);
            }

            threshold = reached;
        }
    }

    // Both sides mirror each other, so bounds are compared by magnitude.
    private double CountWithin(BucketCursor cursor, double threshold, ref double reached)
    {
        var count = 0.0;
        while (cursor.MoveNext() && BoundAt(cursor.Index - 1) < threshold)
        {
            count += cursor.Count;
            var outer = BoundAt(cursor.Index);
            if (outer > threshold && cursor.Count != 0)
            {
                reached = Math.Max(reached, outer);
            }
        }

        return count;
    }

    private (BucketSpan[] Spans, double[] Buckets) WithoutZeroRange(BucketCursor cursor)
    {
        var layout = new BucketLayout();
        while (cursor.MoveNext())
        {
            if (BoundAt(cursor.Index - 1) >= ZeroThreshold)
            {
                layout.Add(cursor.Index, cursor.Count);
            }
        }

        return (layout.Spans, layout.Buckets);
    }
}
