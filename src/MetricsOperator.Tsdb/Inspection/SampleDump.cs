using System.Globalization;
using System.Text;
using System.Text.Json;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>Forms in which samples are written.</summary>
public enum DumpFormat
{
    /// <summary>As <c>promtool tsdb dump</c> of Prometheus 2.42: labels, value, milliseconds.</summary>
    Prom,

    /// <summary>OpenMetrics text with timestamps in seconds.</summary>
    OpenMetrics,

    /// <summary>One JSON object per series and line.</summary>
    Json,
}

/// <summary>Writes series after series; memory is one batch of samples.</summary>
/// <param name="output">Takes the bytes.</param>
/// <param name="format">How they look.</param>
/// <param name="withHistograms">In the prom format: true to write native histograms too and to go on behind them.</param>
public sealed class SampleDump(Stream output, DumpFormat format, bool withHistograms)
{
    private const int BatchSize = 512;

    private readonly long[] _times = new long[BatchSize];
    private readonly double[] _values = new double[BatchSize];
    private readonly FloatHistogram?[] _histograms = new FloatHistogram?[1];
    private readonly byte[] _number = new byte[FloatText.MaxLength];

    /// <summary>Histogram samples, and floats behind one, that the format leaves out.</summary>
    public long LeftOut { get; private set; }

    /// <summary>Writes all samples that one of the selectors wants, in label order; all samples without selectors.</summary>
    /// <param name="database">The directory.</param>
    /// <param name="selectors">Matchers of each selector.</param>
    /// <param name="minTime">First time in ms.</param>
    /// <param name="maxTime">Last time in ms.</param>
    /// <param name="cancellation">Stops.</param>
    /// <returns>What was left out because it is damaged.</returns>
    public IReadOnlyList<string> WriteAll(
        ReadOnlyDatabase database, IReadOnlyList<IReadOnlyList<LabelMatcher>> selectors, long minTime, long maxTime, CancellationToken cancellation)
    {
        using var querier = database.OpenQuerier(minTime, maxTime);

        // With one selector the index finds its series; with more every series is tried, so that each is written once.
        var all = new[] { new LabelMatcher(MatchType.RegexMatch, LabelNames.MetricName, ".*") };
        var set = querier.Select(true, new SelectHints(minTime, maxTime), selectors.Count == 1 ? selectors[0] : all, cancellation);
        var warnings = new List<string>();
        while (set.MoveNext())
        {
            var labels = set.Labels;
            if (selectors.Count > 1 && !selectors.Any(s => s.All(m => m.Matches(labels))))
            {
                continue;
            }

            try
            {
                using var reader = set.OpenReader();
                Write(labels, reader);
            }
            catch (StorageException e)
            {
                warnings.Add($"{labels}: the rest of the series is left out: {e.Message}");
            }
        }

        if (format == DumpFormat.OpenMetrics)
        {
            output.Write("# EOF\n"u8);
        }

        return [.. set.Warnings, .. warnings];
    }

    private void Write(LabelSet labels, SampleReader reader)
    {
        switch (format)
        {
            case DumpFormat.Prom:
                WriteLines(Encoding.UTF8.GetBytes(labels.ToString() + " "), reader, keepsHistograms: withHistograms, stopsAtHistogram: !withHistograms);
                break;
            case DumpFormat.OpenMetrics:
                WriteLines(Encoding.UTF8.GetBytes(OpenMetricsName(labels)), reader, keepsHistograms: false, stopsAtHistogram: false);
                break;
            default:
                WriteJson(labels, reader);
                break;
        }
    }

    private static string OpenMetricsName(LabelSet labels)
    {
        var text = new StringBuilder();
        var isPlain = LabelNames.IsLegacyValidMetricName(labels.MetricName);
        text.Append(isPlain ? labels.MetricName : string.Empty).Append('{');
        var isFirst = true;
        if (!isPlain && labels.MetricName.Length > 0)
        {
            text.Append(Quote(labels.MetricName));
            isFirst = false;
        }

        foreach (var (name, value) in labels.ToPairs())
        {
            if (name != LabelNames.MetricName)
            {
                text.Append(isFirst ? string.Empty : ",").Append(LabelNames.IsLegacyValid(name) ? name : Quote(name)).Append('=').Append(Quote(value));
                isFirst = false;
            }
        }

        return text.Append("} ").ToString();

        static string Quote(string value) =>
            "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
    }

