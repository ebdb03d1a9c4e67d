using System.Text.Json;
using MetricsOperator.Server.Tests.Hosting;
using MetricsOperator.Server.Tests.RemoteWrite;
using MetricsOperator.Server.Tests.Scraping;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Http;

/// <summary>What changes stored data, and exemplars, over HTTP.</summary>
public sealed class AdminApiTests
{
    private const string Delete = "/api/v1/admin/tsdb/delete_series";
    private const string Clean = "/api/v1/admin/tsdb/clean_tombstones";
    private const string Snapshot = "/api/v1/admin/tsdb/snapshot";
    private const long T = 1_700_000_000_000;

    [Fact]
    public async Task Deleted_samples_are_gone_at_once_and_stay_gone()
    {
        using var folder = new TempDir();
        await using (var server = await StartAsync(folder))
        {
            Assert.Equal((204, ""), await server.TextAsync(HttpMethod.Post, $"{Delete}?match[]=a&match[]={{l=\"2\"}}&start=1700000001&end=1700000002"));
            await AssertLeftAsync(server);
            Assert.Equal((204, ""), await server.TextAsync(HttpMethod.Put, Clean));
            Assert.Equal((204, ""), await server.TextAsync(HttpMethod.Put, $"{Delete}?match[]=none"));
            await AssertLeftAsync(server);
        }

        await using var again = await RunningServer.StartAsync("", folder, "--web.enable-admin-api");
        await AssertLeftAsync(again);
        using var form = new FormUrlEncodedContent([new("match[]", "{l=~\".+\"}")]);
        using var answer = await again.Client.PostAsync(Delete, form);
        Assert.Equal(204, (int)answer.StatusCode);
        Assert.Equal("[]", (await again.GetAsync("/api/v1/series?match[]={l=~\".%2b\"}")).GetProperty("data").GetRawText());

        static async Task AssertLeftAsync(RunningServer server)
        {
            Assert.Equal("2", await server.ScalarAsync("count_over_time(a[1h])", (T / 1000) + 10));
            Assert.Equal("2", await server.ScalarAsync("count_over_time(b{l=\"2\"}[1h])", (T / 1000) + 10));
            Assert.Equal("4", await server.ScalarAsync("count_over_time(b{l=\"3\"}[1h])", (T / 1000) + 10));
        }
    }

    [Fact]
    public async Task A_snapshot_is_a_data_directory()
    {
        using var folder = new TempDir();
        await using var server = await StartAsync(folder);
        var name = (await PostAsync(server, Snapshot)).GetProperty("data").GetProperty("name").GetString()!;
        Assert.Matches("^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}$", name);
        var empty = (await PostAsync(server, $"{Snapshot}?skip_head=true")).GetProperty("data").GetProperty("name").GetString()!;
        Assert.Empty(Directory.GetFileSystemEntries(folder[$"data/snapshots/{empty}"]));
        using var restored = new TempDir();
        restored.CopyFrom(folder[$"data/snapshots/{name}"], "data");
        await using var copy = await RunningServer.StartAsync("", restored);
        Assert.Equal("4", await copy.ScalarAsync("count_over_time(a[1h])", (T / 1000) + 10));
    }

    [Theory]
    [InlineData("POST", Delete, 400, "bad_data", "no match[] parameter provided")]
    [InlineData("POST", Delete + "?match[]=a&start=x", 400, "bad_data", "invalid parameter \"start\": invalid time value for 'start': cannot parse \"x\" to a valid timestamp")]
    [InlineData("PUT", Delete + "?match[]=a{", 400, "bad_data", null)]
    [InlineData("POST", Snapshot + "?skip_head=maybe", 400, "bad_data", "invalid parameter \"skip_head\": unable to parse boolean: strconv.ParseBool: parsing \"maybe\": invalid syntax")]
    public async Task Wrong_parameters_have_their_error(string method, string path, int status, string type, string? message)
    {
        using var folder = new TempDir();
        await using var server = await StartAsync(folder);
        var (code, text) = await server.TextAsync(new HttpMethod(method), path);
        var answer = JsonDocument.Parse(text).RootElement;
        Assert.Equal((status, type), (code, answer.GetProperty("errorType").GetString()));
        Assert.Equal(message ?? answer.GetProperty("error").GetString(), answer.GetProperty("error").GetString());
        Assert.Equal("4", await server.ScalarAsync("count_over_time(a[1h])", (T / 1000) + 10));
        Assert.Equal((405, "Method Not Allowed\n"), await server.TextAsync(HttpMethod.Get, Delete));
    }

    [Theory]
    [InlineData(Delete + "?match[]=a")]
    [InlineData(Clean)]
    [InlineData(Snapshot)]
    public async Task Without_their_flag_they_are_refused(string path)
    {
        await using var server = await RunningServer.StartAsync();
        Assert.Equal((500, """{"status":"error","errorType":"unavailable","error":"admin APIs disabled"}"""), await server.TextAsync(HttpMethod.Post, path));
    }

