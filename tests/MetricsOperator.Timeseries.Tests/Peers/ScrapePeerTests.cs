using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Exposition;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Tests.Peers;

/// <summary>A real Prometheus accepts and refuses the same scrape bodies as the reader, and counts the same samples.</summary>
public sealed partial class ScrapePeerTests
{
    private const string TextContentType = "text/plain; version=0.0.4";
    private const string OpenMetricsContentType = "application/openmetrics-text; version=1.0.0";

    private static readonly string[] TextBodies =
    [
        "", "\n\n", "a 1", "a 1\n", "  a 1\n", "a 1 \n", "a\t1\t\n", "a{} 1\n", "a {} 1\n", "a{b=\"c\"}1\n", "a{b=\"c\",} 1\n", "a{,} 1\n", "a{b=\"c\",,d=\"e\"} 1\n", "a{b=\"c\"d=\"e\"} 1\n",
        "a{b = \"c\" , d= \"e\"} 1\n", "a{b=\"\"} 1\n", "a{b=\"x\ny\"} 1\n", "a{b=\"\\q\\n\\\\\\\"\"} 1\n", "a{b=\"\\\"} 1\n", "a{b='c'} 1\n", "a{b=c} 1\n", "a{b} 1\n", "a{b:c=\"d\"} 1\n", "a{0b=\"d\"} 1\n", "a:b{c=\"d\"} 1\n", "0a 1\n", "a-b 1\n", "é 1\n",
        "a 1 5\n", "a 1 -5\n", "a 1 +5\n", "a 1 5.0\n", "a 1 5 6\n", "a 1 99999999999999999999\n", "a 1 x\n", "a x\n", "a\n", "a \n", "a +Inf\n", "a -inf\n", "a +infinity\n", "a nan\n", "a NaN\n", "a +nan\n", "a -NaN\n", "a 0x1p4\n", "a 0x10\n", "a 1_0\n", "a 1e5\n", "a 1E+5\n", "a 1e\n", "a .5\n", "a 5.\n", "a .\n", "a 1e999\n", "a 1e-999\n", "a 1,5\n", "a 1\r\n", "a{b=\"c\r\n\"} 1\n",
        "# TYPE a counter\na 1\n", "# TYPE a counter \na 1\n", "# TYPE a  counter\na 1\n", "#  TYPE  a counter\na 1\n", "# TYPE a COUNTER\n", "# TYPE a\n", "# TYPE a \n", "# TYPE\n", "# TYPE a unknown\n", "# TYPE a untyped\n", "# TYPE a info\n", "#TYPE a nonsense\n", "# TYPE 0a counter\n",
        "# HELP a x\n", "# HELP a\n", "# HELP\n", "# HELP \n", "# HELPa\n", "# \n", "#\n", "#", "# x", "# HELP a x", "# HELP a-b x\n", "a 1\n# EOF\na 2\n", "a 1 # comment\n", "a 1\n\u0001\n", "a{b=\"c\"}} 1\n", "a{b=\"c\"}{d=\"e\"} 1\n", "a{b=\"c\" 1\n", "a1 1\na2.5 1\n", "a{b=\"1\",b=\"2\"} 1\n", "a{__name__=\"b\"} 1\n",
    ];

    private static readonly string[] OpenMetricsBodies =
    [
        "", "# EOF", "# EOF\n", "# EOF \n", "#EOF\n", "# EOF\n\n", "a 1\n", "a 1\n# EOF\n", "a 1\n# EOF\na 2\n", "\na 1\n# EOF\n", "a 1\n\n# EOF\n", " a 1\n# EOF\n", "a  1\n# EOF\n", "a\t1\n# EOF\n", "a 1 \n# EOF\n", "a{} 1\n# EOF\n", "a {} 1\n# EOF\n", "a{b=\"c\"}1\n# EOF\n",
        "a{b=\"c\",} 1\n# EOF\n", "a{b=\"c\", d=\"e\"} 1\n# EOF\n", "a{b=\"c\"d=\"e\"} 1\n# EOF\n", "a{b=\"x\ny\"} 1\n# EOF\n", "a{,} 1\n# EOF\n", "a 1 1\n# EOF\n", "a 1 1.5\n# EOF\n", "a 1 -1e3\n# EOF\n", "a 1 NaN\n# EOF\n", "a 1 x\n# EOF\n", "a 1 1 \n# EOF\n", "a 1 1 1\n# EOF\n",
        "# TYPE a counter\n# EOF\n", "# TYPE a untyped\n# EOF\n", "# TYPE a unknown\n# EOF\n", "# TYPE a stateset\n# EOF\n", "# TYPE a gaugehistogram\n# EOF\n", "# TYPE a info\n# EOF\n", "# TYPE  a counter\n# EOF\n", "# TYPE a  counter\n# EOF\n", "# TYPE a\n# EOF\n", "# HELP a x\n# EOF\n", "# HELP a \n# EOF\n", "# HELP a\n# EOF\n", "# x\n# EOF\n", "#\n# EOF\n",
        "# UNIT a_seconds seconds\n# EOF\n", "# UNIT a seconds\n# EOF\n", "# UNIT a \n# EOF\n", "# UNIT seconds seconds\n# EOF\n", "a_total 1 # {t=\"x\"} 2\n# EOF\n", "a_total 1 # {t=\"x\"} 2 3\n# EOF\n", "a_total 1 5 # {} 2 3.5\n# EOF\n", "a_total 1 # {t=\"x\"}\n# EOF\n", "a_total 1 # {t=\"x\"} x\n# EOF\n", "a_total 1 # {t=\"x\"} 2 x\n# EOF\n", "a_total 1 # {t=\"x\"} 2 3 4\n# EOF\n",
        "a_total 1 #{t=\"x\"} 2\n# EOF\n", "a_total 1  # {t=\"x\"} 2\n# EOF\n", "a_total 1 # {t=\"x\", u=\"y\"} 2\n# EOF\n", "a_total 1 # t 2\n# EOF\n", "a 1\r\n# EOF\n", "a{b=\"1\",b=\"2\"} 1\n# EOF\n", "a 1",
    ];

