using System.Globalization;
using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Exposition;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Tests.Exposition;

/// <summary>The reader on whole bodies: real ones, generated ones and spoiled ones.</summary>
public sealed class ExpositionReaderBodyTests
{
    private const string Sample =
        "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\n"
        + "http_requests_total{method=\"post\",code=\"200\"} 1027 1395066363000\nhttp_requests_total{method=\"p\\\"o\\\\s\\nt\",code=\"400\"} 3\n"
        + "{\"my.metric\",\"my label\"=\"v\"} NaN\nrpc{quantile=\"0.5\"} -1.5e-3\nup 1\n# done\n";

    private const string OpenMetricsSample =
        "# HELP a_seconds Text.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\na_seconds_bucket{le=\"0.5\"} 3 # {trace_id=\"abc\"} 0.25 1.5\n"
        + "a_seconds_bucket{le=\"+Inf\"} 4 1.25\na_seconds_count 4\na_seconds_sum 2.5e+00\na_seconds_created 1.5e9\n{\"b.c\",\"d\"=\"e\"} -Inf\n# EOF\n";

    [Theory]
    [InlineData("apiserver-metrics.txt")]
    [InlineData("kubelet-metrics-cadvisor.txt")]
    [InlineData("kubelet-metrics-probes.txt")]
    [InlineData("kubelet-metrics-resource.txt")]
    [InlineData("kubelet-metrics.txt")]
    public void Real_body_gives_one_series_per_sample_line(string file)
    {
        var body = File.ReadAllBytes(Path.Combine(Peer.RequireShared(), "samples", file));
        var lines = Encoding.UTF8.GetString(body).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var wantKeys = lines.Where(l => !l.StartsWith('#')).Select(KeyOf).ToList();
        var keys = new List<string>();
        var types = 0;
        var labels = new LabelSetBuilder();
        var distinct = new HashSet<LabelSet>();
        var reader = new ExpositionReader(body, ExpositionFormat.Text);
        for (var entry = reader.Next(); entry != ExpositionEntry.End; entry = reader.Next())
        {
            Assert.True(entry != ExpositionEntry.Error, reader.ErrorMessage);
            types += entry == ExpositionEntry.Type ? 1 : 0;
            if (entry == ExpositionEntry.Series)
            {
                keys.Add(Encoding.UTF8.GetString(reader.SeriesBytes));
                Assert.True(reader.ReadLabels(labels), reader.ErrorMessage);
                distinct.Add(labels.Build());
            }
        }

        Assert.Equal(wantKeys, keys);
        Assert.Equal(lines.Count(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)), types);
        Assert.Equal(keys.Distinct().Count(), distinct.Count);

