using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using MetricsOperator.TestKit;
using MetricsOperator.TestKit.PromQL;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>The server and a real Prometheus, given the same samples by remote write, answer random queries alike.</summary>
public sealed class RandomQueryTests
{
    private const int Queries = 2000;
    private const int Reported = 10;

    /// <summary>Sums are compensated in one of the two and not in the other.</summary>
    private const double RelativeTolerance = 1e-9;

    private const double AbsoluteTolerance = 1e-9;

    [Fact]
    public async Task Server_answers_random_queries_as_prometheus()
    {
        var program = Peer.Require("prometheus", "prometheus");
        using var directory = new TempDir();
        await using var server = new ServerProcess(directory, "global: {scrape_interval: 1m}\n", "--storage.tsdb.retention.time=100y");
        await server.StartAsync();
        await using var prometheus = await PrometheusProcess.StartAsync(program, directory, directory["prometheus"], "--web.enable-remote-write-receiver");
        await SeededRandom.RunAsync(async random =>
        {
            var batch = Batch(new RandomData(random, QueryDialect.Prometheus242).Next());
            await WriteAsync(server.Http, batch);
            await WriteAsync(prometheus.Http, batch);

            var queries = new RandomQueries(random, QueryDialect.Prometheus242);
            var differences = new List<string>();
            int empty = 0, failing = 0;
            for (var i = 0; i < Queries; i++)
            {
                var (path, form) = Next(random, queries);
                var ours = await AskAsync(server.Http, path, form);
                var theirs = await AskAsync(prometheus.Http, path, form);
                if (theirs.Error.Length == 0 && await FormatAsync(prometheus.Http, form["query"]) is var layout && await FormatAsync(server.Http, form["query"]) is var formatted && formatted != layout)
                {
                    differences.Add($"format_query: {form["query"]}\n  want {layout}\n  got  {formatted}");
                }

                empty += theirs.Series.Count == 0 ? 1 : 0;
                failing += theirs.Error.Length > 0 ? 1 : 0;
                if (Difference(theirs, ours) is { } difference)
                {
                    differences.Add($"{path}: {string.Join(" ", form.Select(p => $"{p.Key}={p.Value}"))}\n  {difference}");
                }
            }

            TestContext.Current.TestOutputHelper!.WriteLine($"{Queries} queries, of which {empty} empty and {failing} errors");
            Assert.True(differences.Count == 0, $"{differences.Count} of {Queries} answers differ\n{string.Join('\n', differences.Take(Reported))}");
            Assert.InRange(failing, 0, Queries / 3);
            Assert.InRange(empty, 0, Queries / 2);
        });
    }

    private static (string Path, Dictionary<string, string> Form) Next(Random random, RandomQueries queries)
    {
        var start = queries.TimeMs();
        var step = queries.StepMs();
        var form = new Dictionary<string, string> { ["query"] = queries.Next() };
        if (random.Next(3) == 0)
        {
            form["time"] = Seconds(start);
            return ("api/v1/query", form);
        }

        form["start"] = Seconds(start);
        form["end"] = Seconds(start + (random.Next(10) * step));
        form["step"] = Seconds(step);
        return ("api/v1/query_range", form);
    }

    private static string Seconds(long timeMs) => (timeMs / 1000m).ToString(CultureInfo.InvariantCulture);

    private static byte[] Batch(IReadOnlyList<RandomSeries> series)
    {
        var writer = new WriteRequestWriter();
        foreach (var one in series)
        {
            writer.StartSeries(LabelSet.Of([.. one.Labels]));
            foreach (var (timestampMs, value) in one.Samples)
            {
                writer.Sample(timestampMs, value);
            }
        }

        return SnappyBlock.Encode(writer.ToArray());
    }

    private static async Task WriteAsync(HttpClient http, byte[] batch)
    {
        using var body = new ByteArrayContent(batch);
        body.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        body.Headers.ContentEncoding.Add("snappy");
        using var answer = await http.PostAsync("api/v1/write", body);
        Assert.True(answer.IsSuccessStatusCode, $"remote write to {http.BaseAddress}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    private static async Task<Answer> AskAsync(HttpClient http, string path, Dictionary<string, string> form)
    {
        using var body = new FormUrlEncodedContent(form);
        using var response = await http.PostAsync(path, body);
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        if (answer["status"]!.GetValue<string>() != "success")
        {
            return new Answer($"{(int)response.StatusCode} {answer["errorType"]}", answer["error"]!.GetValue<string>(), []);
        }

        var data = answer["data"]!;
        var type = data["resultType"]!.GetValue<string>();
        var samples = new Dictionary<string, double>();
        foreach (var (labels, values) in type == "scalar" ? [("{}", new JsonArray(data["result"]!.DeepClone()))] : data["result"]!.AsArray().Select(s => Series(s!)))
        {
            foreach (var sample in values)
            {
                samples.Add(string.Create(CultureInfo.InvariantCulture, $"{labels} at {sample![0]!.GetValue<double>()}"), double.Parse(sample[1]!.GetValue<string>().Replace("Inf", "Infinity", StringComparison.Ordinal), CultureInfo.InvariantCulture));
            }
        }

        return new Answer("200 " + type, string.Empty, samples);
    }

    private static async Task<string> FormatAsync(HttpClient http, string query)
    {
        using var body = new FormUrlEncodedContent(new Dictionary<string, string> { ["query"] = query });
        using var response = await http.PostAsync("api/v1/format_query", body);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!["data"]!.GetValue<string>();
    }

    private static (string Labels, JsonArray Values) Series(JsonNode series) => (
        string.Join(',', series["metric"]!.AsObject().OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}")),
        series["values"]?.AsArray() ?? new JsonArray(series["value"]!.DeepClone()));

    // Null when both answers are the same.
    private static string? Difference(Answer want, Answer got)
    {
        if (want.Outcome != got.Outcome)
        {
            return $"want {want.Outcome} {want.Error}, got {got.Outcome} {got.Error}";
        }

        foreach (var key in want.Series.Keys.Union(got.Series.Keys))
        {
            var (hasWant, hasGot) = (want.Series.TryGetValue(key, out var wanted), got.Series.TryGetValue(key, out var actual));
            if (!hasWant || !hasGot || !Near(wanted, actual))
            {
                return string.Create(CultureInfo.InvariantCulture, $"{key}: want {(hasWant ? wanted : "nothing")}, got {(hasGot ? actual : "nothing")}");
            }
        }

        return null;
    }

    private static bool Near(double a, double b) =>
        a == b || (double.IsNaN(a) && double.IsNaN(b)) || Math.Abs(a - b) <= AbsoluteTolerance + (RelativeTolerance * Math.Max(Math.Abs(a), Math.Abs(b)));

    /// <summary>Status and type of an answer, the text of an error, and the value by series and time.</summary>
    private sealed record Answer(string Outcome, string Error, Dictionary<string, double> Series);
}
