namespace MetricsOperator.Timeseries.Histograms;

public sealed partial class FloatHistogram
{
    /// <summary>
    /// True if both have the same schema, bounds, zero bucket, count, sum and buckets to the bit, however their spans are written; the reset
    /// hint does not count. A bucket that is empty differs from one that is absent.
    /// </summary>
    public bool HasSameContent(FloatHistogram? other) =>
        other is not null
        && Schema == other.Schema
        && ZeroThreshold == other.ZeroThreshold
        && SameBits(ZeroCount, other.ZeroCount)
        && SameBits(Count, other.Count)
        && SameBits(Sum, other.Sum)
        && CustomValues.AsSpan().SequenceEqual(other.CustomValues)
        && SameBuckets(PositiveCursor, other.PositiveCursor)
        && SameBuckets(NegativeCursor, other.NegativeCursor);

    private static bool SameBuckets(BucketCursor left, BucketCursor right)
    {
        while (left.MoveNext())
        {
            if (!right.MoveNext() || left.Index != right.Index || !SameBits(left.Count, right.Count))
            {
                return false;
            }
        }

        return !right.MoveNext();
    }

    private static bool SameBits(double left, double right) => BitConverter.DoubleToInt64Bits(left) == BitConverter.DoubleToInt64Bits(right);
}
