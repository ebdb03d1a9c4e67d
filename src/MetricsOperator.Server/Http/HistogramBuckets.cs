using System.Text.Json;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Server.Http;

/// <summary>Writes native histograms as the API shows them: count, sum and the populated buckets in ascending order.</summary>
internal static class HistogramBuckets
{
    // How a bucket's bounds belong to it, as the API numbers it.
    private const int UpperInclusive = 0;
    private const int LowerInclusive = 1;
    private const int BothInclusive = 3;

    public static void Write(Utf8JsonWriter json, FloatHistogram histogram)
    {
        json.WriteStartObject();
        json.WritePropertyName("count"u8);
        json.WriteSampleValue(histogram.Count);
        json.WritePropertyName("sum"u8);
        json.WriteSampleValue(histogram.Sum);
        var buckets = Buckets(histogram);
        if (buckets.Count > 0)
        {
            json.WriteStartArray("buckets"u8);
            foreach (var (inclusion, lower, upper, count) in buckets)
            {
                json.WriteStartArray();
                json.WriteNumberValue(inclusion);
                json.WriteSampleValue(lower);
                json.WriteSampleValue(upper);
                json.WriteSampleValue(count);
                json.WriteEndArray();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static List<(int Inclusion, double Lower, double Upper, double Count)> Buckets(FloatHistogram histogram)
    {
        var buckets = new List<(int, double, double, double)>();
        var negative = Populated(histogram.NegativeSpans, histogram.NegativeBuckets);
        for (var i = negative.Count - 1; i >= 0; i--)
        {
            var (index, count) = negative[i];
            buckets.Add((LowerInclusive, -Bound(histogram, index), -Bound(histogram, index - 1), count));
        }

        if (histogram.ZeroCount > 0)
        {
            buckets.Add((BothInclusive, -histogram.ZeroThreshold, histogram.ZeroThreshold, histogram.ZeroCount));
        }

        foreach (var (index, count) in Populated(histogram.PositiveSpans, histogram.PositiveBuckets))
        {
            var inclusion = histogram.UsesCustomBuckets && index == 0 ? BothInclusive : UpperInclusive;
            buckets.Add((inclusion, Bound(histogram, index - 1), Bound(histogram, index), count));
        }

        return buckets;
    }

    private static List<(int Index, double Count)> Populated(BucketSpan[] spans, double[] counts)
    {
        var populated = new List<(int, double)>();
        var index = 0;
        var position = 0;
        foreach (var span in spans)
        {
            index += span.Offset;
            for (var i = 0; i < span.Length; i++, index++, position++)
            {
                if (counts[position] != 0)
                {
                    populated.Add((index, counts[position]));
                }
            }
        }

        return populated;
    }

    /// <summary>Upper bound of a bucket; for custom buckets, index -1 is below the first.</summary>
    private static double Bound(FloatHistogram histogram, int index)
    {
        if (histogram.UsesCustomBuckets)
        {
            return index < 0 ? double.NegativeInfinity : index < histogram.CustomValues.Length ? histogram.CustomValues[index] : double.PositiveInfinity;
        }

        if (histogram.Schema <= 0)
        {
            var exponent = (long)index << -histogram.Schema;
            return exponent == 1024 ? double.MaxValue : Math.ScaleB(1, (int)Math.Clamp(exponent, -2000, 2000));
        }

        var perOctave = 1 << histogram.Schema;
        var octave = index >> histogram.Schema;
        var fraction = (index & (perOctave - 1)) / (double)perOctave;

        // The last finite bound stands for the largest number, as the next one would be infinite.
        return fraction == 0 && octave == 1024 ? double.MaxValue : Math.ScaleB(Math.Pow(2, fraction), octave);
    }
}
