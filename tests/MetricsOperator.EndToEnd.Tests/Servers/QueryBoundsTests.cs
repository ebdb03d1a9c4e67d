using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.EndToEnd.Tests.Processes;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.EndToEnd.Tests.Servers;

/// <summary>
/// Queries over far more data than the memory budget holds, under a real kernel limit: each answers or is refused with the limit named, the process lives, and
/// what is written meanwhile is taken in time. <c>BOUNDS_SERIES</c>, <c>BOUNDS_SAMPLES</c> and <c>BOUNDS_MB</c> set the size.
/// </summary>
public sealed class QueryBoundsTests
{
    private const int StepMs = 15_000;
    private const int Batch = 5000;
    private const int SamplesAtOnce = 20;
    private const int LiveSeries = 1000;
    private const int Clients = 4;
    private static readonly TimeSpan ScrapeInterval = TimeSpan.FromSeconds(15);

    private static readonly int Series = (int)RescueTests.Number("BOUNDS_SERIES", 100_000);
    private static readonly int Samples = (int)RescueTests.Number("BOUNDS_SAMPLES", 60);
    private static readonly long BudgetMb = RescueTests.Number("BOUNDS_MB", 128);

    private static readonly string[] Queries =
    [
        "count(bounds_test)",
        "bounds_test",
        "sum by (part) (rate(bounds_test[5m]))",
        "topk(10, bounds_test)",
        "bounds_test[1h]",
        "quantile_over_time(0.9, bounds_test[1h])",
        "sort_desc(bounds_test)",
        "label_replace(bounds_test, \"copy\", \"$1\", \"pod\", \"(.*)\")",
        "bounds_test * on (session) group_left () bounds_test",
        "max_over_time(sum by (pod) (bounds_test)[1h:1m])",
    ];

    [Fact]
    public async Task Queries_over_more_than_the_budget_answer_or_are_refused_and_writes_go_on()
    {
        using var group = MemoryGroup.TryCreate(BudgetMb << 20, out var problem);
        Assert.SkipWhen(group is null && Environment.GetEnvironmentVariable("CI") != "true", problem);
        Assert.NotNull(group);
        using var directory = new TempDir();
        var end = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        await using (var loading = new ServerProcess(directory, "global: {scrape_interval: 15s}\n"))
        {
            await loading.StartAsync();
            await LoadAsync(loading.Http, end);
            Assert.Equal(0, await loading.StopAsync());
        }

        await using var server = new ServerProcess(directory, "global: {scrape_interval: 15s}\n", string.Create(CultureInfo.InvariantCulture, $"--memory.budget={BudgetMb}Mi")) { Group = group };
        server.Begin();
        Assert.True(await server.IsReadyWithinAsync(TimeSpan.FromMinutes(10)), server.Log);
        using var stop = new CancellationTokenSource();
        var writing = WriteAsync(server, stop.Token);
        var answers = new List<string>();
        var clients = Enumerable.Range(0, Clients).Select(client => Task.Run(() => AskAsync(server, client, end, answers))).ToArray();
        try
        {
            await Task.WhenAll(clients);
        }
        catch (HttpRequestException e)
        {
            Assert.Fail($"{e.Message}; {group.Kills} kills by the kernel, most used {group.PeakBytes >> 20} MiB; answers:\n{string.Join('\n', answers)}\nlog:\n{server.Log[^Math.Min(server.Log.Length, 6000)..]}");
        }

        await stop.CancelAsync();
        var (writes, longest) = await writing;
        var output = TestContext.Current.TestOutputHelper!;
        answers.ForEach(output.WriteLine);
        output.WriteLine($"{Series} series x {Samples} in {BudgetMb} MiB: {writes} writes, the longest {longest.TotalSeconds:F2} s; most used {group.PeakBytes >> 20} MiB");
        Assert.Equal(0, group.Kills);
        Assert.True(writes > 0, "nothing was written meanwhile");
        Assert.True(longest < ScrapeInterval, $"a write took {longest}");

        // What needs little is answered, whatever ran before.
        var count = await server.GetDataAsync($"api/v1/query?query={Uri.EscapeDataString("count(bounds_live)")}");
        Assert.Equal(LiveSeries.ToString(CultureInfo.InvariantCulture), count["result"]![0]!["value"]![1]!.GetValue<string>());
        Assert.Contains(answers, a => a.StartsWith("200", StringComparison.Ordinal));
        Assert.Equal(0, await server.StopAsync());
    }