    [Fact]
    public async Task Bodies_are_accepted_and_refused_as_prometheus_does()
    {
        Peer.Require("prometheus", "prometheus");
        var random = new Random(4711);
        var bodies = TextBodies.Concat(Spoiled(random, "# HELP a x\n# TYPE a counter\na{b=\"c\",d=\"e\\n\"} 1.5 2\na 2\n", 120)).Select(b => (TextContentType, Bytes(b)))
            .Concat(OpenMetricsBodies.Concat(Spoiled(random, "# HELP a x\n# TYPE a counter\na_total{b=\"c\",d=\"e\\n\"} 1.5 2 # {t=\"x\"} 1 2\nb 2\n# EOF\n", 120)).Select(b => (OpenMetricsContentType, Bytes(b))))
            .ToList();
        await using var served = new ScrapedBodies(bodies);
        await using var prometheus = await PrometheusPeer.StartAsync(served.Configuration());
        var up = await ResultsAsync(prometheus, "up", bodies.Count);
        var samples = await ResultsAsync(prometheus, "scrape_samples_scraped", bodies.Count);

        var problems = new List<string>();
        for (var i = 0; i < bodies.Count; i++)
        {
            var got = Read(bodies[i].Item2, bodies[i].Item1 == TextContentType ? ExpositionFormat.Text : ExpositionFormat.OpenMetrics, out var error);
            var want = up[i] == 1 ? samples[i] : -1;
            var text = Encoding.UTF8.GetString(bodies[i].Item2);

            if (got != want && !(want < 0 && IsAcceptedByUs(text)))
            {
                problems.Add($"{LabelNames.Quote(text)}: got {got} samples {error}, want {want}");
            }
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    // Quoted names, free trailing commas in OpenMetrics and exemplars on any metric came with Prometheus 3; white space at the start of a
    // line and negative timestamps are part of the text format, though Prometheus refuses them.
    private static bool IsAcceptedByUs(string text) =>
        Newer().IsMatch(text) || text.StartsWith(' ') || text.EndsWith(" -5\n", StringComparison.Ordinal) || (text.Contains(" # {") && !text.Contains("a_total{"));

    [GeneratedRegex("[{,]\\s*\"|# (HELP|TYPE|UNIT) \"|,}.*\n(.*\n)*# EOF")]
    private static partial Regex Newer();

    private static async Task<double[]> ResultsAsync(PrometheusPeer prometheus, string metric, int count)
    {
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var result = (await prometheus.QueryAsync(metric)).GetProperty("data").GetProperty("result");
            if (result.GetArrayLength() == count)
            {
                var values = new double[count];
                foreach (var series in result.EnumerateArray())
                {
                    values[int.Parse(series.GetProperty("metric").GetProperty("case").GetString()!)] = double.Parse(series.GetProperty("value")[1].GetString()!, CultureInfo.InvariantCulture);
                }

                return values;
            }

            await Task.Delay(100);
        }

        throw new InvalidOperationException($"{metric} does not exist for every body");
    }

    // Samples of the body, or -1 when it is refused.
    private static double Read(byte[] body, ExpositionFormat format, out string error)
    {
        var labels = new LabelSetBuilder();
        var reader = new ExpositionReader(body, format);
        var samples = 0;
        for (var entry = reader.Next(); entry != ExpositionEntry.End; entry = reader.Next())
        {
            if (entry == ExpositionEntry.Error || (entry == ExpositionEntry.Series && !reader.ReadLabels(labels)))
            {
                error = reader.ErrorMessage;
                return -1;
            }

            samples += entry == ExpositionEntry.Series ? 1 : 0;
        }

        error = "";
        return samples;
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static IEnumerable<string> Spoiled(Random random, string body, int count)
    {
        const string alphabet = "\n {}\"\\=,#1.eN_ax\t";
        for (var i = 0; i < count; i++)
        {
            var at = random.Next(body.Length);
            var letter = alphabet[random.Next(alphabet.Length)].ToString();
            yield return random.Next(3) switch
            {
                0 => body.Remove(at, 1),
                1 => body.Insert(at, letter),
                _ => body.Remove(at, 1).Insert(at, letter),
            };
        }
    }
}
