using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using MetricsOperator.Server.Tests.Hosting;
using MetricsOperator.Server.Tests.Scraping;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Http;

/// <summary>The API of a whole server over HTTP: envelopes, errors, values, and what it knows of its targets.</summary>
public sealed class ApiTests : IAsyncLifetime
{
    private const long T = 1_700_000_000_000;
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        var samples = new List<(LabelSet, long, double)>();
        for (var i = 0; i < 4; i++)
        {
            samples.Add((LabelSet.Of(("__name__", "m"), ("l", "ä\"1")), T + (i * 15_500), i * 0.5));
            samples.Add((LabelSet.Of(("__name__", "m"), ("l", "2")), T + (i * 15_500), 1e21 * i));
        }

        Assert.Equal((204, ""), await _server.WriteAsync([.. samples.OrderBy(s => s.Item2)]));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Instant_query_answers_vectors_scalars_and_strings()
    {
        Assert.Equal(
            """{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"m","l":"2"},"value":[1700000020.500,"1e+21"]},{"metric":{"__name__":"m","l":"ä\"1"},"value":[1700000020.500,"0.5"]}]}}""",
            (await _server.TextAsync(HttpMethod.Get, "/api/v1/query?query=sort_desc(m)&time=1700000020.5")).Text);
        Assert.Equal("""{"resultType":"scalar","result":[1.5,"NaN"]}""", (await _server.GetAsync("/api/v1/query?query=NaN&time=1.5")).GetProperty("data").GetRawText());
        Assert.Equal("""{"resultType":"scalar","result":[12,"1000000000000000000000"]}""", (await _server.GetAsync("/api/v1/query?query=1e21&time=12")).GetProperty("data").GetRawText());
        Assert.Equal("""{"resultType":"scalar","result":[12.001,"0.00000001"]}""", (await _server.GetAsync("/api/v1/query?query=1e-8&time=12.001")).GetProperty("data").GetRawText());
        Assert.Equal("""{"resultType":"string","result":[7,"x<y"]}""", (await _server.GetAsync("/api/v1/query?query=%22x%3Cy%22&time=1970-01-01T00:00:07Z")).GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task Range_query_by_form_answers_a_matrix_with_statistics()
    {
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["query"] = "m{l=\"2\"} / 1e21",
            ["start"] = "1700000000",
            ["end"] = "1700000031",
            ["step"] = "15.5",
            ["stats"] = "true",
        });
        using var response = await _server.Client.PostAsync("/api/v1/query_range", form);
        var data = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement.GetProperty("data");
        Assert.Equal("""[{"metric":{"l":"2"},"values":[[1700000000,"0"],[1700000015.500,"1"],[1700000031,"2"]]}]""", data.GetProperty("result").GetRawText());
        Assert.True(data.GetProperty("stats").GetProperty("timings").GetProperty("evalTotalTime").GetDouble() >= 0);
    }

    [Theory]
    [InlineData("/api/v1/query?query=m)", 400, "bad_data", "invalid parameter \"query\": 1:3: parse error: unexpected right parenthesis ')'")]
    [InlineData("/api/v1/query?query=1&time=abc", 400, "bad_data", "invalid parameter \"time\": invalid time value for 'time': cannot parse \"abc\" to a valid timestamp")]
    [InlineData("/api/v1/query_range?query=1&start=0&end=10&step=0", 400, "bad_data", "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer")]
    [InlineData("/api/v1/query_range?query=1&start=0&end=11001&step=1", 400, "bad_data", "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")]
    [InlineData("/api/v1/query_range?query=1&start=5&end=1&step=1", 400, "bad_data", "invalid parameter \"end\": end timestamp must not be before start time")]
    [InlineData("/api/v1/query_range?query=m[1m]&start=0&end=1&step=1", 400, "bad_data", "invalid parameter \"query\": invalid expression type \"range vector\" for range query, must be Scalar or instant Vector")]
    [InlineData("/api/v1/query_range?query=1&end=1&step=1", 400, "bad_data", "invalid parameter \"start\": cannot parse \"\" to a valid timestamp")]
    [InlineData("/api/v1/query?query=m*on()m&time=1700000000", 422, "execution", null)]
    [InlineData("/api/v1/series", 400, "bad_data", "no match[] parameter provided")]
    [InlineData("/api/v1/series?match[]={l=~\".*\"}", 400, "bad_data", null)]
    [InlineData("/api/v1/labels?limit=-1", 400, "bad_data", "invalid parameter \"limit\": limit must be non-negative")]
    [InlineData("/api/v1/status/tsdb?limit=0", 400, "bad_data", "limit must be a positive number")]
    public async Task Errors_have_type_status_and_text(string path, int status, string type, string? message)
    {
        var (code, text) = await _server.TextAsync(HttpMethod.Get, path);
        var answer = JsonDocument.Parse(text).RootElement;
        Assert.Equal((status, "error", type), (code, answer.GetProperty("status").GetString(), answer.GetProperty("errorType").GetString()));
        Assert.Equal(message ?? answer.GetProperty("error").GetString(), answer.GetProperty("error").GetString());
    }