    // All queries at one time and over the hour, each client in another order.
    private static async Task AskAsync(ServerProcess server, int client, long endMs, List<string> answers)
    {
        using var http = new HttpClient { BaseAddress = server.Http.BaseAddress, Timeout = TimeSpan.FromMinutes(5) };
        var end = (endMs / 1000.0).ToString("F3", CultureInfo.InvariantCulture);
        var start = ((endMs / 1000.0) - 3600).ToString("F3", CultureInfo.InvariantCulture);
        for (var i = 0; i < Queries.Length * 2; i++)
        {
            var query = Queries[(i + (client * 3)) % Queries.Length];
            var isRange = i % 2 == 1 && !query.EndsWith("[1h]", StringComparison.Ordinal);
            var escaped = Uri.EscapeDataString(query);
            var path = isRange ? $"api/v1/query_range?query={escaped}&start={start}&end={end}&step=60" : $"api/v1/query?query={escaped}&time={end}";
            var clock = Stopwatch.StartNew();
            using var answer = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            await using var body = await answer.Content.ReadAsStreamAsync();
            string error;
            if (answer.IsSuccessStatusCode)
            {
                await body.CopyToAsync(Stream.Null);
                error = "answered";
            }
            else
            {
                error = JsonNode.Parse(await new StreamReader(body).ReadToEndAsync())!["error"]!.GetValue<string>();
                Assert.True((int)answer.StatusCode is 422 or 503, $"{(int)answer.StatusCode} {error}");
                Assert.Contains("--", error, StringComparison.Ordinal);
                await Task.Delay(500);
            }

            lock (answers)
            {
                answers.Add(string.Create(CultureInfo.InvariantCulture, $"{(int)answer.StatusCode} {clock.Elapsed.TotalSeconds:F1} s {(isRange ? "range" : "instant")} {query}: {error}"));
            }
        }
    }

    private static async Task<(int Count, TimeSpan Longest)> WriteAsync(ServerProcess server, CancellationToken stop)
    {
        var (count, longest) = (0, TimeSpan.Zero);
        for (; !stop.IsCancellationRequested; count++)
        {
            var request = new WriteRequestWriter();
            var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            for (var i = 0; i < LiveSeries; i++)
            {
                request.StartSeries(LabelSet.Of(("__name__", "bounds_live"), ("i", i.ToString(CultureInfo.InvariantCulture))));
                request.Sample(now, i);
            }

            var clock = Stopwatch.StartNew();
            await server.Http.WriteAsync(request);
            longest = clock.Elapsed > longest ? clock.Elapsed : longest;
            await Task.Delay(200, CancellationToken.None);
        }

        return (count, longest);
    }

    private static async Task LoadAsync(HttpClient http, long endMs)
    {
        for (var sample = 0; sample < Samples; sample += SamplesAtOnce)
        {
            for (var first = 0; first < Series; first += Batch)
            {
                var request = new WriteRequestWriter();
                for (var i = first; i < Math.Min(first + Batch, Series); i++)
                {
                    request.StartSeries(LabelSet.Of(
                        ("__name__", "bounds_test"), ("instance", $"10.0.{i / 250 % 250}.{i % 250}:8080"), ("job", "bounds"),
                        ("part", (i % 10).ToString(CultureInfo.InvariantCulture)), ("pod", $"app-{i / 100:x8}"), ("session", $"{i:x16}")));
                    for (var s = sample; s < Math.Min(sample + SamplesAtOnce, Samples); s++)
                    {
                        request.Sample(endMs - ((Samples - s) * (long)StepMs), (i * 0.5) + (s * (i % 7)));
                    }
                }

                await http.WriteAsync(request);
            }
        }
    }
}
