namespace MetricsOperator.Timeseries.Histograms;

public sealed partial class FloatHistogram
{
    // Which buckets in which order.
    private enum Walk : byte
    {
        Positive,
        Negative,
        All,
        AllReverse,
    }

    /// <summary>The bucket around zero.</summary>
    public HistogramBucket ZeroBucket => new(-ZeroThreshold, ZeroThreshold, LowerInclusive: true, UpperInclusive: true, ZeroCount, 0);

    /// <summary>Positive buckets, ascending, empty ones included.</summary>
    public BucketEnumerable PositiveBucketsUp => new(this, (byte)Walk.Positive);

    /// <summary>Negative buckets from zero outwards, so descending, empty ones included.</summary>
    public BucketEnumerable NegativeBucketsDown => new(this, (byte)Walk.Negative);

    /// <summary>All buckets from the lowest to the highest; the zero bucket only when it counts something.</summary>
    public BucketEnumerable AllBucketsUp => new(this, (byte)Walk.All);

    /// <summary>All buckets from the highest to the lowest; the zero bucket only when it counts something.</summary>
    public BucketEnumerable AllBucketsDown => new(this, (byte)Walk.AllReverse);

    private BucketCursor PositiveCursor => new(PositiveSpans, PositiveBuckets);

    private BucketCursor NegativeCursor => new(NegativeSpans, NegativeBuckets);

    private double BoundAt(int index)
    {
        if (!UsesCustomBuckets)
        {
            return ExponentialBounds.UpperBound(index, Schema);
        }

        return index < 0 ? double.NegativeInfinity : index >= CustomValues.Length ? double.PositiveInfinity : CustomValues[index];
    }

    private HistogramBucket BucketAt(bool positive, int index, double count)
    {
        var (outer, inner) = (BoundAt(index), BoundAt(index - 1));
        if (UsesCustomBuckets)
        {
            return new HistogramBucket(inner, outer, index == 0, UpperInclusive: true, count, index);
        }

        var (lower, upper) = positive ? (inner, outer) : (-outer, -inner);
        return new HistogramBucket(lower, upper, lower < 0, upper > 0, count, index);
    }

    /// <summary>Buckets of a histogram in some order; walked without allocating.</summary>
    public readonly struct BucketEnumerable
    {
        private readonly FloatHistogram _histogram;
        private readonly byte _walk;

        internal BucketEnumerable(FloatHistogram histogram, byte walk)
        {
            _histogram = histogram;
            _walk = walk;
        }

        public BucketEnumerator GetEnumerator() => new(_histogram, _walk);
    }

    /// <summary>Walks the buckets of a histogram, which must not change meanwhile.</summary>
    public struct BucketEnumerator
    {
        private readonly FloatHistogram _histogram;
        private readonly Walk _walk;
        private bool _positive;
        private bool _isLastSide;
        private BucketCursor _cursor;

        internal BucketEnumerator(FloatHistogram histogram, byte walk)
        {
            _histogram = histogram;
            _walk = (Walk)walk;
            _positive = _walk is Walk.Positive or Walk.AllReverse;
            _isLastSide = _walk is Walk.Positive or Walk.Negative;
            EnterSide(downwards: !_isLastSide);
        }

        public HistogramBucket Current { get; private set; }

        public bool MoveNext()
        {
            if (_cursor.MoveNext())
            {
                Current = _histogram.BucketAt(_positive, _cursor.Index, _cursor.Count);
                return true;
            }

            if (_isLastSide)
            {
                return false;
            }

            _isLastSide = true;
            _positive = !_positive;
            EnterSide(downwards: false);
            if (_histogram.ZeroCount != 0)
            {
                Current = _histogram.ZeroBucket;
                return true;
            }

            return MoveNext();
        }

        private void EnterSide(bool downwards) => _cursor = _positive
            ? new BucketCursor(_histogram.PositiveSpans, _histogram.PositiveBuckets, downwards)
            : new BucketCursor(_histogram.NegativeSpans, _histogram.NegativeBuckets, downwards);
    }
}
