using System.Text;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Histograms;

/// <summary>A bucket with its bounds.</summary>
internal readonly record struct HistogramBucket(double Lower, double Upper, double Count, bool LowerInclusive, bool UpperInclusive);

/// <summary>Bounds and lists of buckets of native histograms.</summary>
internal static class HistogramBuckets
{
    /// <summary>Upper bound of a positive bucket; for exponential schemas 2^(index * 2^-schema).</summary>
    public static double UpperBound(FloatHistogram histogram, int index)
    {
        if (!histogram.UsesCustomBuckets)
        {
            return ExponentialBound(index, histogram.Schema);
        }

        var bounds = histogram.CustomValues;
        return index < 0 ? double.NegativeInfinity : index < bounds.Length ? bounds[index] : double.PositiveInfinity;
    }

    public static double ExponentialBound(int index, int schema)
    {
        if (schema < 0)
        {
            var exponent = (long)index << -schema;
            return exponent == 1024 ? double.MaxValue : Math.ScaleB(1, (int)Math.Clamp(exponent, -5000, 5000));
        }

        var whole = index >> schema;
        var fraction = index & ((1 << schema) - 1);
        return fraction == 0 && whole == 1024 ? double.MaxValue : Math.ScaleB(Math.Pow(2, fraction / (double)(1 << schema)), whole);
    }

    /// <summary>The populated buckets, ascending.</summary>
    public static List<HistogramBucket> Ascending(FloatHistogram histogram)
    {
        var list = new List<HistogramBucket>(histogram.PositiveBuckets.Length + histogram.NegativeBuckets.Length + 1);
        var negative = BucketRun.Of(histogram.NegativeSpans, histogram.NegativeBuckets);
        for (var i = negative.Length - 1; i >= 0; i--)
        {
            if (negative.Count(i) != 0)
            {
                var upper = -UpperBound(histogram, negative.Index(i) - 1);
                list.Add(new HistogramBucket(
                    -UpperBound(histogram, negative.Index(i)), Math.Min(upper, -histogram.ZeroThreshold), negative.Count(i), true, false));
            }
        }

        if (histogram.ZeroCount != 0)
        {
            list.Add(new HistogramBucket(-histogram.ZeroThreshold, histogram.ZeroThreshold, histogram.ZeroCount, true, true));
        }

        var positive = BucketRun.Of(histogram.PositiveSpans, histogram.PositiveBuckets);
        for (var i = 0; i < positive.Length; i++)
        {
            if (positive.Count(i) != 0)
            {
                var lower = UpperBound(histogram, positive.Index(i) - 1);
                lower = histogram.UsesCustomBuckets ? lower : Math.Max(lower, histogram.ZeroThreshold);
                list.Add(new HistogramBucket(
                    lower, UpperBound(histogram, positive.Index(i)), positive.Count(i), double.IsNegativeInfinity(lower), true));
            }
        }

        return list;
    }

    /// <summary>The histogram as Prometheus writes it into labels: <c>{count:3, sum:2.5, (1,2]:3}</c>.</summary>
    public static string Describe(FloatHistogram histogram)
    {
        var text = new StringBuilder("{count:").Append(GoNumbers.Format(histogram.Count)).Append(", sum:").Append(GoNumbers.Format(histogram.Sum));
        foreach (var bucket in Ascending(histogram))
        {
            text.Append(", ").Append(bucket.LowerInclusive ? '[' : '(').Append(GoNumbers.Format(bucket.Lower)).Append(',')
                .Append(GoNumbers.Format(bucket.Upper)).Append(bucket.UpperInclusive ? ']' : ')').Append(':').Append(GoNumbers.Format(bucket.Count));
        }

        return text.Append('}').ToString();
    }
}
