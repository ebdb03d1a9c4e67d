namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>Quantiles, fractions and variances of histograms.</summary>
internal static class ReferenceQuantiles
{
    /// <summary>The quantile of a native histogram; values are spread evenly in a bucket, on a logarithmic scale for exponential ones.</summary>
    public static double Quantile(double q, ReferenceHistogram histogram)
    {
        if (q < 0 || q > 1)
        {
            return q < 0 ? double.NegativeInfinity : double.PositiveInfinity;
        }

        if (histogram.Count == 0 || double.IsNaN(q))
        {
            return double.NaN;
        }

        RequireObservations(histogram);

        // Counted from the nearer end; where a rank falls between two buckets, the bucket that is reached first from that end has it.
        var buckets = histogram.Ascending();
        var fromBelow = q < 0.5;
        var rank = (fromBelow ? q : 1 - q) * histogram.Count;
        var counted = 0.0;
        var last = buckets[fromBelow ? ^1 : 0];
        foreach (var bucket in fromBelow ? buckets : buckets.Reverse())
        {
            counted += bucket.Count;
            if (counted >= rank)
            {
                last = bucket;
                break;
            }
        }

        var (lower, upper) = Narrowed(histogram, last.Lower, last.Upper);
        if (double.IsInfinity(lower) || double.IsInfinity(upper))
        {
            // An open bucket has only one border to report.
            return double.IsInfinity(lower) ? upper : lower;
        }

        var share = (fromBelow ? rank - (counted - last.Count) : counted - rank) / last.Count;
        if (histogram.IsCustom || (lower <= 0 && upper >= 0))
        {
            return lower + ((upper - lower) * share);
        }

        return lower > 0 ? lower * Math.Pow(upper / lower, share) : -(-lower * Math.Pow(upper / lower, share));
    }

    /// <summary>The quantile of a classic histogram.</summary>
    public static double Quantile(double q, List<(double Bound, double Count)> buckets)
    {
        if (double.IsNaN(q) || !double.IsPositiveInfinity(buckets[^1].Bound))
        {
            return double.IsNaN(q) || (q >= 0 && q <= 1) ? double.NaN : q < 0 ? double.NegativeInfinity : double.PositiveInfinity;
        }

        if (q < 0 || q > 1)
        {
            return q < 0 ? double.NegativeInfinity : double.PositiveInfinity;
        }

        var counts = Monotonic(buckets.ConvertAll(b => b.Count));
        if (buckets.Count < 2 || counts[^1] == 0)
        {
            return double.NaN;
        }

        var rank = q * counts[^1];
        var index = counts.FindIndex(c => c >= rank);
        if (index < 0 || index >= buckets.Count - 1)
        {
            return buckets[^2].Bound;
        }

        if (index == 0)
        {
            // The lowest bucket starts at zero, unless it ends there or below.
            return buckets[0].Bound <= 0 ? buckets[0].Bound : buckets[0].Bound * (rank / counts[0]);
        }

        var (lower, upper) = (buckets[index - 1].Bound, buckets[index].Bound);
        return lower + ((upper - lower) * ((rank - counts[index - 1]) / (counts[index] - counts[index - 1])));
    }

    /// <summary>The fraction of observations of a native histogram between two values.</summary>
    public static double Fraction(double from, double to, ReferenceHistogram histogram)
    {
        if (histogram.Count == 0 || double.IsNaN(from) || double.IsNaN(to))
        {
            return double.NaN;
        }

        RequireObservations(histogram);
        return from >= to ? 0 : (Below(to, histogram) - Below(from, histogram)) / histogram.Count;
    }

    /// <summary>The fraction of observations of a classic histogram between two values.</summary>
    public static double Fraction(double from, double to, List<(double Bound, double Count)> buckets)
    {
        if (!double.IsPositiveInfinity(buckets[^1].Bound) || buckets[^1].Count == 0 || double.IsNaN(from) || double.IsNaN(to))
        {
            return double.NaN;
        }

        if (buckets.Zip(buckets.Skip(1)).Any(pair => pair.Second.Count < pair.First.Count))
        {
            throw new AmbiguousException("the histogram does not hold observations");
        }

        return from >= to ? 0 : (Below(to, buckets) - Below(from, buckets)) / buckets[^1].Count;
    }

