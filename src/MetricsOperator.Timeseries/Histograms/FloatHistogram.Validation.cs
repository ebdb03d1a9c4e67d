namespace MetricsOperator.Timeseries.Histograms;

public sealed partial class FloatHistogram
{
    /// <summary>
    /// What makes this no valid histogram, or null: unknown schema, spans and buckets that do not fit, negative counts, custom bounds out of
    /// order. To be asked about everything that comes from outside before it is used.
    /// </summary>
    public string? FindProblem()
    {
        if (UsesCustomBuckets)
        {
            return FindCustomProblem() ?? FindNegativeCount(PositiveBuckets, "positive side");
        }

        if (!ExponentialBounds.IsExponential(Schema))
        {
            return $"histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom buckets, got schema {Schema}";
        }

        if (CustomValues.Length > 0)
        {
            return "histogram with exponential schema must not have custom bounds";
        }

        return FindSpanProblem(PositiveSpans, PositiveBuckets.Length, "positive side")
            ?? FindSpanProblem(NegativeSpans, NegativeBuckets.Length, "negative side")
            ?? FindNegativeCount(NegativeBuckets, "negative side")
            ?? FindNegativeCount(PositiveBuckets, "positive side");
    }

    private string? FindCustomProblem()
    {
        for (var i = 0; i < CustomValues.Length; i++)
        {
            if (double.IsNaN(CustomValues[i]) || double.IsPositiveInfinity(CustomValues[i]))
            {
                return $"custom buckets: bound number {i + 1} is not a number below +Inf, which is never written";
            }

            if (i > 0 && CustomValues[i] <= CustomValues[i - 1])
            {
                return $"custom buckets: histogram custom bounds must be in strictly increasing order, bound number {i + 1} is not";
            }
        }

        if (ZeroCount != 0 || ZeroThreshold != 0)
        {
            return "custom buckets: must have zero count of 0 and zero threshold of 0";
        }

        if (NegativeSpans.Length > 0 || NegativeBuckets.Length > 0)
        {
            return "custom buckets: must not have negative spans or buckets";
        }

        var end = 0L;
        foreach (var span in PositiveSpans)
        {
            if (span.Offset < 0)
            {
                return "custom buckets: histogram has a span whose offset is negative";
            }

            end += span.Offset + (long)span.Length;
        }

        return end > CustomValues.Length + 1L
            ? $"custom buckets: got {CustomValues.Length} bounds, want enough for {end} buckets"
            : FindSpanProblem(PositiveSpans, PositiveBuckets.Length, "custom buckets");
    }

    private static string? FindSpanProblem(BucketSpan[] spans, int buckets, string side)
    {
        var (length, index) = (0L, 0L);
        for (var i = 0; i < spans.Length; i++)
        {
            if (i > 0 && spans[i].Offset < 0)
            {
                return $"{side}: span number {i + 1} with offset {spans[i].Offset}: histogram has a span whose offset is negative";
            }

            length += spans[i].Length;
            index += spans[i].Offset + (long)spans[i].Length;
        }

        if (length != buckets)
        {
            return $"{side}: spans need {length} buckets, have {buckets} buckets: histogram spans specify different number of buckets than provided";
        }

        return index is > int.MaxValue or < int.MinValue ? $"{side}: the spans reach bucket {index}, which no float falls into" : null;
    }

    private static string? FindNegativeCount(double[] buckets, string side)
    {
        for (var i = 0; i < buckets.Length; i++)
        {
            if (buckets[i] < 0)
            {
                return $"{side}: bucket number {i + 1} has observation count of {buckets[i]}: histogram has a bucket whose observation count is negative";
            }
        }

        return null;
    }
}
