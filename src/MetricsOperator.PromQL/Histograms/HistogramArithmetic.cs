using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Histograms;

/// <summary>Why two histograms cannot be combined.</summary>
internal enum HistogramProblem : byte
{
    None,

    /// <summary>One has exponential and the other custom buckets.</summary>
    Schema,

    /// <summary>Both have custom buckets with different bounds.</summary>
    Bounds,
}

/// <summary>Arithmetic on native histograms. Arguments are never changed unless the name says so.</summary>
internal static class HistogramArithmetic
{
    public static FloatHistogram Copy(FloatHistogram histogram) => new()
    {
        ResetHint = histogram.ResetHint,
        Schema = histogram.Schema,
        ZeroThreshold = histogram.ZeroThreshold,
        ZeroCount = histogram.ZeroCount,
        Count = histogram.Count,
        Sum = histogram.Sum,
        PositiveSpans = histogram.PositiveSpans,
        NegativeSpans = histogram.NegativeSpans,
        PositiveBuckets = [.. histogram.PositiveBuckets],
        NegativeBuckets = [.. histogram.NegativeBuckets],
        CustomValues = histogram.CustomValues,
    };

    /// <summary>Multiplies all counts and the sum in place.</summary>
    public static void Scale(FloatHistogram histogram, double factor)
    {
        histogram.ZeroCount *= factor;
        histogram.Count *= factor;
        histogram.Sum *= factor;
        foreach (ref var count in histogram.PositiveBuckets.AsSpan())
        {
            count *= factor;
        }

        foreach (ref var count in histogram.NegativeBuckets.AsSpan())
        {
            count *= factor;
        }
    }

    public static FloatHistogram Scaled(FloatHistogram histogram, double factor)
    {
        var result = Copy(histogram);
        Scale(result, factor);
        return Compacted(result);
    }

    public static FloatHistogram Negated(FloatHistogram histogram) => Scaled(histogram, -1);

    /// <summary>Divides; a division by zero leaves no buckets.</summary>
    public static FloatHistogram Divided(FloatHistogram histogram, double divisor)
    {
        var result = Copy(histogram);
        result.ZeroCount /= divisor;
        result.Count /= divisor;
        result.Sum /= divisor;
        if (divisor == 0)
        {
            result.PositiveBuckets = [];
            result.NegativeBuckets = [];
            result.PositiveSpans = [];
            result.NegativeSpans = [];
            return result;
        }

        foreach (ref var count in result.PositiveBuckets.AsSpan())
        {
            count /= divisor;
        }

        foreach (ref var count in result.NegativeBuckets.AsSpan())
        {
            count /= divisor;
        }

        return Compacted(result);
    }

    public static HistogramProblem TryAdd(FloatHistogram left, FloatHistogram right, out FloatHistogram? result) => TryCombine(left, right, 1, out result);

    public static HistogramProblem TrySubtract(FloatHistogram left, FloatHistogram right, out FloatHistogram? result) =>
        TryCombine(left, right, -1, out result);

    /// <summary>Equal in everything that a query can see, bit by bit; empty buckets do not count.</summary>
    public static bool AreEqual(FloatHistogram left, FloatHistogram right)
    {
        if (left.Schema != right.Schema || !SameBits(left.Count, right.Count) || !SameBits(left.Sum, right.Sum)
            || left.ZeroThreshold != right.ZeroThreshold || left.ZeroCount != right.ZeroCount
            || (left.UsesCustomBuckets && !left.CustomValues.AsSpan().SequenceEqual(right.CustomValues)))
        {
            return false;
        }

        var (a, b) = (Compacted(left), Compacted(right));
        return a.PositiveSpans.AsSpan().SequenceEqual(b.PositiveSpans) && a.NegativeSpans.AsSpan().SequenceEqual(b.NegativeSpans)
            && a.PositiveBuckets.AsSpan().SequenceEqual(b.PositiveBuckets) && a.NegativeBuckets.AsSpan().SequenceEqual(b.NegativeBuckets);
    }

    /// <summary>True if a counter was reset between two samples.</summary>
    public static bool IsReset(FloatHistogram previous, FloatHistogram current)
    {
        if (current.ResetHint is CounterResetHint.Reset or CounterResetHint.NotReset)
        {
            return current.ResetHint == CounterResetHint.Reset;
        }

        if (current.Count < previous.Count || Check(previous, current) != HistogramProblem.None || current.Schema > previous.Schema)
        {
            return true;
        }

        if (!current.UsesCustomBuckets)
        {
            if (current.ZeroThreshold < previous.ZeroThreshold)
            {
                return true;
            }

            var (zeroCount, threshold) = ZeroBucket.CountAt(previous, current.ZeroThreshold);
            if (threshold != current.ZeroThreshold || current.ZeroCount < zeroCount)
            {
                return true;
            }
        }

        return HasDrop(current, previous, h => (h.PositiveSpans, h.PositiveBuckets)) || HasDrop(current, previous, h => (h.NegativeSpans, h.NegativeBuckets));
    }

