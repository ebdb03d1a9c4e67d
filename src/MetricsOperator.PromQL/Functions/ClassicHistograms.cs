namespace MetricsOperator.PromQL.Functions;

/// <summary>A bucket of a classic histogram: how many observations are at most <paramref name="UpperBound"/>.</summary>
internal record struct ClassicBucket(double UpperBound, double Count);

/// <summary>Quantiles and fractions of classic histograms.</summary>
internal static class ClassicHistograms
{
    // Differences below this are rounding, not counts that went down.
    private const double SmallDelta = 1e-12;

    /// <summary>The φ-quantile, linear within buckets.</summary>
    /// <param name="q">φ.</param>
    /// <param name="buckets">Sorted by bound; changed.</param>
    /// <param name="forcedMonotonic">True if counts had to be corrected because they went down.</param>
    public static double Quantile(double q, Span<ClassicBucket> buckets, out bool forcedMonotonic)
    {
        forcedMonotonic = false;
        if (double.IsNaN(q))
        {
            return double.NaN;
        }

        if (q < 0 || q > 1)
        {
            return q < 0 ? double.NegativeInfinity : double.PositiveInfinity;
        }

        if (!double.IsPositiveInfinity(buckets[^1].UpperBound))
        {
            return double.NaN;
        }

        buckets = Coalesce(buckets);
        forcedMonotonic = ForceMonotonic(buckets);
        var observations = buckets[^1].Count;
        if (buckets.Length < 2 || observations == 0)
        {
            return double.NaN;
        }

        var rank = q * observations;
        var b = 0;
        while (b < buckets.Length - 1 && !(buckets[b].Count >= rank))
        {
            b++;
        }

        if (b == buckets.Length - 1)
        {
            return buckets[^2].UpperBound;
        }

        if (b == 0 && buckets[0].UpperBound <= 0)
        {
            return buckets[0].UpperBound;
        }

        double start = 0;
        var count = buckets[b].Count;
        if (b > 0)
        {
            start = buckets[b - 1].UpperBound;
            count -= buckets[b - 1].Count;
            rank -= buckets[b - 1].Count;
        }

        return start + ((buckets[b].UpperBound - start) * (rank / count));
    }

    /// <summary>The fraction of observations between two values, linear within buckets.</summary>
    public static double Fraction(double lower, double upper, Span<ClassicBucket> buckets)
    {
        if (!double.IsPositiveInfinity(buckets[^1].UpperBound))
        {
            return double.NaN;
        }

        buckets = Coalesce(buckets);
        var count = buckets[^1].Count;
        if (count == 0 || double.IsNaN(lower) || double.IsNaN(upper))
        {
            return double.NaN;
        }

        if (lower >= upper)
        {
            return 0;
        }

        double rank = 0;
        double? lowerRank = null, upperRank = null;
        for (var i = 0; i < buckets.Length && (lowerRank is null || upperRank is null); i++)
        {
            var start = i > 0 ? buckets[i - 1].UpperBound : buckets[0].UpperBound > 0 ? 0 : double.NegativeInfinity;
            lowerRank ??= RankOf(lower, start, buckets[i], rank);
            upperRank ??= RankOf(upper, start, buckets[i], rank);
            rank = buckets[i].Count;
        }

        return (Math.Min(upperRank ?? count, count) - Math.Min(lowerRank ?? count, count)) / count;
    }

    private static double? RankOf(double value, double start, ClassicBucket bucket, double rank)
    {
        if (start >= value)
        {
            return rank;
        }

        if (double.IsNegativeInfinity(start) && bucket.UpperBound > value)
        {
            return bucket.Count;
        }

        return bucket.UpperBound > value ? rank + ((bucket.Count - rank) * (value - start) / (bucket.UpperBound - start)) : null;
    }

    // Buckets whose bounds are written differently but are the same number are one bucket.
    private static Span<ClassicBucket> Coalesce(Span<ClassicBucket> buckets)
    {
        var last = 0;
        for (var i = 1; i < buckets.Length; i++)
        {
            if (buckets[i].UpperBound == buckets[last].UpperBound)
            {
                buckets[last].Count += buckets[i].Count;
            }
            else
            {
                buckets[++last] = buckets[i];
            }
        }

        return buckets[..(last + 1)];
    }

    private static bool ForceMonotonic(Span<ClassicBucket> buckets)
    {
        var forced = false;
        var previous = buckets[0].Count;
        for (var i = 1; i < buckets.Length; i++)
        {
            var current = buckets[i].Count;
            if (current == previous)
            {
                continue;
            }

            if (AlmostEqual(previous, current))
            {
                buckets[i].Count = previous;
            }
            else if (current < previous)
            {
                buckets[i].Count = previous;
                forced = true;
            }
            else
            {
                previous = current;
            }
        }

        return forced;
    }

    private static bool AlmostEqual(double a, double b)
    {
        const double MinNormal = 2.2250738585072014e-308;
        if (double.IsNaN(a) && double.IsNaN(b))
        {
            return true;
        }

        var sum = Math.Abs(a) + Math.Abs(b);
        var difference = Math.Abs(a - b);
        return a == 0 || b == 0 || sum < MinNormal
            ? difference < SmallDelta * MinNormal
            : difference / Math.Min(sum, double.MaxValue) < SmallDelta;
    }
}
