using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>What all samples of a histogram chunk share: resolution, zero threshold and which buckets exist.</summary>
internal sealed class HistogramLayout
{
    /// <summary>A chunk that names more buckets than this is corrupt; real ones have a few hundred.</summary>
    private const int MaxBuckets = 1 << 20;

    /// <summary>Fewest bits of a span: an empty one at offset zero.</summary>
    private const int SpanBits = 2;

    /// <summary>Fewest bits of a custom bound: a prefix of two and three for its thousandths.</summary>
    private const int BoundBits = 5;

    public double ZeroThreshold { get; init; }

    public int Schema { get; init; }

    public BucketSpan[] PositiveSpans { get; init; } = [];

    public BucketSpan[] NegativeSpans { get; init; } = [];

    public double[] CustomValues { get; init; } = [];

    public int PositiveCount { get; private init; }

    public int NegativeCount { get; private init; }

    public static HistogramLayout Of(FloatHistogram histogram) => new()
    {
        ZeroThreshold = histogram.ZeroThreshold,
        Schema = histogram.Schema,
        PositiveSpans = histogram.PositiveSpans,
        NegativeSpans = histogram.NegativeSpans,
        CustomValues = histogram.CustomValues,
        PositiveCount = histogram.PositiveBuckets.Length,
        NegativeCount = histogram.NegativeBuckets.Length,
    };

    /// <summary>The same with other buckets.</summary>
    public HistogramLayout With(BucketSpan[] positive, BucketSpan[] negative) => new()
    {
        ZeroThreshold = ZeroThreshold,
        Schema = Schema,
        PositiveSpans = positive,
        NegativeSpans = negative,
        CustomValues = CustomValues,
        PositiveCount = (int)TotalLength(positive),
        NegativeCount = (int)TotalLength(negative),
    };

    /// <summary>True if the histogram has exactly these buckets.</summary>
    public bool HasBucketsOf(FloatHistogram histogram) =>
        PositiveSpans.AsSpan().SequenceEqual(histogram.PositiveSpans) && NegativeSpans.AsSpan().SequenceEqual(histogram.NegativeSpans);

    /// <summary>True if the histogram has the same resolution, whatever its buckets.</summary>
    public bool HasResolutionOf(FloatHistogram histogram) =>
        Schema == histogram.Schema
        && BitConverter.DoubleToUInt64Bits(ZeroThreshold) == BitConverter.DoubleToUInt64Bits(histogram.ZeroThreshold)
        && CustomValues.AsSpan().SequenceEqual(histogram.CustomValues);

    /// <summary>Reads the layout at the start of a chunk's bit stream; null when it is not one.</summary>
    public static HistogramLayout? Read(ref BitReader reader)
    {
        var threshold = ReadZeroThreshold(ref reader);
        var schema = Varbit.ReadSigned(ref reader);
        var positive = ReadSpans(ref reader);
        var negative = ReadSpans(ref reader);
        if (positive is null || negative is null || schema is < -53 or > 52)
        {
            return null;
        }

        double[] custom = [];
        if (schema == FloatHistogram.CustomBucketsSchema)
        {
            var count = Varbit.ReadUnsigned(ref reader);
            if (count > (ulong)Math.Min(MaxBuckets, reader.Remaining / BoundBits))
            {
                return null;
            }

            custom = new double[count];
            for (var i = 0; i < custom.Length && !reader.Failed; i++)
            {
                var thousandths = Varbit.ReadUnsigned(ref reader);
                custom[i] = thousandths == 0 ? BitConverter.UInt64BitsToDouble(reader.Bits(64)) : (thousandths - 1) / 1000.0;
            }
        }

        return reader.Failed
            ? null
            : new HistogramLayout
            {
                ZeroThreshold = threshold,
                Schema = (int)schema,
                PositiveSpans = positive,
                NegativeSpans = negative,
                CustomValues = custom,
                PositiveCount = (int)TotalLength(positive),
                NegativeCount = (int)TotalLength(negative),
            };
    }

    public void Write(ref BitWriter writer)
    {
        WriteZeroThreshold(ref writer, ZeroThreshold);
        Varbit.WriteSigned(ref writer, Schema);
        WriteSpans(ref writer, PositiveSpans);
        WriteSpans(ref writer, NegativeSpans);
        if (Schema != FloatHistogram.CustomBucketsSchema)
        {
            return;
        }

        Varbit.WriteUnsigned(ref writer, (ulong)CustomValues.Length);
        foreach (var bound in CustomValues)
        {
            var thousandths = Math.Round(bound * 1000);
            if (thousandths is >= 0 and <= 33554430 && thousandths / 1000 == bound)
            {
                Varbit.WriteUnsigned(ref writer, (ulong)thousandths + 1);
            }
            else
            {
                writer.Bits(0, 1);
                writer.Bits(BitConverter.DoubleToUInt64Bits(bound), 64);
            }
        }
    }

    /// <summary>Most bits that <see cref="Write"/> uses.</summary>
    public int MaxBits() => 72 + 72 + (4 * 72) + ((PositiveSpans.Length + NegativeSpans.Length) * 144) + (CustomValues.Length * 72);

    public static long TotalLength(BucketSpan[] spans)
    {
        long total = 0;
        foreach (var span in spans)
        {
            total += span.Length;
        }

        return total;
    }

    private static BucketSpan[]? ReadSpans(ref BitReader reader)
    {
        var count = Varbit.ReadUnsigned(ref reader);
        if (count > (ulong)Math.Min(MaxBuckets, reader.Remaining / SpanBits))
        {
            return null;
        }

        var spans = count == 0 ? [] : new BucketSpan[count];
        long buckets = 0;
        for (var i = 0; i < spans.Length && !reader.Failed; i++)
        {
            var length = Varbit.ReadUnsigned(ref reader);
            var offset = Varbit.ReadSigned(ref reader);
            buckets += (long)Math.Min(length, MaxBuckets + 1);
            if (buckets > MaxBuckets)
            {
                return null;
            }

            spans[i] = new BucketSpan((int)offset, (uint)length);
        }

        return spans;
    }

    private static void WriteSpans(ref BitWriter writer, BucketSpan[] spans)
    {
        Varbit.WriteUnsigned(ref writer, (ulong)spans.Length);
        foreach (var span in spans)
        {
            Varbit.WriteUnsigned(ref writer, span.Length);
            Varbit.WriteSigned(ref writer, span.Offset);
        }
    }

    // A power of two in [2^-243, 2^10] is one byte: 1..254 stands for 0.5 * 2^(byte - 243); 255 is followed by the bits.
    private static double ReadZeroThreshold(ref BitReader reader)
    {
        var code = (int)reader.Bits(8);
        return code switch
        {
            0 => 0,
            255 => BitConverter.UInt64BitsToDouble(reader.Bits(64)),
            _ => Math.ScaleB(0.5, code - 243),
        };
    }

    private static void WriteZeroThreshold(ref BitWriter writer, double threshold)
    {
        if (threshold == 0)
        {
            writer.Bits(0, 8);
            return;
        }

        if (double.IsFinite(threshold) && threshold > 0)
        {
            var code = Math.ILogB(threshold) + 1 + 243;
            if (code is >= 1 and <= 254 && Math.ScaleB(0.5, code - 243) == threshold)
            {
                writer.Bits((ulong)code, 8);
                return;
            }
        }

        writer.Bits(255, 8);
        writer.Bits(BitConverter.DoubleToUInt64Bits(threshold), 64);
    }
}
