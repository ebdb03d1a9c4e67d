namespace MetricsOperator.Timeseries.Histograms;

/// <summary>Builds spans and buckets from counts that are given by ascending index.</summary>
internal sealed class BucketLayout
{
    private readonly List<BucketSpan> _spans = [];
    private readonly List<double> _buckets = [];
    private int _next;

    public BucketSpan[] Spans => [.. _spans];

    public double[] Buckets => [.. _buckets];

    /// <summary>Adds a bucket, or adds to the last one when the index is the same again.</summary>
    /// <param name="index">Not below that of the call before.</param>
    /// <param name="count">Its count.</param>
    /// <param name="fillGaps">A gap of at most so many buckets is filled with empty ones instead of starting a span.</param>
    public void Add(int index, double count, int fillGaps = 0)
    {
        if (_spans.Count == 0)
        {
            _spans.Add(new BucketSpan(index, 1));
        }
        else if (index == _next - 1)
        {
            _buckets[^1] += count;
            return;
        }
        else if (index - (long)_next <= fillGaps)
        {
            _spans[^1] = _spans[^1] with { Length = _spans[^1].Length + (uint)(index - _next) + 1 };
            for (; _next < index; _next++)
            {
                _buckets.Add(0);
            }
        }
        else
        {
            _spans.Add(new BucketSpan(index - _next, 1));
        }

        _buckets.Add(count);
        _next = index + 1;
    }

    /// <summary>Merges two sides, bucket by bucket.</summary>
    /// <param name="left">First side.</param>
    /// <param name="right">Second side.</param>
    /// <param name="factor">What the second side's counts are multiplied by: 1 or -1.</param>
    public static BucketLayout Merge(BucketCursor left, BucketCursor right, double factor)
    {
        var merged = new BucketLayout();
        var hasLeft = left.MoveNext();
        var hasRight = right.MoveNext();
        while (hasLeft || hasRight)
        {
            var takesLeft = hasLeft && (!hasRight || left.Index <= right.Index);
            var takesRight = hasRight && (!hasLeft || right.Index <= left.Index);
            var index = takesLeft ? left.Index : right.Index;
            merged.Add(index, (takesLeft ? left.Count : 0) + (takesRight ? factor * right.Count : 0));
            hasLeft = takesLeft ? left.MoveNext() : hasLeft;
            hasRight = takesRight ? right.MoveNext() : hasRight;
        }

        return merged;
    }
}
