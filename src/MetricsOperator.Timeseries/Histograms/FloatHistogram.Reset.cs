namespace MetricsOperator.Timeseries.Histograms;

public sealed partial class FloatHistogram
{
    /// <summary>
    /// True if the counter behind this histogram started over since <paramref name="previous"/>: something counts less than before, or the
    /// layout changed in a way that only a restart explains. The hint of this histogram decides when it has one.
    /// </summary>
    public bool DetectReset(FloatHistogram previous)
    {
        if (ResetHint is CounterResetHint.Reset or CounterResetHint.NotReset)
        {
            return ResetHint == CounterResetHint.Reset;
        }

        if (Count < previous.Count || MismatchWith(previous) != HistogramMismatch.None)
        {
            return true;
        }

        // A process lowers its resolution and widens its zero bucket while it runs, never the other way.
        if (Schema > previous.Schema || ZeroThreshold < previous.ZeroThreshold)
        {
            return true;
        }

        if (!UsesCustomBuckets)
        {
            // A threshold within a counted bucket cannot have come from widening.
            var (zeroCount, threshold) = previous.ZeroCountFor(ZeroThreshold);
            if (threshold != ZeroThreshold || ZeroCount < zeroCount)
            {
                return true;
            }
        }

        return CountsLess(PositiveCursor, Aligned(previous, previous.PositiveCursor)) || CountsLess(NegativeCursor, Aligned(previous, previous.NegativeCursor));
    }

    // The buckets of the older histogram outside of this one's zero bucket, at this one's resolution.
    private BucketCursor Aligned(FloatHistogram previous, BucketCursor cursor)
    {
        if (UsesCustomBuckets || (previous.Schema == Schema && previous.ZeroThreshold == ZeroThreshold))
        {
            return cursor;
        }

        var layout = new BucketLayout();
        while (cursor.MoveNext())
        {
            if (previous.BoundAt(cursor.Index) > ZeroThreshold)
            {
                layout.Add(ExponentialBounds.Coarsen(cursor.Index, previous.Schema, Schema), cursor.Count);
            }
        }

        return new BucketCursor(layout.Spans, layout.Buckets);
    }

    private static bool CountsLess(BucketCursor current, BucketCursor previous)
    {
        var hasCurrent = current.MoveNext();
        while (previous.MoveNext())
        {
            while (hasCurrent && current.Index < previous.Index)
            {
                hasCurrent = current.MoveNext();
            }

            var count = hasCurrent && current.Index == previous.Index ? current.Count : 0;
            if (count < previous.Count)
            {
                return true;
            }
        }

        return false;
    }
}
