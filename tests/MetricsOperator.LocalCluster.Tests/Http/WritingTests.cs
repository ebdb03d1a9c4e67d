using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Tests.Http;

public sealed class WritingTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";

    [Fact]
    public async Task Unknown_field_is_an_error_when_strict_a_warning_by_default_and_nothing_when_ignored()
    {
        var body = """{"metadata":{"name":"unknown-NAME"},"data":{},"colour":"red"}""";
        string For(string name) => body.Replace("NAME", name, StringComparison.Ordinal);

        var strict = await world.Post($"{Maps}?fieldValidation=Strict", For("a"));
        Assert.Equal(400, strict.Code);
        Assert.Equal("ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"colour\"", strict.Message);

        var warned = await world.Post(Maps, For("b"));
        Assert.Equal(201, warned.Code);
        Assert.Equal(["299 - \"unknown field \\\"colour\\\"\""], warned.Warnings);
        Assert.False(warned.Json.ContainsKey("colour"));

        Assert.Empty((await world.Post($"{Maps}?fieldValidation=Ignore", For("c"))).Warnings);
    }

    [Fact]
    public async Task Dry_run_answers_as_if_and_stores_nothing()
    {
        var answer = await world.Post($"{Maps}?dryRun=All", """{"metadata":{"generateName":"dry-"}}""");

        Assert.Equal(201, answer.Code);
        Assert.StartsWith("dry-", (string)answer.Json["metadata"]!["name"]!, StringComparison.Ordinal);
        Assert.Equal(404, (await world.Get($"{Maps}/{answer.Json["metadata"]!["name"]}")).Code);
    }

    [Fact]
    public async Task Wrong_type_is_worded_as_go_words_it()
    {
        var answer = await world.Post(Deployments, """{"metadata":{"name":"x"},"spec":{"replicas":"two","selector":{},"template":{}}}""");

        Assert.Equal(400, answer.Code);
        Assert.Contains("json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Strategic_merge_patch_merges_containers_by_name()
    {
        await world.Post(Deployments, Deployment("smp", """[{"name":"a","image":"a:1","env":[{"name":"X","value":"1"},{"name":"Y","value":"1"}]},{"name":"b","image":"b:1"}]"""));

        var patched = await world.Patch(
            $"{Deployments}/smp",
            """{"spec":{"template":{"spec":{"containers":[{"name":"a","env":[{"name":"X","$patch":"delete"},{"name":"Z","value":"3"}]},{"name":"c","image":"c:1"}]}}}}""",
            "strategic-merge-patch+json");

        var containers = patched.Json["spec"]!["template"]!["spec"]!["containers"]!.AsArray();
        Assert.Equal(["a", "b", "c"], containers.Select(c => (string)c!["name"]!));
        Assert.Equal(["Y", "Z"], containers[0]!["env"]!.AsArray().Select(e => (string)e!["name"]!));
        Assert.Equal("a:1", (string?)containers[0]!["image"]);
        Assert.Equal(2, (int?)patched.Json["metadata"]!["generation"]);
    }

    [Fact]
    public async Task Json_patch_tests_and_changes()
    {
        await world.Post(Maps, """{"metadata":{"name":"jp"},"data":{"a":"1"}}""");

        var done = await world.Patch($"{Maps}/jp", """[{"op":"test","path":"/data/a","value":"1"},{"op":"replace","path":"/data/a","value":"2"},{"op":"add","path":"/data/b~1c","value":"3"}]""", "json-patch+json");
        Assert.Equal("2", (string?)done.Json["data"]!["a"]);
        Assert.Equal("3", (string?)done.Json["data"]!["b/c"]);

        Assert.Equal(422, (await world.Patch($"{Maps}/jp", """[{"op":"test","path":"/data/a","value":"1"}]""", "json-patch+json")).Code);
    }

    [Fact]
    public async Task Scale_changes_replicas_alone()
    {
        await world.Post(Deployments, Deployment("scaled", """[{"name":"a","image":"a:1"}]"""));

        var scale = await world.Patch($"{Deployments}/scaled/scale", """{"spec":{"replicas":4}}""", "merge-patch+json");

        Assert.Equal("Scale", (string?)scale.Json["kind"]);
        Assert.Equal(4, (int?)scale.Json["spec"]!["replicas"]);
        Assert.Equal("app=scaled", (string?)scale.Json["status"]!["selector"]);
        Assert.Equal(4, (int?)(await world.Get($"{Deployments}/scaled")).Json["spec"]!["replicas"]);
    }

    [Fact]
    public async Task Status_goes_through_its_own_endpoint_only()
    {
        await world.Post(Deployments, Deployment("st", """[{"name":"a","image":"a:1"}]"""));

        var main = await world.Patch($"{Deployments}/st", """{"status":{"replicas":7}}""", "merge-patch+json");
        Assert.Null(main.Json["status"]!["replicas"]);

        var status = await world.Patch($"{Deployments}/st/status", """{"status":{"replicas":7},"spec":{"replicas":9}}""", "merge-patch+json");
        Assert.Equal(7, (int?)status.Json["status"]!["replicas"]);
        Assert.Equal(1, (int?)status.Json["spec"]!["replicas"]);
        Assert.Equal(1, (int?)status.Json["metadata"]!["generation"]);
    }

    [Fact]
    public async Task Delete_honours_preconditions_and_reports_the_object()
    {
        var created = await world.Post(Maps, """{"metadata":{"name":"pre"}}""");

        Assert.Equal(409, (await world.Delete($"{Maps}/pre", """{"preconditions":{"uid":"other"}}""")).Code);
        var deleted = await world.Delete($"{Maps}/pre", $$"""{"preconditions":{"uid":"{{created.Json["metadata"]!["uid"]}}"} }""");

        Assert.Equal("Success", (string?)deleted.Json["status"]);
        Assert.Equal((string?)created.Json["metadata"]!["uid"], (string?)deleted.Json["details"]!["uid"]);
    }

    [Fact]
    public async Task Orphaned_dependents_lose_their_owner()
    {
        var owner = await world.Post(Maps, """{"metadata":{"name":"owner"}}""");
        await world.Post(Maps, $$"""{"metadata":{"name":"dependent","ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"{{owner.Json["metadata"]!["uid"]}}"}]} }""");

        await world.Delete($"{Maps}/owner?propagationPolicy=Orphan");

        Assert.Null((await world.Get($"{Maps}/dependent")).Json["metadata"]!["ownerReferences"]);
    }

    [Fact]
    public async Task Events_of_both_groups_are_the_same_objects()
    {
        await world.Post("/api/v1/namespaces/default/events", """{"metadata":{"name":"ev"},"involvedObject":{"kind":"Pod","name":"p","namespace":"default"},"reason":"R","message":"M","type":"Normal"}""");

        var other = await world.Get("/apis/events.k8s.io/v1/namespaces/default/events/ev");

        Assert.Equal("M", (string?)other.Json["note"]);
        Assert.Equal("p", (string?)other.Json["regarding"]!["name"]);
        Assert.Equal("events.k8s.io/v1", (string?)other.Json["apiVersion"]);
    }

    [Fact]
    public async Task Audit_log_shows_who_changed_what()
    {
        var created = await world.Post(Maps, """{"metadata":{"name":"audited"}}""");
        var same = await world.Patch($"{Maps}/audited", "{}", "merge-patch+json");
        Assert.Equal(created.Version, same.Version);

        await MetricsOperator.TestKit.Eventually.True(() => Lines().Count == 2, "both writes in the audit log");
        var lines = Lines();
        Assert.Equal("admin", (string?)lines[0]["user"]);
        Assert.Equal(["create", "patch"], lines.Select(l => (string)l["verb"]!));
        Assert.True((long)lines[0]["rvAfter"]! > 0);
        Assert.Equal((long)lines[1]["rvBefore"]!, (long)lines[1]["rvAfter"]!);

        List<JsonNode> Lines() => [.. File.ReadLines(world.AuditLog).Where(l => l.EndsWith('}')).Select(l => JsonNode.Parse(l)!).Where(l => (string?)l["name"] == "audited")];
    }

    private static string Deployment(string name, string containers) =>
        $$"""{"metadata":{"name":"{{name}}"},"spec":{"selector":{"matchLabels":{"app":"{{name}}"} },"template":{"metadata":{"labels":{"app":"{{name}}"} },"spec":{"containers":{{containers}} } } } }""";
}
