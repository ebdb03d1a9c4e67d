namespace MetricsOperator.Timeseries.Histograms;

public sealed partial class FloatHistogram
{
    /// <summary>A copy that shares nothing that changes.</summary>
    public FloatHistogram Copy() => new()
    {
        ResetHint = ResetHint,
        Schema = Schema,
        ZeroThreshold = ZeroThreshold,
        ZeroCount = ZeroCount,
        Count = Count,
        Sum = Sum,
        PositiveSpans = [.. PositiveSpans],
        NegativeSpans = [.. NegativeSpans],
        PositiveBuckets = [.. PositiveBuckets],
        NegativeBuckets = [.. NegativeBuckets],
        CustomValues = CustomValues,
    };

    /// <summary>A copy with lower resolution.</summary>
    /// <param name="schema">The exponential schema wanted, at most that of this histogram.</param>
    /// <exception cref="ArgumentException">The schema is finer, or the histogram has custom buckets.</exception>
    public FloatHistogram CopyToSchema(int schema)
    {
        var copy = Copy();
        copy.ReduceResolution(schema);
        return copy;
    }

    /// <summary>Lowers the resolution in place: buckets are merged, nothing is lost but detail.</summary>
    /// <param name="schema">The exponential schema wanted, at most that of this histogram.</param>
    /// <exception cref="ArgumentException">The schema is finer, or the histogram has custom buckets.</exception>
    public void ReduceResolution(int schema)
    {
        if (schema == Schema)
        {
            return;
        }

        if (UsesCustomBuckets || schema > Schema || schema < ExponentialBounds.MinSchema)
        {
            throw new ArgumentException($"cannot reduce resolution: got schema {schema}, want {ExponentialBounds.MinSchema} to {Schema} and no custom buckets", nameof(schema));
        }

        (PositiveSpans, PositiveBuckets) = Coarsen(PositiveCursor, schema);
        (NegativeSpans, NegativeBuckets) = Coarsen(NegativeCursor, schema);
        Schema = schema;
    }

    /// <summary>
    /// Removes empty buckets and spans, in place. Gaps of at most <paramref name="maxEmptyBuckets"/> between counted buckets are spelled out as
    /// empty buckets instead of splitting a span.
    /// </summary>
    public FloatHistogram Compact(int maxEmptyBuckets = 0)
    {
        (PositiveSpans, PositiveBuckets) = Compact(PositiveCursor, maxEmptyBuckets);
        (NegativeSpans, NegativeBuckets) = Compact(NegativeCursor, maxEmptyBuckets);
        return this;
    }

    private (BucketSpan[] Spans, double[] Buckets) Coarsen(BucketCursor cursor, int schema)
    {
        var layout = new BucketLayout();
        while (cursor.MoveNext())
        {
            layout.Add(ExponentialBounds.Coarsen(cursor.Index, Schema, schema), cursor.Count);
        }

        return (layout.Spans, layout.Buckets);
    }

    private static (BucketSpan[] Spans, double[] Buckets) Compact(BucketCursor cursor, int maxEmptyBuckets)
    {
        var layout = new BucketLayout();
        while (cursor.MoveNext())
        {
            if (cursor.Count != 0)
            {
                layout.Add(cursor.Index, cursor.Count, maxEmptyBuckets);
            }
        }

        return (layout.Spans, layout.Buckets);
    }
}
