using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Tests.Http;

public sealed class ReadingTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task Paged_list_is_one_consistent_snapshot()
    {
        foreach (var name in new[] { "page-a", "page-b", "page-c" })
        {
            await world.Post(Maps, Map(name, "page"));
        }

        var first = await world.Get($"{Maps}?labelSelector=set%3Dpage&limit=2");
        await world.Delete($"{Maps}/page-c");
        await world.Post(Maps, Map("page-d", "page"));
        var rest = await world.Get($"{Maps}?labelSelector=set%3Dpage&limit=2&continue={first.Json["metadata"]!["continue"]}");

        Assert.Equal(["page-a", "page-b"], Names(first));
        Assert.Equal(["page-c"], Names(rest));
        Assert.Equal(first.Version, rest.Version);
        Assert.Null(rest.Json["metadata"]!["continue"]);
    }

    [Fact]
    public async Task List_counts_what_remains()
    {
        await world.Post("/api/v1/namespaces", """{"metadata":{"name":"counted"}}""");
        foreach (var name in new[] { "a", "b", "c" })
        {
            await world.Post("/api/v1/namespaces/counted/secrets", $$"""{"metadata":{"name":"{{name}}"} }""");
        }

        var page = await world.Get("/api/v1/namespaces/counted/secrets?limit=1");

        Assert.Equal(2, (int?)page.Json["metadata"]!["remainingItemCount"]);
        Assert.Equal("SecretList", (string?)page.Json["kind"]);
    }

    [Theory]
    [InlineData("set%3Dsel", "s1,s2")]
    [InlineData("set%3Dsel,n!%3D1", "s2")]
    [InlineData("set+in+(sel,x),n+notin+(2)", "s1")]
    [InlineData("set%3Dsel,!n", "")]
    public async Task Label_selectors_select(string selector, string names)
    {
        await world.Post(Maps, """{"metadata":{"name":"s1","labels":{"set":"sel","n":"1"}}}""");
        await world.Post(Maps, """{"metadata":{"name":"s2","labels":{"set":"sel","n":"2"}}}""");

        Assert.Equal(names, string.Join(',', Names(await world.Get($"{Maps}?labelSelector={selector}"))));
    }

    [Fact]
    public async Task Field_selector_on_an_unknown_field_is_refused()
    {
        var answer = await world.Get($"{Maps}?fieldSelector=data.k%3D1");

        Assert.Equal(400, answer.Code);
        Assert.Equal("field label not supported: data.k", answer.Message);
    }

    [Fact]
    public async Task Metadata_form_has_no_data()
    {
        await world.Post(Maps, Map("partial", "partial"));

        var answer = await world.Get($"{Maps}?labelSelector=set%3Dpartial", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json");

        Assert.Equal("PartialObjectMetadataList", (string?)answer.Json["kind"]);
        var item = answer.Json["items"]![0]!.AsObject();
        Assert.Equal("PartialObjectMetadata", (string?)item["kind"]);
        Assert.Equal("partial", (string?)item["metadata"]!["name"]);
        Assert.False(item.ContainsKey("data"));
    }

    [Fact]
    public async Task Protobuf_alone_is_not_acceptable()
    {
        Assert.Equal(406, (await world.Get(Maps, "application/vnd.kubernetes.protobuf")).Code);
    }

    [Fact]
    public async Task Watch_goes_on_where_a_list_ended_and_respects_selectors()
    {
        await world.Post(Maps, Map("w1", "watch"));
        var list = await world.Get($"{Maps}?labelSelector=set%3Dwatch");
        await world.Post(Maps, Map("w2", "watch"));
        await world.Post(Maps, Map("other", "unrelated"));
        await world.Patch($"{Maps}/w1", """{"metadata":{"labels":{"set":"left"}}}""", "merge-patch+json");

        var events = await Watch($"{Maps}?watch=true&labelSelector=set%3Dwatch&resourceVersion={list.Version}&allowWatchBookmarks=true&timeoutSeconds=1");

        Assert.Equal(["ADDED w2", "DELETED w1", "BOOKMARK "], events.Select(e => $"{e["type"]} {e["object"]!["metadata"]!["name"]}"));
        Assert.True(long.Parse((string)events[^1]["object"]!["metadata"]!["resourceVersion"]!) >= long.Parse(list.Version!));
    }

    [Fact]
    public async Task Watch_without_a_version_begins_with_what_exists()
    {
        await world.Post(Maps, Map("begin", "begin"));

        var events = await Watch($"{Maps}?watch=1&labelSelector=set%3Dbegin&timeoutSeconds=1");

        Assert.Equal("ADDED", (string?)Assert.Single(events)["type"]);
    }

    [Fact]
    public async Task Watch_from_before_a_restart_is_gone()
    {
        await world.Post(Maps, Map("gone", "gone"));
        await world.RestartAsync();

        var events = await Watch($"{Maps}?watch=1&resourceVersion=1&timeoutSeconds=5");

        var error = Assert.Single(events);
        Assert.Equal("ERROR", (string?)error["type"]);
        Assert.Equal(410, (int?)error["object"]!["code"]);
        Assert.Equal("Expired", (string?)error["object"]!["reason"]);
        Assert.Equal(200, (await world.Get($"{Maps}/gone")).Code);
    }

    [Fact]
    public async Task Discovery_is_served_in_both_forms()
    {
        var legacy = await world.Get("/apis/apps/v1");
        Assert.Contains(legacy.Json["resources"]!.AsArray(), r => (string?)r!["name"] == "deployments/scale");

        var aggregated = await world.Get("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json");
        Assert.Equal("APIGroupDiscoveryList", (string?)aggregated.Json["kind"]);
        Assert.Contains(aggregated.Json["items"]!.AsArray(), g => (string?)g!["metadata"]!["name"] == "apps");
    }

    [Fact]
    public async Task OpenApi_references_only_what_it_defines()
    {
        foreach (var (path, _) in (await world.Get("/openapi/v3")).Json["paths"]!.AsObject())
        {
            var document = await world.Get($"/openapi/v3/{path}");
            var defined = document.Json["components"]!["schemas"]!.AsObject().Select(s => s.Key).ToHashSet();
            var missing = References(document.Json).Select(r => r.Split('/')[^1]).Where(r => !defined.Contains(r)).Distinct().ToArray();
            Assert.True(missing.Length == 0, $"{path}: {string.Join(", ", missing)}");
        }
    }

    [Fact]
    public async Task Metrics_are_prometheus_text()
    {
        await world.Get(Maps);

        var text = (await world.Get("/metrics")).Text;

        Assert.Contains("# TYPE apiserver_request_total counter", text, StringComparison.Ordinal);
        Assert.Matches("""apiserver_request_total\{code="200",group="",resource="configmaps",scope="namespace",subresource="",verb="LIST",version="v1"\} \d+""", text);
    }

    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject obj => obj.SelectMany(p => p.Key == "$ref" && p.Value is JsonValue ? [(string)p.Value!] : References(p.Value)),
        JsonArray array => array.SelectMany(References),
        _ => [],
    };

    private async Task<List<JsonObject>> Watch(string path)
    {
        var answer = await world.Admin.GetStringAsync(path);
        return [.. answer.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!.AsObject())];
    }

    private static string[] Names(Answer answer) => [.. answer.Json["items"]!.AsArray().Select(i => (string)i!["metadata"]!["name"]!)];

    private static string Map(string name, string set) => $$"""{"metadata":{"name":"{{name}}","labels":{"set":"{{set}}"} },"data":{"k":"v"} }""";
}
