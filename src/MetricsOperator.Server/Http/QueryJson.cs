using System.Buffers;
using System.Text.Json;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Server.Http;

/// <summary>Writes the result of a query.</summary>
internal static class QueryJson
{
    private const int SamplesAtOnce = 128;

    // Two numbers and what stands around them.
    private const int SampleBytes = (2 * NumberText.MaxLength) + 6;

    /// <summary>Writes the <c>data</c> of a query answer.</summary>
    public static async ValueTask WriteAsync(JsonOutput output, QueryResult result, bool stats, TimeSpan queueTime)
    {
        var json = output.Writer;
        json.WriteStartObject();
        json.WriteString("resultType"u8, TypeName(result.Value));
        json.WritePropertyName("result"u8);
        switch (result.Value)
        {
            // Prometheus writes these two by themselves: without trailing zeros of the time, and the value without exponent.
            case ScalarValue scalar:
                json.WriteStartArray();
                json.WriteNumberValue(scalar.TimestampMs / 1000m);
                json.WriteStringValue(GoNumbers.FormatPlain(scalar.Value));
                json.WriteEndArray();
                break;
            case StringValue text:
                json.WriteStartArray();
                json.WriteNumberValue(text.TimestampMs / 1000m);
                json.WriteStringValue(text.Value);
                json.WriteEndArray();
                break;
            case VectorValue vector:
                await WriteVectorAsync(output, vector);
                break;
            case MatrixValue matrix:
                await WriteMatrixAsync(output, matrix);
                break;
        }

        if (stats)
        {
            WriteStats(json, result.Stats, queueTime);
        }

        json.WriteEndObject();
    }

    private static string TypeName(PromValue value) => value switch
    {
        ScalarValue => "scalar",
        StringValue => "string",
        VectorValue => "vector",
        _ => "matrix",
    };

    private static async ValueTask WriteVectorAsync(JsonOutput output, VectorValue vector)
    {
        var json = output.Writer;
        json.WriteStartArray();
        foreach (var sample in vector.Samples)
        {
            json.WriteStartObject();
            json.WritePropertyName("metric"u8);
            json.WriteLabels(sample.Labels);
            json.WritePropertyName(sample.Histogram is null ? "value"u8 : "histogram"u8);
            WriteSample(json, sample.TimestampMs, sample.Value, sample.Histogram);
            json.WriteEndObject();
            await output.FlushIfLargeAsync();
        }

        json.WriteEndArray();
    }

    private static async ValueTask WriteMatrixAsync(JsonOutput output, MatrixValue matrix)
    {
        var json = output.Writer;
        var text = ArrayPool<byte>.Shared.Rent(SamplesAtOnce * SampleBytes);
        var times = new TimestampTexts();
        json.WriteStartArray();
        foreach (var series in matrix.Series)
        {
            json.WriteStartObject();
            json.WritePropertyName("metric"u8);
            json.WriteLabels(series.Labels);
            if (series.Floats.Length > 0)
            {
                json.WriteStartArray("values"u8);
                times.Next(series.FloatTimestampsMs);
                for (var i = 0; i < series.Floats.Length; i += SamplesAtOnce)
                {
                    var count = Math.Min(SamplesAtOnce, series.Floats.Length - i);
                    var length = WriteSamples(text, times, i, series.Floats.AsSpan(i, count));
                    json.WriteRawValue(text.AsSpan(0, length), skipInputValidation: true);
                    await output.FlushIfLargeAsync();
                }

                json.WriteEndArray();
            }

            if (series.Histograms.Length > 0)
            {
                json.WriteStartArray("histograms"u8);
                for (var i = 0; i < series.Histograms.Length; i++)
                {
                    WriteSample(json, series.HistogramTimestampsMs[i], 0, series.Histograms[i]);
                    await output.FlushIfLargeAsync();
                }

                json.WriteEndArray();
            }

            json.WriteEndObject();
            await output.FlushIfLargeAsync();
        }

        json.WriteEndArray();
        ArrayPool<byte>.Shared.Return(text);
    }

    // Samples as elements of a list, which the writer takes as one value: [time,"value"],[time,"value"]
    private static int WriteSamples(Span<byte> text, TimestampTexts times, int first, ReadOnlySpan<double> values)
    {
        var length = 0;
        for (var i = 0; i < values.Length; i++)
        {
            if (i > 0)
            {
                text[length++] = (byte)',';
            }

            text[length++] = (byte)'[';
            length += times.Write(text[length..], first + i);
            text[length++] = (byte)',';
            text[length++] = (byte)'"';
            length += NumberText.WriteValue(text[length..], values[i]);
            text[length++] = (byte)'"';
            text[length++] = (byte)']';
        }

        return length;
    }

    private static void WriteSample(Utf8JsonWriter json, long timestampMs, double value, FloatHistogram? histogram)
    {
        json.WriteStartArray();
        json.WriteTimestamp(timestampMs);
        if (histogram is null)
        {
            json.WriteSampleValue(value);
        }
        else
        {
            HistogramBuckets.Write(json, histogram);
        }

        json.WriteEndArray();
    }

    private static void WriteStats(Utf8JsonWriter json, QueryStats stats, TimeSpan queueTime)
    {
        json.WriteStartObject("stats"u8);
        json.WriteStartObject("timings"u8);
        json.WriteNumber("evalTotalTime"u8, stats.TotalTime.TotalSeconds);
        json.WriteNumber("resultSortTime"u8, stats.ResultSortTime.TotalSeconds);
        json.WriteNumber("queryPreparationTime"u8, stats.PreparationTime.TotalSeconds);
        json.WriteNumber("innerEvalTime"u8, stats.InnerEvalTime.TotalSeconds);
        json.WriteNumber("execQueueTime"u8, queueTime.TotalSeconds);
        json.WriteNumber("execTotalTime"u8, (queueTime + stats.TotalTime).TotalSeconds);
        json.WriteEndObject();
        json.WriteStartObject("samples"u8);
        if (stats.SamplesPerStep is { } steps)
        {
            json.WriteStartArray("totalQueryableSamplesPerStep"u8);
            foreach (var (timestampMs, samples) in steps)
            {
                json.WriteStartArray();
                json.WriteTimestamp(timestampMs);
                json.WriteNumberValue(samples);
                json.WriteEndArray();
            }

            json.WriteEndArray();
        }

        json.WriteNumber("totalQueryableSamples"u8, stats.TotalQueryableSamples);
        json.WriteNumber("peakSamples"u8, stats.PeakSamples);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