    private void WriteLines(byte[] prefix, SampleReader reader, bool keepsHistograms, bool stopsAtHistogram)
    {
        var isStopped = false;
        while (true)
        {
            switch (reader.NextKind())
            {
                case SampleKind.None:
                    return;
                case SampleKind.Float:
                    var count = reader.ReadFloats(_times, _values);
                    for (var i = 0; i < count && !isStopped; i++)
                    {
                        output.Write(prefix);
                        output.Write(_number.AsSpan(0, FloatText.Format(_values[i], _number)));
                        WriteTime(_times[i]);
                    }

                    LeftOut += isStopped ? count : 0;
                    break;
                default:
                    reader.ReadHistograms(_times.AsSpan(0, 1), _histograms);
                    isStopped = stopsAtHistogram;
                    if (keepsHistograms)
                    {
                        output.Write(prefix);
                        output.Write(Encoding.UTF8.GetBytes(_histograms[0]!.ToString()));
                        WriteTime(_times[0]);
                    }
                    else
                    {
                        LeftOut++;
                    }

                    break;
            }
        }
    }

    private void WriteTime(long milliseconds)
    {
        Span<byte> text = stackalloc byte[32];
        int length;
        if (format == DumpFormat.OpenMetrics)
        {
            (milliseconds / 1000m).TryFormat(text, out length, "0.000", CultureInfo.InvariantCulture);
        }
        else
        {
            milliseconds.TryFormat(text, out length, default, CultureInfo.InvariantCulture);
        }

        output.WriteByte((byte)' ');
        output.Write(text[..length]);
        output.WriteByte((byte)'\n');
    }

    private void WriteJson(LabelSet labels, SampleReader reader)
    {
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteStartObject("metric");
            foreach (var (name, value) in labels.ToPairs())
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            json.WriteStartArray("samples");
            while (WriteNext(json, reader))
            {
                // A series of any length passes through a buffer of this size.
                if (json.BytesPending > 64 * 1024)
                {
                    json.Flush();
                }
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        output.WriteByte((byte)'\n');
    }

    private bool WriteNext(Utf8JsonWriter json, SampleReader reader)
    {
        switch (reader.NextKind())
        {
            case SampleKind.None:
                return false;
            case SampleKind.Float:
                var count = reader.ReadFloats(_times, _values);
                for (var i = 0; i < count; i++)
                {
                    json.WriteStartArray();
                    json.WriteNumberValue(_times[i]);
                    WriteText(json, _values[i]);
                    json.WriteEndArray();
                }

                return true;
            default:
                reader.ReadHistograms(_times.AsSpan(0, 1), _histograms);
                json.WriteStartArray();
                json.WriteNumberValue(_times[0]);
                WriteHistogram(json, _histograms[0]!);
                json.WriteEndArray();
                return true;
        }
    }

    // Buckets as the query API has them: which bounds belong to it (0 upper, 1 lower, 2 none, 3 both), the bounds, the count.
    private void WriteHistogram(Utf8JsonWriter json, FloatHistogram histogram)
    {
        json.WriteStartObject();
        json.WritePropertyName("count");
        WriteText(json, histogram.Count);
        json.WritePropertyName("sum");
        WriteText(json, histogram.Sum);
        json.WriteStartArray("buckets");
        foreach (var bucket in histogram.AllBucketsUp)
        {
            if (bucket.Count == 0)
            {
                continue;
            }

            json.WriteStartArray();
            json.WriteNumberValue((bucket.LowerInclusive, bucket.UpperInclusive) switch
            {
                (false, true) => 0,
                (true, false) => 1,
                (false, false) => 2,
                _ => 3,
            });
            WriteText(json, bucket.Lower);
            WriteText(json, bucket.Upper);
            WriteText(json, bucket.Count);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteText(Utf8JsonWriter json, double value) => json.WriteStringValue(_number.AsSpan(0, FloatText.Format(value, _number)));
}