        static string KeyOf(string line) => line.Contains('}') ? line[..(line.LastIndexOf('}') + 1)] : line[..line.IndexOf(' ')];
    }

    [Theory]
    [InlineData(ExpositionFormat.Text)]
    [InlineData(ExpositionFormat.OpenMetrics)]
    public void Rendered_samples_read_back_as_they_were(ExpositionFormat format)
    {
        SeededRandom.Run(random =>
        {
            for (var round = 0; round < 300; round++)
            {
                var want = new List<string>();
                var body = new StringBuilder();
                for (var i = random.Next(6); i >= 0; i--)
                {
                    var labels = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["__name__"] = RandomName(random) };
                    for (var l = random.Next(5); l > 0; l--)
                    {
                        labels[RandomName(random) + "x"] = RandomText(random) + "v";
                    }

                    var value = Math.Round(random.NextDouble() * 1000, 3) * (random.Next(2) * 2 - 1);
                    long? timestamp = random.Next(2) == 0 ? null : random.Next(-1000, 1_000_000_000) * 1000L;
                    body.Append(Render(labels, value, timestamp, format, random));
                    var set = LabelSet.Of([.. labels.Select(p => (p.Key, p.Value))]);
                    want.Add($"{set} {value.ToString("R", CultureInfo.InvariantCulture)}{(timestamp is null ? "" : " @" + timestamp.Value.ToString(CultureInfo.InvariantCulture))}");
                }

                if (format == ExpositionFormat.OpenMetrics)
                {
                    body.Append("# EOF\n");
                    want.Add("end");
                }

                Assert.Equal(want, ExpositionReaderTests.Read(body.ToString(), format));
            }
        });
    }

    [Theory]
    [InlineData(ExpositionFormat.Text, Sample)]
    [InlineData(ExpositionFormat.OpenMetrics, OpenMetricsSample)]
    public void Spoiled_bodies_end_in_a_value_and_stay_within_the_body(ExpositionFormat format, string sample)
    {
        SeededRandom.Run(random =>
        {
            var seed = Encoding.UTF8.GetBytes(sample);
            var body = new byte[seed.Length + 8];
            var alphabet = "\n\n {}\"\\=,#1.eN\0\xFF_a"u8.ToArray();
            var labels = new LabelSetBuilder();
            for (var round = 0; round < 200_000; round++)
            {
                var length = Mutate(seed, body, alphabet, random);
                var reader = new ExpositionReader(body.AsSpan(0, length), format);
                var entries = 0;
                var refused = false;
                ExpositionEntry entry;
                while ((entry = reader.Next()) is not (ExpositionEntry.End or ExpositionEntry.Error))
                {
                    Assert.True(++entries <= length, "more entries than bytes");
                    if (entry == ExpositionEntry.Series && round % 4 == 0)
                    {
                        Assert.False(reader.SeriesBytes.IsEmpty);
                        refused |= !reader.ReadLabels(labels);
                        Assert.False(labels.GetUtf8(LabelNames.MetricNameUtf8).IsEmpty);
                        reader.TryReadExemplar(out _);
                    }
                }

                Assert.Equal(refused || entry == ExpositionEntry.Error, reader.ErrorMessage.Length > 0);
                Assert.Equal(entry, reader.Next());
                Assert.InRange(reader.ErrorOffset, 0, length);
            }
        });
    }

    [Theory]
    [InlineData(ExpositionFormat.Text, Sample)]
    [InlineData(ExpositionFormat.OpenMetrics, OpenMetricsSample)]
    public void Steady_pass_allocates_nothing(ExpositionFormat format, string sample)
    {
        var body = Encoding.UTF8.GetBytes(sample);
        var series = 0;
        var labels = new LabelSetBuilder();
        AllocationAssert.AtMost(0, () =>
        {
            var reader = new ExpositionReader(body, format);
            for (var entry = reader.Next(); entry != ExpositionEntry.End; entry = reader.Next())
            {
                if (entry == ExpositionEntry.Series)
                {
                    series++;
                    reader.ReadLabels(labels);
                }
            }
        });
        Assert.True(series > 0);
    }

    private static int Mutate(byte[] seed, byte[] body, byte[] alphabet, Random random)
    {
        seed.CopyTo(body, 0);
        var length = seed.Length;
        for (var i = random.Next(1, 4); i > 0 && length > 0; i--)
        {
            var at = random.Next(length);
            switch (random.Next(4))
            {
                case 0:
                    body[at] = alphabet[random.Next(alphabet.Length)];
                    break;
                case 1:
                    Array.Copy(body, at + 1, body, at, length - at - 1);
                    length--;
                    break;
                case 2 when length < body.Length:
                    Array.Copy(body, at, body, at + 1, length - at);
                    body[at] = alphabet[random.Next(alphabet.Length)];
                    length++;
                    break;
                default:
                    length = random.Next(8) == 0 ? at + 1 : length;
                    break;
            }
        }

        return length;
    }

    private static string RandomName(Random random)
    {
        const string alphabet = "abcxyz_:.- é\"\\0";
        return "n" + string.Concat(Enumerable.Range(0, random.Next(5)).Select(_ => alphabet[random.Next(random.Next(2) == 0 ? 7 : alphabet.Length)]));
    }

    private static string RandomText(Random random)
    {
        const string alphabet = "abc{}=,# \\\"\n日é";
        return string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => alphabet[random.Next(alphabet.Length)]));
    }

    private static string Render(SortedDictionary<string, string> labels, double value, long? timestampMs, ExpositionFormat format, Random random)
    {
        static string Quote(string text) => "\"" + text.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n") + "\"";

        var name = labels["__name__"];
        var inner = labels.Where(l => l.Key != "__name__").Select(l => (LabelNames.IsLegacyValid(l.Key) ? l.Key : Quote(l.Key)) + "=" + Quote(l.Value)).ToList();
        var isPlain = LabelNames.IsLegacyValidMetricName(name) && random.Next(3) > 0;
        if (!isPlain)
        {
            inner.Insert(random.Next(inner.Count + 1), Quote(name));
        }

        var time = timestampMs is { } t ? " " + (format == ExpositionFormat.Text ? t : t / 1000).ToString(CultureInfo.InvariantCulture) : "";
        var braces = inner.Count == 0 && random.Next(2) == 0 ? "" : "{" + string.Join(",", inner) + "}";
        return $"{(isPlain ? name : "")}{braces} {value.ToString("R", CultureInfo.InvariantCulture)}{time}\n";
    }
}
