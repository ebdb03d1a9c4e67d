namespace MetricsOperator.Timeseries.Histograms;

/// <summary>Why two histograms cannot be added, subtracted or compared.</summary>
public enum HistogramMismatch : byte
{
    /// <summary>They can.</summary>
    None,

    /// <summary>One has exponential and one custom buckets.</summary>
    MixedSchemas,

    /// <summary>Both have custom buckets, with different bounds.</summary>
    CustomBounds,
}

public sealed partial class FloatHistogram
{
    /// <summary>Whether this histogram and another one can be added or subtracted.</summary>
    public HistogramMismatch MismatchWith(FloatHistogram other)
    {
        if (UsesCustomBuckets != other.UsesCustomBuckets)
        {
            return HistogramMismatch.MixedSchemas;
        }

        return UsesCustomBuckets && !CustomValues.AsSpan().SequenceEqual(other.CustomValues) ? HistogramMismatch.CustomBounds : HistogramMismatch.None;
    }

    /// <summary>True if one histogram starts over and the other one goes on, so that their sum knows nothing about resets.</summary>
    public bool ResetHintsCollide(FloatHistogram other) => (ResetHint, other.ResetHint) is
        (CounterResetHint.Reset, CounterResetHint.NotReset) or (CounterResetHint.NotReset, CounterResetHint.Reset);

    /// <summary>
    /// Adds another histogram to this one. Different resolutions and zero buckets are brought together: the result has the coarser schema and
    /// the wider zero bucket. The other histogram does not change.
    /// </summary>
    /// <returns>Anything but None: nothing was changed.</returns>
    public HistogramMismatch Add(FloatHistogram other) => Merge(other, 1);

    /// <summary>Subtracts another histogram from this one, see <see cref="Add"/>; counts may become negative.</summary>
    /// <returns>Anything but None: nothing was changed.</returns>
    public HistogramMismatch Subtract(FloatHistogram other) => Merge(other, -1);

    /// <summary>Multiplies all counts and the sum, in place.</summary>
    public FloatHistogram Multiply(double factor)
    {
        ZeroCount *= factor;
        Count *= factor;
        Sum *= factor;
        foreach (ref var bucket in PositiveBuckets.AsSpan())
        {
            bucket *= factor;
        }

        foreach (ref var bucket in NegativeBuckets.AsSpan())
        {
            bucket *= factor;
        }

        return BecomeGaugeIf(factor < 0);
    }

    /// <summary>Divides all counts and the sum, in place; by zero that leaves totals of infinity or NaN and no buckets.</summary>
    public FloatHistogram Divide(double divisor)
    {
        ZeroCount /= divisor;
        Count /= divisor;
        Sum /= divisor;
        if (divisor == 0)
        {
            (PositiveSpans, PositiveBuckets) = ([], []);
            (NegativeSpans, NegativeBuckets) = ([], []);
            return this;
        }

        foreach (ref var bucket in PositiveBuckets.AsSpan())
        {
            bucket /= divisor;
        }

        foreach (ref var bucket in NegativeBuckets.AsSpan())
        {
            bucket /= divisor;
        }

        return BecomeGaugeIf(divisor < 0);
    }

    // Negative counts are no counter's.
    private FloatHistogram BecomeGaugeIf(bool negative)
    {
        if (negative)
        {
            ResetHint = CounterResetHint.Gauge;
        }

        return this;
    }

    private HistogramMismatch Merge(FloatHistogram other, double factor)
    {
        var mismatch = MismatchWith(other);
        if (mismatch != HistogramMismatch.None)
        {
            return mismatch;
        }

        MergeResetHint(other.ResetHint);
        if (!UsesCustomBuckets)
        {
            other = AlignWith(other);
            ZeroCount += factor * other.ZeroCount;
        }

        Count += factor * other.Count;
        Sum += factor * other.Sum;
        var positive = BucketLayout.Merge(PositiveCursor, other.PositiveCursor, factor);
        (PositiveSpans, PositiveBuckets) = (positive.Spans, positive.Buckets);
        var negative = BucketLayout.Merge(NegativeCursor, other.NegativeCursor, factor);
        (NegativeSpans, NegativeBuckets) = (negative.Spans, negative.Buckets);
        return HistogramMismatch.None;
    }

    // Gauges stay gauges; where the two disagree nothing is known.
    private void MergeResetHint(CounterResetHint other)
    {
        if (ResetHint == CounterResetHint.Gauge || other == CounterResetHint.Gauge)
        {
            ResetHint = CounterResetHint.Gauge;
        }
        else if (ResetHint != other)
        {
            ResetHint = CounterResetHint.Unknown;
        }
    }

    // Gives this histogram and (a copy of) the other one the same zero bucket and the same schema. Zero buckets go first: at the finer
    // resolution fewer counted buckets lie across the new threshold.
    private FloatHistogram AlignWith(FloatHistogram other)
    {
        if (ZeroThreshold != other.ZeroThreshold)
        {
            other = other.Copy();
            while (ZeroThreshold != other.ZeroThreshold)
            {
                // Widening stops at the end of a counted bucket, perhaps beyond what was asked for.
                var narrower = ZeroThreshold < other.ZeroThreshold ? this : other;
                narrower.WidenZeroBucket(Math.Max(ZeroThreshold, other.ZeroThreshold));
            }
        }

        var schema = Math.Min(Schema, other.Schema);
        ReduceResolution(schema);
        return other.Schema == schema ? other : other.CopyToSchema(schema);
    }
}
