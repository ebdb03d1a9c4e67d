using System.IO.Compression;
using System.Net.Http.Headers;
using System.Text.Json;
using MetricsOperator.Server.Tests.Hosting;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Http;

/// <summary>What clients of the query API rely on beyond values: trees, layout, forms, limits, statistics, positions of errors.</summary>
public sealed class QueryApiTests : IAsyncLifetime
{
    private const long T = 1_700_000_000_000;
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        var samples = Enumerable.Range(0, 4).SelectMany(i => Enumerable.Range(0, 3).Select(n =>
            (LabelSet.Of(("__name__", "m_total"), ("n", n.ToString())), T + (i * 15_000), (double)(i + n))));
        Assert.Equal((204, ""), await _server.WriteAsync([.. samples]));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("-m_total{n=~\"1|2\"} offset 5m @ 1.5", """{"expr":{"matchers":[{"name":"n","type":"=~","value":"1|2"},{"name":"__name__","type":"=","value":"m_total"}],"name":"m_total","offset":300000,"startOrEnd":null,"timestamp":1500,"type":"vectorSelector"},"op":"-","type":"unaryExpr"}""")]
    [InlineData("topk by (n) (2, rate(m_total[5m] @ end()))", """{"expr":{"args":[{"matchers":[{"name":"__name__","type":"=","value":"m_total"}],"name":"m_total","range":300000,"offset":0,"startOrEnd":"end","timestamp":null,"type":"matrixSelector"}],"func":{"argTypes":["matrix"],"name":"rate","returnType":"vector","variadic":0},"type":"call"},"grouping":["n"],"op":"topk","param":{"type":"numberLiteral","val":"2"},"type":"aggregation","without":false}""")]
    [InlineData("a == bool on (n) group_left (x) (b)", """{"bool":true,"lhs":{"matchers":[{"name":"__name__","type":"=","value":"a"}],"name":"a","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"matching":{"card":"many-to-one","include":["x"],"labels":["n"],"on":true},"op":"==","rhs":{"expr":{"matchers":[{"name":"__name__","type":"=","value":"b"}],"name":"b","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"type":"parenExpr"},"type":"binaryExpr"}""")]
    [InlineData("1e-7 + 5m", """{"bool":false,"lhs":{"type":"numberLiteral","val":"0.0000001"},"matching":null,"op":"+","rhs":{"type":"numberLiteral","val":"300"},"type":"binaryExpr"}""")]
    [InlineData("a[10m:1m] offset 1m", """{"expr":{"matchers":[{"name":"__name__","type":"=","value":"a"}],"name":"a","offset":0,"startOrEnd":null,"timestamp":null,"type":"vectorSelector"},"range":600000,"step":60000,"offset":60000,"startOrEnd":null,"timestamp":null,"type":"subquery"}""")]
    [InlineData("\"text\"", """{"type":"stringLiteral","val":"text"}""")]
    public async Task Parsed_query_is_a_tree_of_objects(string query, string tree) =>
        Assert.Equal(tree, await DataAsync("parse_query?query=" + Uri.EscapeDataString(query)));

    [Fact]
    public async Task Parsed_query_may_be_as_deep_as_the_parser_allows()
    {
        var chain = string.Join('+', Enumerable.Repeat("1", 900));
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["query"] = chain });
        using var response = await _server.Client.PostAsync("/api/v1/parse_query", form);
        Assert.Equal(200, (int)response.StatusCode);
        var tree = JsonDocument.Parse(await response.Content.ReadAsStringAsync(), new JsonDocumentOptions { MaxDepth = 4096 }).RootElement.GetProperty("data");
        Assert.Equal("binaryExpr", tree.GetProperty("type").GetString());
    }

    [Fact]
    public async Task Formatted_query_stays_on_one_line_or_has_one_for_each_part()
    {
        Assert.Equal("\"sum by (n) (rate(m_total{n=\\\"1\\\"}[5m]))\"", await DataAsync("format_query?query=" + Uri.EscapeDataString("sum(rate(m_total{n=\"1\",}[5m]))by(n)")));

        const string Long = "histogram_quantile(0.9,sum by(le)(rate(a_name_that_is_rather_long_bucket{job=\"some_job_of_ours\"}[5m])))/ignoring(x)group_left another_rather_long_name{job=\"b\"}";
        var formatted = JsonDocument.Parse(await DataAsync("format_query?query=" + Uri.EscapeDataString(Long))).RootElement.GetString();
        Assert.Equal(
            """
              histogram_quantile(
                0.9,
                sum by (le) (rate(a_name_that_is_rather_long_bucket{job="some_job_of_ours"}[5m]))
              )
            / ignoring (x) group_left ()
              another_rather_long_name{job="b"}
            """.ReplaceLineEndings("\n"),
            formatted);
    }

    [Theory]
    [InlineData("query", "query", "m_total", "time", "1700000045")]
    [InlineData("query_range", "query", "sum(m_total)", "start", "1700000000", "end", "1700000045", "step", "15")]
    [InlineData("format_query", "query", "sum(m_total)by(n)")]
    [InlineData("parse_query", "query", "m_total")]
    [InlineData("query_exemplars", "query", "m_total", "start", "1700000000", "end", "1700000045")]
    [InlineData("series", "match[]", "m_total", "end", "1700000045")]
    [InlineData("labels", "match[]", "m_total", "start", "1700000000")]
    public async Task Form_answers_what_the_url_does(string path, params string[] parameters)
    {
        var pairs = parameters.Chunk(2).Select(p => KeyValuePair.Create(p[0], p[1])).ToList();
        using var form = new FormUrlEncodedContent(pairs);
        var query = await form.ReadAsStringAsync();
        using var response = await _server.Client.PostAsync("/api/v1/" + path, form);
        var (status, text) = await _server.TextAsync(HttpMethod.Get, $"/api/v1/{path}?{query}");
        Assert.Equal((200, text), ((int)response.StatusCode, await response.Content.ReadAsStringAsync()));
        Assert.Equal(200, status);
        Assert.StartsWith("{\"status\":\"success\",\"data\":", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("query?query=m_total&time=1700000045&limit=2", 2)]
    [InlineData("query_range?query=m_total&start=1700000000&end=1700000045&step=15&limit=2", 2)]
    [InlineData("series?match[]=m_total&limit=1", 1)]
    [InlineData("labels?limit=1", 1)]
    [InlineData("label/n/values?match[]=m_total&start=1700000000&limit=2", 2)]
    public async Task Limit_cuts_the_answer_and_warns(string path, int count)
    {
        var answer = await _server.GetAsync("/api/v1/" + path);
        var data = answer.GetProperty("data");
        Assert.Equal(count, (data.ValueKind == JsonValueKind.Array ? data : data.GetProperty("result")).GetArrayLength());
        Assert.Equal("""["results truncated due to limit"]""", answer.GetProperty("warnings").GetRawText());

        var all = await _server.GetAsync("/api/v1/" + path[..path.LastIndexOf('=')] + "=0");
        Assert.False(all.TryGetProperty("warnings", out _));
    }

    [Theory]
    [InlineData("label/n/values?end=1700000000&match[]=m_total{n!=\"0\"}", """["1","2"]""")]
    [InlineData("label/n/values?match[]=m_total{n=\"0\"}&match[]=m_total{n=\"2\"}", """["0","2"]""")]
    [InlineData("label/U__n/values", """["0","1","2"]""")]
    [InlineData("labels?match[]=none", "[]")]
    [InlineData("metadata?limit=0", "{}")]
    public async Task Matchers_and_times_choose_labels(string path, string data) => Assert.Equal(data, await DataAsync(path));

    [Fact]
    public async Task Statistics_count_samples_and_on_demand_those_of_each_step()
    {
        const string Range = "query_range?query=m_total&start=1700000000&end=1700000045&step=15";
        var plain = (await _server.GetAsync($"/api/v1/{Range}&stats=true")).GetProperty("data").GetProperty("stats").GetProperty("samples");
        Assert.Equal("""{"totalQueryableSamples":12,"peakSamples":12}""", plain.GetRawText());

        await using var detailed = await RunningServer.StartAsync(moreFlags: "--enable-feature=promql-per-step-stats");
        var steps = (await detailed.GetAsync("/api/v1/query_range?query=vector(1)&start=0&end=10&step=5&stats=all")).GetProperty("data").GetProperty("stats").GetProperty("samples");
        Assert.Equal("[[0,0],[5,0],[10,0]]", steps.GetProperty("totalQueryableSamplesPerStep").GetRawText());
        Assert.False((await _server.GetAsync($"/api/v1/{Range}&stats=all")).GetProperty("data").GetProperty("stats").GetProperty("samples").TryGetProperty("totalQueryableSamplesPerStep", out _));
        Assert.False((await _server.GetAsync($"/api/v1/{Range}")).GetProperty("data").TryGetProperty("stats", out _));
    }

    [Theory]
    [InlineData("query?query=sum(", "invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis")]
    [InlineData("query?query=foo(up)", "invalid parameter \"query\": 1:1: parse error: unknown function with name \"foo\"")]
    [InlineData("parse_query?query=up[5m][5m]", "invalid parameter \"query\": 1:7: parse error: ranges only allowed for vector selectors")]
    [InlineData("format_query?query=up and on(a) group_left b", "invalid parameter \"query\": 1:1: parse error: no grouping allowed for \"and\" operation")]
    [InlineData("parse_query?query=", "invalid parameter \"query\": 1:1: parse error: no expression found in input")]
    [InlineData("query_exemplars?query=up{", "1:4: parse error: unexpected end of input inside braces")]
    [InlineData("metadata?limit=x", "limit must be a number")]
    [InlineData("metadata?limit_per_metric=x", "limit_per_metric must be a number")]
    public async Task Errors_say_where_in_the_query(string path, string message)
    {
        var (status, text) = await _server.TextAsync(HttpMethod.Get, "/api/v1/" + path);
        Assert.Equal((400, message), (status, JsonDocument.Parse(text).RootElement.GetProperty("error").GetString()));
    }

    [Fact]
    public async Task Remarks_say_where_in_the_query()
    {
        var answer = await _server.GetAsync("/api/v1/query?time=1700000045&query=" + Uri.EscapeDataString("quantile(2,\n rate(up_m[1m])) or quantile(3, m_total)"));
        Assert.Equal("""["PromQL warning: quantile value should be between 0 and 1, got 2 (1:10)","PromQL warning: quantile value should be between 0 and 1, got 3 (2:30)"]""", answer.GetProperty("warnings").GetRawText());
    }

    [Fact]
    public async Task Answers_are_deflated_for_who_names_that_first()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/query?query=m_total");
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("deflate"));
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
        using var response = await _server.Client.SendAsync(request);
        Assert.Equal("deflate", response.Content.Headers.ContentEncoding.Single());
        await using var zlib = new ZLibStream(await response.Content.ReadAsStreamAsync(), CompressionMode.Decompress);
        Assert.StartsWith("{\"status\":\"success\"", await new StreamReader(zlib).ReadToEndAsync(), StringComparison.Ordinal);
    }

    private async Task<string> DataAsync(string path) => (await _server.GetAsync("/api/v1/" + path)).GetProperty("data").GetRawText();
}