    [Fact]
    public async Task Series_and_labels_are_listed_with_limits()
    {
        Assert.Equal("""[{"__name__":"m","l":"2"},{"__name__":"m","l":"ä\"1"}]""", (await _server.GetAsync("/api/v1/series?match[]=m&match[]={l=\"2\"}")).GetProperty("data").GetRawText());
        Assert.Equal("""["__name__","l"]""", (await _server.GetAsync("/api/v1/labels?match[]=m")).GetProperty("data").GetRawText());
        Assert.Equal("""["2","ä\"1"]""", (await _server.GetAsync("/api/v1/label/l/values")).GetProperty("data").GetRawText());
        var limited = await _server.GetAsync("/api/v1/label/l/values?limit=1");
        Assert.Equal(("""["2"]""", """["results truncated due to limit"]"""), (limited.GetProperty("data").GetRawText(), limited.GetProperty("warnings").GetRawText()));
        Assert.Equal("[]", (await _server.GetAsync("/api/v1/label/none/values")).GetProperty("data").GetRawText());
    }

    [Theory]
    [InlineData("GET", "/nothing", 404, "404 page not found\n")]
    [InlineData("GET", "/api/v1/nothing", 404, "404 page not found\n")]
    [InlineData("DELETE", "/api/v1/query", 405, "Method Not Allowed\n")]
    [InlineData("GET", "/-/reload", 405, "Only POST or PUT requests allowed\n")]
    [InlineData("GET", "/-/healthy", 200, "Prometheus Server is Healthy.\n")]
    [InlineData("GET", "/-/ready", 200, "Prometheus Server is Ready.\n")]
    [InlineData("OPTIONS", "/api/v1/query", 204, "")]
    public async Task Plain_answers_are_those_of_prometheus(string method, string path, int status, string text) =>
        Assert.Equal((status, text), await _server.TextAsync(new HttpMethod(method), path));

    [Fact]
    public async Task Answers_are_compressed_for_who_takes_gzip_and_name_the_origin()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/query?query=m");
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        request.Headers.Add("Origin", "http://grafana");
        using var response = await _server.Client.SendAsync(request);
        Assert.Equal("gzip", response.Content.Headers.ContentEncoding.Single());
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("http://grafana", response.Headers.GetValues("Access-Control-Allow-Origin").Single());
        await using var gzip = new GZipStream(await response.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        Assert.StartsWith("{\"status\":\"success\"", await new StreamReader(gzip, Encoding.UTF8).ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_pages_tell_about_the_process()
    {
        var runtime = (await _server.GetAsync("/api/v1/status/runtimeinfo")).GetProperty("data");
        Assert.Equal(("ready", "", "15d"), (runtime.GetProperty("phase").GetString(), runtime.GetProperty("configError").GetString(), runtime.GetProperty("storageRetention").GetString()));
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", runtime.GetProperty("configHash").GetString());
        Assert.Equal("true", (await _server.GetAsync("/api/v1/status/flags")).GetProperty("data").GetProperty("web.enable-lifecycle").GetString());
        Assert.Contains("scrape_interval: 1m", (await _server.GetAsync("/api/v1/status/config")).GetProperty("data").GetProperty("yaml").GetString(), StringComparison.Ordinal);
        Assert.Equal("3.5.0", (await _server.GetAsync("/api/v1/status/buildinfo")).GetProperty("data").GetProperty("version").GetString());
        var head = (await _server.GetAsync("/api/v1/status/tsdb")).GetProperty("data");
        Assert.Equal(2, head.GetProperty("headStats").GetProperty("numSeries").GetInt64());
        Assert.Equal("""{"name":"m","value":2}""", head.GetProperty("seriesCountByMetricName")[0].GetRawText());
        Assert.Contains("# TYPE prometheus_config_last_reload_successful gauge", (await _server.TextAsync(HttpMethod.Get, "/metrics")).Text, StringComparison.Ordinal);
        Assert.Contains("<form", (await _server.TextAsync(HttpMethod.Get, "/")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Targets_and_their_metadata_are_shown()
    {
        await using var target = await TestTarget.StartAsync();
        target.Body = "# HELP a What a is.\n# TYPE a counter\na 1\n";
        _server.Configure($$"""
            scrape_configs:
            - job_name: j
              scrape_interval: 100ms
              static_configs: [{targets: ['{{target.Address}}', 'drop:1']}]
              relabel_configs: [{source_labels: [__address__], regex: 'drop.*', action: drop}]
            """);
        Assert.Equal((200, ""), await _server.TextAsync(HttpMethod.Post, "/-/reload"));
        await Eventually.True(async () => await _server.ScalarAsync("a") == "1", "the target is scraped");
        var targets = (await _server.GetAsync("/api/v1/targets")).GetProperty("data");
        var active = targets.GetProperty("activeTargets")[0];
        Assert.Equal(("up", "j", "", "100ms"), (active.GetProperty("health").GetString(), active.GetProperty("scrapePool").GetString(), active.GetProperty("lastError").GetString(), active.GetProperty("scrapeInterval").GetString()));
        Assert.Equal($"http://{target.Address}/metrics", active.GetProperty("scrapeUrl").GetString());
        Assert.Equal("drop:1", targets.GetProperty("droppedTargets")[0].GetProperty("discoveredLabels").GetProperty("__address__").GetString());
        Assert.Equal("""{"j":1}""", targets.GetProperty("droppedTargetCounts").GetRawText());
        Assert.Equal("""{"a":[{"type":"counter","help":"What a is.","unit":""}]}""", (await _server.GetAsync("/api/v1/metadata")).GetProperty("data").GetRawText());
        Assert.Equal("a", (await _server.GetAsync("/api/v1/targets/metadata?match_target={job=\"j\"}")).GetProperty("data")[0].GetProperty("metric").GetString());
        Assert.Equal("""{"scrapePools":["j"]}""", (await _server.GetAsync("/api/v1/scrape_pools")).GetProperty("data").GetRawText());
    }
}