    [Fact]
    public async Task Exemplars_of_the_selected_series_are_found_also_after_a_restart()
    {
        using var folder = new TempDir();
        await using (var server = await RunningServer.StartAsync("", folder))
        {
            await WriteAsync(server, "a_total", ("x", 0.5, T + 500), ("x", 0.5, T + 500), ("y", double.PositiveInfinity, T + 1000));
            await WriteAsync(server, "b_total", ("z", 3, T + 700));
            await AssertFoundAsync(server);
            var metrics = (await server.TextAsync(HttpMethod.Get, "/metrics")).Text;
            Assert.Contains("\nprometheus_tsdb_exemplar_exemplars_in_storage ", metrics, StringComparison.Ordinal);
            Assert.Contains("\nprometheus_tsdb_retention_limit_seconds ", metrics, StringComparison.Ordinal);
        }

        await using (var again = await RunningServer.StartAsync("", folder))
        {
            await AssertFoundAsync(again);
            again.Configure("storage: {exemplars: {max_exemplars: 1}}");
            Assert.Equal(200, (await again.TextAsync(HttpMethod.Post, "/-/reload")).Status);
            Assert.Equal(1, (await again.GetAsync("/api/v1/query_exemplars?query={job=\"j\"}")).GetProperty("data").GetArrayLength());
        }

        await using var off = await RunningServer.StartAsync("storage: {exemplars: {max_exemplars: 0}}", folder);
        Assert.Equal("[]", (await off.GetAsync("/api/v1/query_exemplars?query={job=\"j\"}")).GetProperty("data").GetRawText());

        static async Task AssertFoundAsync(RunningServer server)
        {
            const string OfA = """{"seriesLabels":{"__name__":"a_total","job":"j"},"exemplars":[{"labels":{"id":"x"},"value":"0.5","timestamp":1700000000.500},{"labels":{"id":"y"},"value":"+Inf","timestamp":1700000001}]}""";
            const string OfB = """{"seriesLabels":{"__name__":"b_total","job":"j"},"exemplars":[{"labels":{"id":"z"},"value":"3","timestamp":1700000000.700}]}""";
            Assert.Equal((200, $$"""{"status":"success","data":[{{OfA}},{{OfB}}]}"""), await server.TextAsync(HttpMethod.Get, "/api/v1/query_exemplars?query=rate(a_total[5m])/sum(b_total)"));
            using var form = new FormUrlEncodedContent([new("query", "b_total"), new("start", "1700000000"), new("end", "1700000000.7")]);
            using var answer = await server.Client.PostAsync("/api/v1/query_exemplars", form);
            Assert.Equal($$"""{"status":"success","data":[{{OfB}}]}""", await answer.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task Scraped_exemplars_are_kept_once()
    {
        await using var target = await TestTarget.StartAsync();
        target.ContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        target.Body = "# TYPE a counter\na_total 1 # {id=\"x\"} 0.25\n# EOF\n";
        await using var server = await RunningServer.StartAsync(
            $"scrape_configs: [{{job_name: j, scrape_interval: 100ms, static_configs: [{{targets: ['{target.Address}']}}]}}]");
        await Eventually.True(async () => await server.ScalarAsync("count_over_time(a_total[5m]) > 2") is not null, "three scrapes are in");
        var exemplar = (await server.GetAsync("/api/v1/query_exemplars?query=a_total")).GetProperty("data")[0].GetProperty("exemplars");
        Assert.Equal((1, """{"id":"x"}""", "0.25"), (exemplar.GetArrayLength(), exemplar[0].GetProperty("labels").GetRawText(), exemplar[0].GetProperty("value").GetString()));
    }

    [Theory]
    [InlineData("query=1%2b1", 204, "")]
    [InlineData("query=none", 200, """{"status":"success","data":[]}""")]
    [InlineData("query=none&start=5&end=1", 400, """{"status":"error","errorType":"bad_data","error":"end timestamp must not be before start timestamp"}""")]
    [InlineData("query=a)", 400, """{"status":"error","errorType":"bad_data","error":"1:3: parse error: unexpected right parenthesis ')'"}""")]
    public async Task Exemplar_queries_without_an_answer(string parameters, int status, string text)
    {
        await using var server = await RunningServer.StartAsync();
        Assert.Equal((status, text), await server.TextAsync(HttpMethod.Get, $"/api/v1/query_exemplars?{parameters}"));
    }

    private static async Task<RunningServer> StartAsync(TempDir folder)
    {
        var server = await RunningServer.StartAsync("", folder, "--web.enable-admin-api");
        var samples = Enumerable.Range(0, 4).SelectMany(i => new[]
        {
            (LabelSet.Of(("__name__", "a"), ("l", "1")), T + (i * 1000), (double)i),
            (LabelSet.Of(("__name__", "b"), ("l", "2")), T + (i * 1000), i),
            (LabelSet.Of(("__name__", "b"), ("l", "3")), T + (i * 1000), i),
        });
        Assert.Equal((204, ""), await server.WriteAsync([.. samples]));
        return server;
    }

    private static async Task WriteAsync(RunningServer server, string name, params (string Id, double Value, long TimestampMs)[] exemplars)
    {
        var message = WriteRequests.V1(LabelSet.Of(("__name__", name), ("job", "j")), T, 1, exemplars);
        Assert.Equal((204, ""), await WriteRequests.SendAsync(server.Client, message));
    }

    private static async Task<JsonElement> PostAsync(RunningServer server, string path) =>
        JsonDocument.Parse((await server.TextAsync(HttpMethod.Post, path)).Text).RootElement;
}
