using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Samples;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>
/// The histogram inside a log record: integers (types 7, 9, 12) with bucket differences, floats (types 8, 10, 13) with absolute buckets.
/// </summary>
internal static class HistogramPayload
{
    public static bool IsFloat(WalRecordType type) =>
        type is WalRecordType.FloatHistograms or WalRecordType.CustomFloatHistograms or WalRecordType.FloatHistogramsV2;

    /// <summary>Skips everything but the custom bounds, and returns the schema, which tells whether bounds follow.</summary>
    public static long SkipToBounds(ref ByteReader reader, WalRecordType type)
    {
        var isFloat = IsFloat(type);
        reader.U8();
        var schema = reader.Varint();
        reader.Be64();
        if (isFloat)
        {
            reader.Be64();
            reader.Be64();
        }
        else
        {
            reader.Uvarint();
            reader.Uvarint();
        }

        reader.Be64();
        SkipSpans(ref reader);
        SkipSpans(ref reader);
        SkipBuckets(ref reader, isFloat);
        SkipBuckets(ref reader, isFloat);
        return schema;
    }

    public static void SkipBounds(ref ByteReader reader) => reader.Bytes(reader.Count(8) * 8);

    public static FloatHistogram Read(ref ByteReader reader, WalRecordType type)
    {
        var isFloat = IsFloat(type);
        var hint = reader.U8();
        var histogram = new FloatHistogram
        {
            ResetHint = hint <= (byte)CounterResetHint.Gauge ? (CounterResetHint)hint : CounterResetHint.Unknown,
            Schema = (int)reader.Varint(),
            ZeroThreshold = reader.F64(),
            ZeroCount = isFloat ? reader.F64() : reader.Uvarint(),
            Count = isFloat ? reader.F64() : reader.Uvarint(),
            Sum = reader.F64(),
            PositiveSpans = ReadSpans(ref reader),
            NegativeSpans = ReadSpans(ref reader),
            PositiveBuckets = ReadBuckets(ref reader, isFloat),
            NegativeBuckets = ReadBuckets(ref reader, isFloat),
        };
        if (histogram.UsesCustomBuckets)
        {
            histogram.CustomValues = ReadBuckets(ref reader, isFloat: true);
        }

        return StaleMarker.IsStale(histogram.Sum) ? new FloatHistogram { ResetHint = histogram.ResetHint, Sum = StaleMarker.Value } : histogram;
    }

    /// <summary>True if the schema is one that there is, and spans and buckets agree, so that the histogram can be encoded.</summary>
    public static bool IsConsistent(FloatHistogram histogram) =>
        (histogram.Schema is >= -9 and <= 52 || histogram.UsesCustomBuckets)
        && SpanLength(histogram.PositiveSpans) == histogram.PositiveBuckets.Length
        && SpanLength(histogram.NegativeSpans) == histogram.NegativeBuckets.Length;

    /// <summary>True if custom bounds ascend and the buckets lie between them; for histograms of other schemas always true.</summary>
    public static bool HasFittingBounds(FloatHistogram histogram)
    {
        if (!histogram.UsesCustomBuckets)
        {
            return true;
        }

        long end = 0;
        foreach (var span in histogram.PositiveSpans)
        {
            end += span.Offset + span.Length;
        }

        var bounds = histogram.CustomValues;
        for (var i = 1; i < bounds.Length; i++)
        {
            if (!(bounds[i] > bounds[i - 1]))
            {
                return false;
            }
        }

        // The last bucket is above the last bound.
        return bounds.Length > 0 && end <= bounds.Length + 1 && histogram.NegativeSpans.Length == 0;
    }

    private static long SpanLength(BucketSpan[] spans)
    {
        long total = 0;
        foreach (var span in spans)
        {
            total += span.Length;
        }

        return total;
    }

    private static void SkipSpans(ref ByteReader reader)
    {
        for (var count = reader.Count(2); count > 0; count--)
        {
            reader.Varint();
            reader.Uvarint();
        }
    }

    private static void SkipBuckets(ref ByteReader reader, bool isFloat)
    {
        var count = reader.Count(isFloat ? 8 : 1);
        if (isFloat)
        {
            reader.Bytes(count * 8);
            return;
        }

        for (; count > 0; count--)
        {
            reader.Varint();
        }
    }

    private static BucketSpan[] ReadSpans(ref ByteReader reader)
    {
        var count = reader.Count(2);
        var spans = count == 0 ? [] : new BucketSpan[count];
        for (var i = 0; i < spans.Length; i++)
        {
            spans[i] = new BucketSpan((int)reader.Varint(), (uint)reader.Uvarint());
        }

        return spans;
    }

    private static double[] ReadBuckets(ref ByteReader reader, bool isFloat)
    {
        var count = reader.Count(isFloat ? 8 : 1);
        var buckets = count == 0 ? [] : new double[count];
        long absolute = 0;
        for (var i = 0; i < buckets.Length; i++)
        {
            buckets[i] = isFloat ? reader.F64() : absolute += reader.Varint();
        }

        return buckets;
    }
}
