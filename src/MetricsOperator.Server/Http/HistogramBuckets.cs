using System.Text.Json;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Server.Http;

/// <summary>Writes native histograms as the API shows them: count, sum and the populated buckets in ascending order.</summary>
internal static class HistogramBuckets
{
    public static void Write(Utf8JsonWriter json, FloatHistogram histogram)
    {
        json.WriteStartObject();
        json.WritePropertyName("count"u8);
        json.WriteSampleValue(histogram.Count);
        json.WritePropertyName("sum"u8);
        json.WriteSampleValue(histogram.Sum);
        var any = false;
        foreach (var bucket in histogram.AllBucketsUp)
        {
            if (bucket.Count == 0)
            {
                continue;
            }

            if (!any)
            {
                json.WriteStartArray("buckets"u8);
                any = true;
            }

            json.WriteStartArray();
            json.WriteNumberValue(Inclusion(bucket));
            json.WriteSampleValue(bucket.Lower);
            json.WriteSampleValue(bucket.Upper);
            json.WriteSampleValue(bucket.Count);
            json.WriteEndArray();
        }

        if (any)
        {
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    /// <summary>How a bucket's bounds belong to it, as the API numbers it.</summary>
    private static int Inclusion(in HistogramBucket bucket) => (bucket.LowerInclusive, bucket.UpperInclusive) switch
    {
        (false, true) => 0,
        (true, false) => 1,
        (false, false) => 2,
        (true, true) => 3,
    };
}
