using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Exposition;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.Timeseries.Tests.Peers;

/// <summary>What we write is read, and what we match is matched, by a real Prometheus.</summary>
[Collection("meters")]
public sealed class PrometheusPeerTests
{
    [Fact]
    public async Task Remote_write_request_arrives_as_it_was_written()
    {
        await using var prometheus = await PrometheusPeer.StartAsync();
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        var writer = new WriteRequestWriter();
        writer.StartSeries(LabelSet.Of(("__name__", "peer_value"), ("job", "é\"\\")));
        writer.Sample(now, 0.1);
        writer.StartSeries(LabelSet.Of(("__name__", "peer_histogram")));
        writer.Histogram(now, new FloatHistogram
        {
            Schema = 3,
            ZeroThreshold = 0.001,
            ZeroCount = 1.5,
            Count = 9,
            Sum = -3.25,
            PositiveSpans = [new(-2, 2), new(3, 1)],
            PositiveBuckets = [1, 2, 3],
            NegativeSpans = [new(0, 1)],
            NegativeBuckets = [1.5],
        });
        using var content = new ByteArrayContent(SnappyBlock.Encode(writer.ToArray()));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        content.Headers.ContentEncoding.Add("snappy");
        using var response = await prometheus.Client.PostAsync("/api/v1/write", content);
        Assert.Equal((HttpStatusCode.NoContent, ""), (response.StatusCode, await response.Content.ReadAsStringAsync()));

        var value = (await prometheus.QueryAsync("peer_value", now / 1000.0)).GetProperty("data").GetProperty("result")[0];
        Assert.Equal("é\"\\", value.GetProperty("metric").GetProperty("job").GetString());
        Assert.Equal("0.1", value.GetProperty("value")[1].GetString());
        var histogram = (await prometheus.QueryAsync("peer_histogram", now / 1000.0)).GetProperty("data").GetProperty("result")[0].GetProperty("histogram")[1];
        Assert.Equal("9 -3.25", $"{histogram.GetProperty("count").GetString()} {histogram.GetProperty("sum").GetString()}");
        Assert.Equal(
            "1[-1,-0.9170040432046711]=1.5 3[-0.001,0.001]=1.5 0[0.7711054127039704,0.8408964152537144]=1 0[0.8408964152537144,0.9170040432046711]=2 0[1.189207115002721,1.2968395546510096]=3",
            string.Join(' ', histogram.GetProperty("buckets").EnumerateArray().Select(b => $"{b[0]}[{b[1]},{b[2]}]={b[3]}")));
    }

    [Fact]
    public async Task Expressions_match_what_they_match_in_prometheus()
    {
        string[] texts = ["", "a", "ab", "aab", "abc", "a.b", "a\nb", "A", "aB", "é", "日本", "😀", "a😀b", "1", "a1_", "-", "foo-bar", "a b", "\t"];
        string[] patterns =
        [
            "", "a", "a|b|", ".*", ".+", "a.*", ".*b", ".+b.*", ".*a.*", "a.b", "a.", "..", ".{2}", ".{3}", "[^a]", "[^a]*", "[^a]+", "[a-c]+", "[😀-😎]", "a[^b]b",
            "\\w+", "\\W", "\\d", "\\D+", "\\s", "\\S+", "[[:alpha:]]+", "[[:^alpha:]]+", "[\\w-]+", "\\pL+", "\\p{Lu}", "\\PL", "(?i)a", "(?i)ab", "(?i:a)b", "(?-s)a.b", "(?s)a.b", "(?-s).*",
            "\\Qa.b\\E", "\\x61", "\\x{1F600}", "\\141", "^a$", "^a|b$", "a^", "(a)(b)?", "(?:a*)*", "(a|ab)(c|bc)?", "a{2}b", "a{0,1}b", "a{,2}", "(?U)a+b", "(?U)(a+)(a*)b", "(a+?)(a*)b", "(a+)(a*)b",
            "\\bab\\b", "a\\Bb", "(?m)^a$\n^b$", "(?m)a$.*", "(?P<x>a)(?P<y>.*)", "[]a]+", "[^]a]", "[a-]+", "foo-(bar|baz)", "(foo|a)-?b?a?r?", "[a\\-z]+", "\\.", "a\\.b", "x*", "(?:|a)+", "(?:)", "a||b", "[[:word:]]+",
            "(", ")", "[", "a**", "*", "a{2,1}", "a{1001}", "(?=a)", "(?<=a)", "(?!a)", "(?>a)", "\\1", "(a)\\1", "\\C", "\\Z", "\\8", "a++", "[z-a]", "[[:no:]]", "\\p{No_such}", "(?P<1-a>b)", "(?P<a>b)(?P<a>c)", "\\", "(?z)", "\\x{110000}", "(?", "(?i", "[a", "a{1000}{2}",
        ];
        await using var prometheus = await PrometheusPeer.StartAsync();
        var problems = new List<string>();
        foreach (var pattern in patterns)
        {
            AnchoredRegex? regex = null;
            try
            {
                regex = new AnchoredRegex(pattern);
            }
            catch (ArgumentException)
            {
                // Prometheus has to refuse it as well.
            }

            foreach (var text in texts)
            {
                // Dot matches newline since Prometheus 3; the group says so to older ones.
                var query = $"label_replace(label_replace(vector(1), \"t\", {Quote(text)}, \"\", \"\"), \"r\", \"<$0|$1|$2>\", \"t\", {Quote($"(?s:{pattern})")})";
                var answer = await prometheus.QueryAsync(query);
                string? want = null;
                if (answer.GetProperty("status").GetString() == "success")
                {
                    var labels = answer.GetProperty("data").GetProperty("result")[0].GetProperty("metric");
                    want = labels.TryGetProperty("r", out var r) ? r.GetString() : "no match";
                }

                var got = regex is null ? null : regex.Expand(text, "<$0|$1|$2>") ?? "no match";
                if (want != got)
                {
                    problems.Add($"{Quote(pattern)} on {Quote(text)}: got {got ?? "refused"}, want {want ?? "refused"}");
                }

                if (regex is not null && regex.IsMatch(Encoding.UTF8.GetBytes(text)) != (got != "no match"))
                {
                    problems.Add($"{Quote(pattern)} on {Quote(text)}: IsMatch and Expand disagree");
                }
            }
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Fact]
    public async Task Our_metrics_pass_the_linter_of_prometheus()
    {
        var promtool = Peer.Require("promtool", "prometheus");
        using var registry = new MeterRegistry();
        using var meter = new Meter("MetricsOperator.Test.Lint");
        meter.CreateCounter<long>("lint_requests_total", description: "Requests.").Add(1, new KeyValuePair<string, object?>("path", "a\"b\\c\nd"));
        meter.CreateHistogram<double>("lint_seconds", description: "Took.").Record(0.3);
        var output = new ArrayBufferWriter<byte>();
        registry.WriteTo(output);

        using var process = Process.Start(new ProcessStartInfo(promtool, ["check", "metrics"]) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })!;
        await process.StandardInput.BaseStream.WriteAsync(output.WrittenMemory);
        process.StandardInput.Close();
        var complaints = await process.StandardError.ReadToEndAsync() + await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.DoesNotContain("parsing", complaints, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotMatch("(?m)^(lint|process|dotnet)_", complaints);
    }

    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            quoted.Append(c is '"' or '\\' ? "\\" + c : c == '\n' ? "\\n" : c == '\t' ? "\\t" : c.ToString(CultureInfo.InvariantCulture));
        }

        return quoted.Append('"').ToString();
    }
}
