using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Histograms;

/// <summary>What NaN observations did to a quantile.</summary>
internal enum NaNEffect : byte
{
    None,
    ResultIsNaN,
    Skewed,
}

/// <summary>Quantiles, fractions and moments of native histograms.</summary>
internal static class NativeQuantiles
{
    public static double Quantile(double q, FloatHistogram histogram, out NaNEffect effect)
    {
        effect = NaNEffect.None;
        if (q < 0 || q > 1)
        {
            return q < 0 ? double.NegativeInfinity : double.PositiveInfinity;
        }

        if (histogram.Count == 0 || double.IsNaN(q))
        {
            return double.NaN;
        }

        // NaN observations count but are in no bucket; they only leave the lower end of the histogram dependable.
        var hasNaN = double.IsNaN(histogram.Sum);
        var forward = hasNaN || q < 0.5;
        var rank = (forward ? q : 1 - q) * histogram.Count;
        double count = 0;
        HistogramBucket bucket = default;
        foreach (var candidate in forward ? histogram.AllBucketsUp : histogram.AllBucketsDown)
        {
            if (candidate.Count == 0)
            {
                continue;
            }

            bucket = candidate;
            count += bucket.Count;
            if (count >= rank)
            {
                break;
            }
        }

        bucket = Narrow(histogram, bucket);
        if (histogram.UsesCustomBuckets)
        {
            if (double.IsNegativeInfinity(bucket.Lower))
            {
                return bucket.Upper;
            }

            if (double.IsPositiveInfinity(bucket.Upper) && bucket.Index > 0)
            {
                return bucket.Lower;
            }
        }

        count = Math.Min(count, histogram.Count);
        if (count < rank)
        {
            effect = hasNaN ? NaNEffect.ResultIsNaN : NaNEffect.None;
            return hasNaN ? double.NaN : bucket.Upper;
        }

        effect = hasNaN ? NaNEffect.Skewed : NaNEffect.None;
        var fraction = (forward ? rank - (count - bucket.Count) : count - rank) / bucket.Count;
        if (histogram.UsesCustomBuckets || (bucket.Lower <= 0 && bucket.Upper >= 0))
        {
            return bucket.Lower + ((bucket.Upper - bucket.Lower) * fraction);
        }

        // Exponential buckets have equal widths on a logarithmic scale.
        var lower = Math.Log2(Math.Abs(bucket.Lower));
        var upper = Math.Log2(Math.Abs(bucket.Upper));
        return bucket.Lower > 0
            ? Math.Pow(2, lower + ((upper - lower) * fraction))
            : -Math.Pow(2, upper + ((lower - upper) * (1 - fraction)));
    }

    /// <summary>The fraction of observations between two values.</summary>
    public static double Fraction(double lower, double upper, FloatHistogram histogram)
    {
        if (histogram.Count == 0 || double.IsNaN(lower) || double.IsNaN(upper))
        {
            return double.NaN;
        }

        if (lower >= upper)
        {
            return 0;
        }

        double count = 0, rank = 0;
        double? lowerRank = null, upperRank = null;
        foreach (var raw in histogram.AllBucketsUp)
        {
            var bucket = Narrow(histogram, raw);
            var linear = histogram.UsesCustomBuckets || (raw.Lower <= 0 && raw.Upper >= 0);
            count += bucket.Count;
            lowerRank ??= RankOf(lower, bucket, rank, linear);
            upperRank ??= RankOf(upper, bucket, rank, linear);
            if (lowerRank is not null && upperRank is not null)
            {
                break;
            }

            rank += bucket.Count;
        }

        var from = Math.Min(lowerRank ?? count, count);
        var to = Math.Min(upperRank ?? count, count);
        return (to - from) / histogram.Count;
    }

    public static double Variance(FloatHistogram histogram)
    {
        var mean = histogram.Sum / histogram.Count;
        double variance = 0, compensation = 0;
        foreach (var bucket in histogram.AllBucketsUp)
        {
            if (bucket.Count == 0)
            {
                continue;
            }

            double middle;
            if (histogram.UsesCustomBuckets)
            {
                middle = (bucket.Upper + bucket.Lower) / 2;
            }
            else if (bucket.Lower <= 0 && bucket.Upper >= 0)
            {
                middle = 0;
            }
            else
            {
                middle = Math.Sqrt(bucket.Upper * bucket.Lower) * (bucket.Upper < 0 ? -1 : 1);
            }

            var distance = middle - mean;
            Functions.KahanSum.Add(bucket.Count * distance * distance, ref variance, ref compensation);
        }

        return (variance + compensation) / histogram.Count;
    }

    // The zero bucket of a histogram with observations on one side only reaches from or to zero; the first custom bucket starts at zero
    // unless it ends there or below.
    private static HistogramBucket Narrow(FloatHistogram histogram, HistogramBucket bucket)
    {
        if (histogram.UsesCustomBuckets)
        {
            return double.IsNegativeInfinity(bucket.Lower) && bucket.Upper > 0 ? bucket with { Lower = 0 } : bucket;
        }

        if (!(bucket.Lower < 0 && bucket.Upper > 0))
        {
            return bucket;
        }

        return (histogram.NegativeBuckets.Length, histogram.PositiveBuckets.Length) switch
        {
            (0, > 0) => bucket with { Lower = 0 },
            ( > 0, 0) => bucket with { Upper = 0 },
            _ => bucket,
        };
    }

    private static double? RankOf(double value, HistogramBucket bucket, double rank, bool linear)
    {
        if (bucket.Lower >= value)
        {
            return rank;
        }

        if (bucket.Upper <= value)
        {
            return null;
        }

        if (double.IsNegativeInfinity(bucket.Lower))
        {
            return rank + bucket.Count;
        }

        if (linear)
        {
            return rank + (bucket.Count * (value - bucket.Lower) / (bucket.Upper - bucket.Lower));
        }

        var logLower = Math.Log2(Math.Abs(bucket.Lower));
        var logUpper = Math.Log2(Math.Abs(bucket.Upper));
        var logValue = Math.Log2(Math.Abs(value));
        var fraction = value > 0 ? (logValue - logLower) / (logUpper - logLower) : 1 - ((logValue - logUpper) / (logLower - logUpper));
        return rank + (bucket.Count * fraction);
    }
}