    /// <summary>The variance, with all observations of a bucket at its middle (the geometric one for exponential buckets).</summary>
    public static double Variance(ReferenceHistogram histogram)
    {
        var mean = histogram.Sum / histogram.Count;
        var squares = histogram.Ascending().Select(b =>
        {
            var middle = histogram.IsCustom ? (b.Lower + b.Upper) / 2
                : b.Lower <= 0 && b.Upper >= 0 ? 0
                : Math.Sign(b.Upper) * Math.Sqrt(b.Lower * b.Upper);
            return b.Count * (middle - mean) * (middle - mean);
        });
        return ExactSum.Of([.. squares]) / histogram.Count;
    }

    // What comes of subtracting has negative counts, of which there is no quantile.
    private static void RequireObservations(ReferenceHistogram histogram)
    {
        if (double.IsNaN(histogram.Sum) || histogram.Ascending().Any(b => b.Count < 0))
        {
            throw new AmbiguousException("the histogram does not hold observations");
        }
    }

    // Observations below a value.
    private static double Below(double value, ReferenceHistogram histogram)
    {
        var below = 0.0;
        foreach (var bucket in histogram.Ascending())
        {
            var (lower, upper) = Narrowed(histogram, bucket.Lower, bucket.Upper);
            if (value >= upper)
            {
                below += bucket.Count;
            }
            else if (value > lower)
            {
                var share = double.IsInfinity(lower) ? 1
                    : histogram.IsCustom || (lower <= 0 && upper >= 0) ? (value - lower) / (upper - lower)
                    : Math.Log(value / lower) / Math.Log(upper / lower);
                below += bucket.Count * share;
            }
        }

        return below;
    }

    private static double Below(double value, List<(double Bound, double Count)> buckets)
    {
        var (lower, before) = (buckets[0].Bound > 0 ? 0 : double.NegativeInfinity, 0.0);
        foreach (var (bound, count) in buckets)
        {
            if (value <= lower)
            {
                return before;
            }

            if (value < bound)
            {
                return double.IsInfinity(lower) ? count : before + ((count - before) * ((value - lower) / (bound - lower)));
            }

            (lower, before) = (bound, count);
        }

        return before;
    }

    // Of a histogram with observations on one side of zero only, the zero bucket is on that side too; the first custom bucket starts at zero.
    private static (double Lower, double Upper) Narrowed(ReferenceHistogram histogram, double lower, double upper)
    {
        if (histogram.IsCustom)
        {
            return double.IsNegativeInfinity(lower) && upper > 0 ? (0, upper) : (lower, upper);
        }

        if (lower >= 0 || upper <= 0)
        {
            return (lower, upper);
        }

        // What is left of a side without observations hangs on whether empty buckets were removed on the way here.
        if (IsEmptied(histogram.Negative) || IsEmptied(histogram.Positive))
        {
            throw new AmbiguousException("a side of the histogram has empty buckets only");
        }

        return (histogram.Negative.Count, histogram.Positive.Count) switch
        {
            (0, > 0) => (0, upper),
            ( > 0, 0) => (lower, 0),
            _ => (lower, upper),
        };
    }

    // A count that is below the one of a lower bucket is a mistake of the data; differences in the last digits are none.
    private static List<double> Monotonic(List<double> counts)
    {
        var highest = counts[0];
        return counts.ConvertAll(c => highest = c - highest > Math.Abs(highest) * 2e-12 || double.IsNaN(highest) ? c : highest);
    }

    private static bool IsEmptied(SortedDictionary<int, double> buckets) => buckets.Count > 0 && buckets.Values.All(count => count == 0);
}
