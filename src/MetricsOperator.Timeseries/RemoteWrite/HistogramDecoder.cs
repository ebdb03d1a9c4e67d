using System.Buffers.Binary;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>Reads the histogram message of remote write, integer (deltas between buckets) or float, from bytes that the schema has checked.</summary>
internal static class HistogramDecoder
{
    /// <summary>The histogram; null with a problem when it is not a valid one.</summary>
    public static FloatHistogram? Read(ReadOnlySpan<byte> data, out long timestampMs, out string? problem)
    {
        timestampMs = 0;
        var histogram = new FloatHistogram();
        var (positiveSpans, negativeSpans) = (new List<BucketSpan>(), new List<BucketSpan>());
        var (positiveDeltas, negativeDeltas) = (new List<double>(), new List<double>());
        var (positiveCounts, negativeCounts) = (new List<double>(), new List<double>());
        var custom = new List<double>();
        var isFloat = false;
        var fields = new ProtobufReader(data);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    histogram.Count = fields.Number;
                    isFloat = false;
                    break;
                case 2:
                    histogram.Count = fields.Double;
                    isFloat = true;
                    break;
                case 3:
                    histogram.Sum = fields.Double;
                    break;
                case 4:
                    histogram.Schema = (int)fields.Signed;
                    break;
                case 5:
                    histogram.ZeroThreshold = fields.Double;
                    break;
                case 6:
                    histogram.ZeroCount = fields.Number;
                    break;
                case 7:
                    histogram.ZeroCount = fields.Double;
                    break;
                case 8:
                    negativeSpans.Add(ReadSpan(fields.Bytes));
                    break;
                case 9:
                    ReadDeltas(ref fields, negativeDeltas);
                    break;
                case 10:
                    ReadDoubles(ref fields, negativeCounts);
                    break;
                case 11:
                    positiveSpans.Add(ReadSpan(fields.Bytes));
                    break;
                case 12:
                    ReadDeltas(ref fields, positiveDeltas);
                    break;
                case 13:
                    ReadDoubles(ref fields, positiveCounts);
                    break;
                case 14:
                    histogram.ResetHint = fields.Number <= 3 ? (CounterResetHint)fields.Number : CounterResetHint.Unknown;
                    break;
                case 15:
                    timestampMs = fields.Int64;
                    break;
                case 16:
                    ReadDoubles(ref fields, custom);
                    break;
            }
        }

        histogram.PositiveSpans = [.. positiveSpans];
        histogram.NegativeSpans = [.. negativeSpans];
        histogram.PositiveBuckets = isFloat ? [.. positiveCounts] : Accumulate(positiveDeltas);
        histogram.NegativeBuckets = isFloat ? [.. negativeCounts] : Accumulate(negativeDeltas);
        histogram.CustomValues = [.. custom];
        problem = histogram.FindProblem();
        return problem is null ? histogram : null;
    }

    private static BucketSpan ReadSpan(ReadOnlySpan<byte> data)
    {
        var (offset, length) = (0, 0U);
        var fields = new ProtobufReader(data);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    offset = (int)fields.Signed;
                    break;
                case 2:
                    length = (uint)fields.Number;
                    break;
            }
        }

        return new BucketSpan(offset, length);
    }

    private static void ReadDeltas(ref ProtobufReader fields, List<double> into)
    {
        if (fields.Wire == WireType.Varint)
        {
            into.Add(fields.Signed);
            return;
        }

        for (var position = 0; position < fields.Bytes.Length;)
        {
            ProtobufReader.TryReadVarint(fields.Bytes, ref position, out var number);
            into.Add(ProtobufReader.UnZigZag(number));
        }
    }

    private static void ReadDoubles(ref ProtobufReader fields, List<double> into)
    {
        if (fields.Wire == WireType.Fixed64)
        {
            into.Add(fields.Double);
            return;
        }

        for (var rest = fields.Bytes; rest.Length >= 8; rest = rest[8..])
        {
            into.Add(BinaryPrimitives.ReadDoubleLittleEndian(rest));
        }
    }

    private static double[] Accumulate(List<double> deltas)
    {
        var buckets = new double[deltas.Count];
        var count = 0.0;
        for (var i = 0; i < buckets.Length; i++)
        {
            count += deltas[i];
            buckets[i] = count;
        }

        return buckets;
    }
}
