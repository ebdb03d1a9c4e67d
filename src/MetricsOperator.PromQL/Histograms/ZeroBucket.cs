using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Histograms;

/// <summary>Widens zero buckets, so that histograms with different zero thresholds can be combined.</summary>
internal static class ZeroBucket
{
    /// <summary>
    /// Brings two histograms to a common zero threshold. The target is changed in place; of the other only the count in its widened
    /// zero bucket is returned, and its buckets inside the target's zero bucket are to be skipped.
    /// </summary>
    public static double Reconcile(FloatHistogram target, FloatHistogram other)
    {
        var count = other.ZeroCount;
        var threshold = other.ZeroThreshold;
        while (threshold != target.ZeroThreshold)
        {
            if (target.ZeroThreshold > threshold)
            {
                (count, threshold) = CountAt(other, target.ZeroThreshold);
            }

            if (threshold > target.ZeroThreshold)
            {
                (target.ZeroCount, target.ZeroThreshold) = CountAt(target, threshold);
                Trim(target);
            }
        }

        return count;
    }

    /// <summary>The zero count for a larger threshold, which grows further if it would cut through a populated bucket.</summary>
    public static (double Count, double Threshold) CountAt(FloatHistogram histogram, double threshold)
    {
        if (histogram.ZeroThreshold == threshold)
        {
            return (histogram.ZeroCount, threshold);
        }

        var positive = BucketRun.Of(histogram.PositiveSpans, histogram.PositiveBuckets);
        var negative = BucketRun.Of(histogram.NegativeSpans, histogram.NegativeBuckets);
        while (true)
        {
            var count = histogram.ZeroCount;
            Absorb(positive, histogram.Schema, ref threshold, ref count);
            var before = threshold;
            Absorb(negative, histogram.Schema, ref threshold, ref count);
            if (threshold == before)
            {
                return (count, threshold);
            }
        }
    }

    private static void Absorb(BucketRun run, int schema, ref double threshold, ref double count)
    {
        for (var i = 0; i < run.Length; i++)
        {
            if (HistogramBuckets.ExponentialBound(run.Index(i) - 1, schema) >= threshold)
            {
                return;
            }

            count += run.Count(i);
            var upper = HistogramBuckets.ExponentialBound(run.Index(i), schema);
            if (upper > threshold)
            {
                threshold = run.Count(i) != 0 ? upper : threshold;
                return;
            }
        }
    }

    private static void Trim(FloatHistogram histogram)
    {
        bool Outside(int index) => HistogramBuckets.ExponentialBound(index - 1, histogram.Schema) >= histogram.ZeroThreshold;
        (histogram.PositiveSpans, histogram.PositiveBuckets) =
            BucketRun.Of(histogram.PositiveSpans, histogram.PositiveBuckets).Where(Outside).ToSpans();
        (histogram.NegativeSpans, histogram.NegativeBuckets) =
            BucketRun.Of(histogram.NegativeSpans, histogram.NegativeBuckets).Where(Outside).ToSpans();
    }
}
