namespace MetricsOperator.LocalCluster.Tests.Http;

public sealed class CustomResourceTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    private const string Widgets = "/apis/example.com/v1/namespaces/default/widgets";

    [Fact]
    public async Task Definition_is_established_and_served_at_once()
    {
        var definition = await Define();

        Assert.Contains(definition.Json["status"]!["conditions"]!.AsArray(), c => (string?)c!["type"] == "Established" && (string?)c["status"] == "True");
        Assert.Equal(200, (await world.Get("/apis/example.com/v1")).Code);
        Assert.Equal("WidgetList", (string?)(await world.Get(Widgets)).Json["kind"]);
    }

    [Fact]
    public async Task Defaults_are_filled_in_and_unknown_fields_are_pruned()
    {
        await Define();

        var created = await world.Post(Widgets, Widget("defaults", """{"size":2,"junk":1,"free":{"any":[1]},"parts":[{"name":"a"}]}"""));

        Assert.Equal(201, created.Code);
        Assert.Equal("Small", (string?)created.Json["spec"]!["mode"]);
        Assert.Null(created.Json["spec"]!["junk"]);
        Assert.Equal("""{"any":[1]}""", created.Json["spec"]!["free"]!.ToJsonString());
        Assert.Equal(1, (int?)created.Json["spec"]!["parts"]![0]!["count"]);
        Assert.Equal(["299 - \"unknown field \\\"spec.junk\\\"\""], created.Warnings);
    }

    [Theory]
    [InlineData("""{}""", "spec.size: Required value")]
    [InlineData("""{"size":0}""", "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1")]
    [InlineData("""{"size":101}""", "spec.size: Invalid value: 101: spec.size in body should be less than or equal to 100")]
    [InlineData("""{"size":"big"}""", "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"")]
    [InlineData("""{"size":1,"mode":"Huge"}""", "spec.mode: Unsupported value: \"Huge\": supported values: \"Small\", \"Large\"")]
    [InlineData("""{"size":1,"code":"abc"}""", "spec.code: Invalid value: \"abc\": spec.code in body should match '^[0-9]+$'")]
    [InlineData("""{"size":1,"parts":[{"name":"a"},{"name":"a"}]}""", "spec.parts[1]: Duplicate value: {\"name\":\"a\"}")]
    [InlineData("""{"size":1,"budget":true}""", "spec.budget: Invalid value: \"boolean\": spec.budget in body must be of type integer,string: \"boolean\"")]
    [InlineData("""{"size":1,"limits":{"x":"y"}}""", "spec.limits.x: Invalid value: \"string\": spec.limits.x in body must be of type integer: \"string\"")]
    public async Task Invalid_object_is_refused_with_the_exact_path(string spec, string error)
    {
        await Define();

        var answer = await world.Post(Widgets, Widget("invalid", spec));

        Assert.Equal(422, answer.Code);
        Assert.Equal($"Widget.example.com \"invalid\" is invalid: {error}", answer.Message);
    }

    [Fact]
    public async Task Generation_counts_spec_changes_and_status_is_separate()
    {
        await Define();
        await world.Post(Widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"gen"},"spec":{"size":1},"status":{"ready":true}}""");

        var created = await world.Get($"{Widgets}/gen");
        Assert.Null(created.Json["status"]);
        var status = await world.Patch($"{Widgets}/gen/status", """{"status":{"ready":true},"spec":{"size":9}}""", "merge-patch+json");
        Assert.Equal(1, (int?)status.Json["metadata"]!["generation"]);
        Assert.Equal(1, (int?)status.Json["spec"]!["size"]);
        var spec = await world.Patch($"{Widgets}/gen", """{"spec":{"size":2},"status":{"ready":false}}""", "merge-patch+json");
        Assert.Equal(2, (int?)spec.Json["metadata"]!["generation"]);
        Assert.True((bool?)spec.Json["status"]!["ready"]);
    }

    [Fact]
    public async Task Apply_merges_lists_by_their_declared_key()
    {
        await Define();
        await world.Apply($"{Widgets}/merge", "one", Widget("merge", """{"size":1,"parts":[{"name":"a","count":2}]}"""));

        var both = await world.Apply($"{Widgets}/merge", "two", Widget("merge", """{"parts":[{"name":"b"}]}"""));
        Assert.Equal(["a", "b"], both.Json["spec"]!["parts"]!.AsArray().Select(p => (string)p!["name"]!));

        var left = await world.Apply($"{Widgets}/merge", "two", Widget("merge", "{}"));
        Assert.Equal(["a"], left.Json["spec"]!["parts"]!.AsArray().Select(p => (string)p!["name"]!));
    }

    [Fact]
    public async Task Strategic_merge_patch_is_not_for_custom_resources()
    {
        await Define();
        await world.Post(Widgets, Widget("smp", """{"size":1}"""));

        Assert.Equal(415, (await world.Patch($"{Widgets}/smp", "{}", "strategic-merge-patch+json")).Code);
    }

    [Fact]
    public async Task Update_needs_a_resource_version()
    {
        await Define();
        await world.Post(Widgets, Widget("put", """{"size":1}"""));

        var answer = await world.Put($"{Widgets}/put", Widget("put", """{"size":2}"""));

        Assert.Equal(422, answer.Code);
        Assert.Contains("metadata.resourceVersion: Invalid value: 0: must be specified for an update", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Table_has_the_declared_columns()
    {
        await Define();
        await world.Post(Widgets, Widget("table", """{"size":7,"parts":[{"name":"a"}]}"""));
        await world.Patch($"{Widgets}/table/status", """{"status":{"conditions":[{"type":"Ready","status":"True"}]}}""", "merge-patch+json");

        var table = await world.Get($"{Widgets}/table", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");

        Assert.Equal(["Name", "Size", "Ready", "Age"], table.Json["columnDefinitions"]!.AsArray().Select(c => (string)c!["name"]!));
        var cells = table.Json["rows"]![0]!["cells"]!.AsArray();
        Assert.Equal("table", (string?)cells[0]);
        Assert.Equal(7, (int?)cells[1]);
        Assert.Equal("True", (string?)cells[2]);
    }

    [Fact]
    public async Task Schema_that_is_not_structural_is_refused()
    {
        var answer = await world.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """
            {"metadata":{"name":"bads.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"bads","kind":"Bad"},
             "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"properties":{"a":{"type":"string"}}}}}}}]}}
            """);

        Assert.Equal(422, answer.Code);
        Assert.Contains("spec.versions[0].schema.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified object fields", answer.Message, StringComparison.Ordinal);
    }

    private async Task<Answer> Define()
    {
        await world.Post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """
            {"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget","shortNames":["wd"]},
             "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
               "additionalPrinterColumns":[{"name":"Size","type":"integer","jsonPath":".spec.size"},{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"},{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}],
               "schema":{"openAPIV3Schema":{"type":"object","properties":{
                 "spec":{"type":"object","required":["size"],"properties":{
                   "size":{"type":"integer","minimum":1,"maximum":100},
                   "mode":{"type":"string","enum":["Small","Large"],"default":"Small"},
                   "code":{"type":"string","pattern":"^[0-9]+$"},
                   "budget":{"x-kubernetes-int-or-string":true},
                   "limits":{"type":"object","additionalProperties":{"type":"integer"}},
                   "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true},
                   "parts":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
                     "items":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"count":{"type":"integer","default":1}}}}}},
                 "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}]}}
            """);
        return await world.Get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com");
    }

    private static string Widget(string name, string spec) => $$"""{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"{{name}}"},"spec":{{spec}} }""";
}
