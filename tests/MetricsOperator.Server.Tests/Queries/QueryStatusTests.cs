using System.Net;
using System.Text.Json;
using MetricsOperator.Server.Queries;
using MetricsOperator.Server.Tests.Hosting;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Queries;

public sealed class QueryStatusTests
{
    [Fact]
    public async Task Costs_and_usage_are_told_and_survive_a_restart()
    {
        using var folder = new TempDir();
        await using (var server = await RunningServer.StartAsync(folder: folder))
        {
            await server.WriteAsync((LabelSet.Of(("__name__", "a"), ("x", "1")), DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), 1));
            await server.GetAsync("/api/v1/query?query=sum+by+(x)+(a)");
            await server.GetAsync("/api/v1/query?query=sum+by+(x)+(a)");
            await server.GetAsync("/api/v1/query?query=b{__ignore_usage__=%22%22}");
            await server.GetAsync("/api/v1/series?match[]=c");
            await server.GetAsync("/api/v1/labels");
            using var marked = new HttpRequestMessage(HttpMethod.Get, "/api/v1/query?query=d");
            marked.Headers.Add(QueryRecords.IgnoreHeader, "1");
            (await server.Client.SendAsync(marked)).Dispose();

            var queries = (await server.GetAsync("/api/v1/status/queries")).GetProperty("data");
            Assert.Equal(0, queries.GetProperty("running").GetArrayLength());
            Assert.Equal(0, queries.GetProperty("unfinished").GetArrayLength());
            var form = queries.GetProperty("heaviest").EnumerateArray().Single(f => f.GetProperty("query").GetString() == "sum by (x) (a)");
            Assert.Equal((2, 0), (form.GetProperty("count").GetInt32(), form.GetProperty("failures").GetInt32()));
            Assert.True(form.GetProperty("peakBytes").GetInt64() > 0);
            Assert.Equal(1, form.GetProperty("maxSamples").GetInt64());

            var usage = await UsageAsync(server);
            Assert.Equal(["a", "c"], Metrics(usage));
            Assert.Equal((3, 2), (usage.GetProperty("requestsCounted").GetInt32(), usage.GetProperty("requestsIgnored").GetInt32()));
        }

        await using var again = await RunningServer.StartAsync(folder: folder);
        var kept = await UsageAsync(again);
        Assert.Equal(["a", "c"], Metrics(kept));
        var a = kept.GetProperty("metrics").EnumerateArray().Single(m => m.GetProperty("metric").GetString() == "a");
        Assert.Equal((2, 2), (a.GetProperty("count").GetInt32(), a.GetProperty("labels").GetProperty("x").GetProperty("count").GetInt32()));
        Assert.Equal(0, a.GetProperty("allLabels").GetProperty("count").GetInt32());
        Assert.Equal(0, (await again.GetAsync("/api/v1/status/queries")).GetProperty("data").GetProperty("unfinished").GetArrayLength());
        Assert.Single(Metrics(await UsageAsync(again, "?limit=1")));
    }

    [Fact]
    public async Task A_query_that_cannot_be_read_is_a_bad_request_and_no_use()
    {
        await using var server = await RunningServer.StartAsync();
        var (status, text) = await server.TextAsync(HttpMethod.Get, "/api/v1/query?query=sum(");
        Assert.Equal(400, status);
        Assert.Contains("invalid parameter \\\"query\\\"", text, StringComparison.Ordinal);
        Assert.Empty(Metrics(await UsageAsync(server)));
    }

    [Fact]
    public async Task Broken_files_are_no_reason_not_to_start()
    {
        using var folder = new TempDir();
        Directory.CreateDirectory(folder["data"]);
        foreach (var name in (string[])[ActiveQueryLog.FileName, QueryDeaths.FileName, MetricUsageKeeper.FileName])
        {
            File.WriteAllText(folder[Path.Combine("data", name)], "\0nonsense{");
        }

        await using var server = await RunningServer.StartAsync(folder: folder);
        Assert.Equal("2", await server.ScalarAsync("vector(1 + 1)"));
        Assert.Equal(0, (await server.GetAsync("/api/v1/status/queries")).GetProperty("data").GetProperty("killers").GetArrayLength());
    }

    [Fact]
    public async Task Lifting_needs_the_admin_api_and_a_fingerprint()
    {
        await using var closed = await RunningServer.StartAsync();
        Assert.Equal(500, (await closed.TextAsync(HttpMethod.Post, QueryDeaths.LiftPath + "?fingerprint=0000000000000001")).Status);
        await using var open = await RunningServer.StartAsync("", null, "--web.enable-admin-api");
        Assert.Equal(400, (await open.TextAsync(HttpMethod.Post, QueryDeaths.LiftPath + "?fingerprint=1")).Status);
        Assert.Equal(404, (await open.TextAsync(HttpMethod.Post, QueryDeaths.LiftPath + "?fingerprint=0000000000000001")).Status);
        Assert.Equal((int)HttpStatusCode.MethodNotAllowed, (await open.TextAsync(HttpMethod.Get, QueryDeaths.LiftPath)).Status);
    }

    private static async Task<JsonElement> UsageAsync(RunningServer server, string parameters = "") =>
        (await server.GetAsync("/api/v1/status/usage" + parameters)).GetProperty("data");

    private static IEnumerable<string?> Metrics(JsonElement usage) =>
        usage.GetProperty("metrics").EnumerateArray().Select(m => m.GetProperty("metric").GetString()).Order(StringComparer.Ordinal);
}