    /// <summary>The histogram at a lower resolution; the same schema returns a copy.</summary>
    public static FloatHistogram AtSchema(FloatHistogram histogram, int schema)
    {
        var result = Copy(histogram);
        if (schema < histogram.Schema && !histogram.UsesCustomBuckets)
        {
            var shift = histogram.Schema - schema;
            (result.PositiveSpans, result.PositiveBuckets) = BucketRun.Of(histogram.PositiveSpans, histogram.PositiveBuckets, shift).ToSpans();
            (result.NegativeSpans, result.NegativeBuckets) = BucketRun.Of(histogram.NegativeSpans, histogram.NegativeBuckets, shift).ToSpans();
            result.Schema = schema;
        }

        return result;
    }

    /// <summary>Whether two histograms can be combined.</summary>
    public static HistogramProblem Check(FloatHistogram left, FloatHistogram right)
    {
        if (left.UsesCustomBuckets != right.UsesCustomBuckets)
        {
            return HistogramProblem.Schema;
        }

        return left.UsesCustomBuckets && !left.CustomValues.AsSpan().SequenceEqual(right.CustomValues)
            ? HistogramProblem.Bounds
            : HistogramProblem.None;
    }

    private static HistogramProblem TryCombine(FloatHistogram left, FloatHistogram right, double factor, out FloatHistogram? result)
    {
        result = null;
        var problem = Check(left, right);
        if (problem != HistogramProblem.None)
        {
            return problem;
        }

        result = Copy(left);
        result.ResetHint = CombineHints(left.ResetHint, right.ResetHint);
        if (!left.UsesCustomBuckets)
        {
            result.ZeroCount += factor * ZeroBucket.Reconcile(result, right);
            result.Schema = Math.Min(left.Schema, right.Schema);
        }

        result.Count += factor * right.Count;
        result.Sum += factor * right.Sum;
        var combined = result;
        bool InZeroBucket(int index) => !combined.UsesCustomBuckets
            && HistogramBuckets.ExponentialBound(index, combined.Schema) <= combined.ZeroThreshold;
        var leftShift = left.Schema - result.Schema;
        var rightShift = right.Schema - result.Schema;
        (result.PositiveSpans, result.PositiveBuckets) = BucketRun.Of(result.PositiveSpans, result.PositiveBuckets, leftShift)
            .Plus(BucketRun.Of(right.PositiveSpans, right.PositiveBuckets, rightShift), factor, InZeroBucket).ToSpans();
        (result.NegativeSpans, result.NegativeBuckets) = BucketRun.Of(result.NegativeSpans, result.NegativeBuckets, leftShift)
            .Plus(BucketRun.Of(right.NegativeSpans, right.NegativeBuckets, rightShift), factor, InZeroBucket).ToSpans();
        return HistogramProblem.None;
    }

    private static CounterResetHint CombineHints(CounterResetHint left, CounterResetHint right)
    {
        if (left == right)
        {
            return left;
        }

        return left == CounterResetHint.Gauge || right == CounterResetHint.Gauge ? CounterResetHint.Gauge : CounterResetHint.Unknown;
    }

    private static FloatHistogram Compacted(FloatHistogram histogram)
    {
        if (!Array.Exists(histogram.PositiveBuckets, c => c == 0) && !Array.Exists(histogram.NegativeBuckets, c => c == 0)
            && IsTight(histogram.PositiveSpans) && IsTight(histogram.NegativeSpans))
        {
            return histogram;
        }

        var result = Copy(histogram);
        (result.PositiveSpans, result.PositiveBuckets) = BucketRun.Of(histogram.PositiveSpans, histogram.PositiveBuckets).ToSpans();
        (result.NegativeSpans, result.NegativeBuckets) = BucketRun.Of(histogram.NegativeSpans, histogram.NegativeBuckets).ToSpans();
        return result;
    }

    private static bool IsTight(BucketSpan[] spans)
    {
        for (var i = 0; i < spans.Length; i++)
        {
            if (spans[i].Length == 0 || (i > 0 && spans[i].Offset == 0))
            {
                return false;
            }
        }

        return true;
    }

    private static bool HasDrop(FloatHistogram current, FloatHistogram previous, Func<FloatHistogram, (BucketSpan[] Spans, double[] Buckets)> side)
    {
        var (currentSpans, currentBuckets) = side(current);
        var (previousSpans, previousBuckets) = side(previous);
        var now = BucketRun.Of(currentSpans, currentBuckets);
        var before = BucketRun.Of(previousSpans, previousBuckets, previous.Schema - current.Schema);
        var position = 0;
        for (var i = 0; i < before.Length; i++)
        {
            var index = before.Index(i);
            if (before.Count(i) == 0
                || (!current.UsesCustomBuckets && HistogramBuckets.ExponentialBound(index, current.Schema) <= current.ZeroThreshold))
            {
                continue;
            }

            while (position < now.Length && now.Index(position) < index)
            {
                position++;
            }

            if (position >= now.Length || now.Index(position) != index || now.Count(position) < before.Count(i))
            {
                return true;
            }
        }

        return false;
    }

    private static bool SameBits(double left, double right) => BitConverter.DoubleToInt64Bits(left) == BitConverter.DoubleToInt64Bits(right);
}
