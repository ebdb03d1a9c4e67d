using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Tests.Http;

public sealed class ApplyTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    private const string Maps = "/api/v1/namespaces/default/configmaps";
    private const string Deployments = "/apis/apps/v1/namespaces/default/deployments";

    [Fact]
    public async Task Field_no_longer_applied_is_removed()
    {
        await world.Apply($"{Maps}/gone", "one", Map("gone", """{"a":"1","b":"2"}"""));

        var second = await world.Apply($"{Maps}/gone", "one", Map("gone", """{"a":"1"}"""));

        Assert.Equal("""{"a":"1"}""", second.Json["data"]!.ToJsonString());
    }

    [Fact]
    public async Task Field_that_another_manager_applies_too_stays()
    {
        await world.Apply($"{Maps}/shared", "one", Map("shared", """{"a":"1","b":"2"}"""));
        await world.Apply($"{Maps}/shared", "two", Map("shared", """{"b":"2"}"""));

        var second = await world.Apply($"{Maps}/shared", "one", Map("shared", """{"a":"1"}"""));

        Assert.Equal("2", (string?)second.Json["data"]!["b"]);
        Assert.Equal(["two"], Owners(second.Json, "f:data", "f:b"));
    }

    [Fact]
    public async Task Changing_another_managers_field_is_a_conflict_until_forced()
    {
        await world.Apply($"{Maps}/fight", "one", Map("fight", """{"a":"1"}"""));

        var refused = await world.Apply($"{Maps}/fight", "two", Map("fight", """{"a":"2"}"""));
        Assert.Equal(409, refused.Code);
        Assert.Equal("Apply failed with 1 conflict: conflict with \"one\": .data.a", refused.Message);
        Assert.Equal("FieldManagerConflict", (string?)refused.Json["details"]!["causes"]![0]!["reason"]);
        Assert.Equal(".data.a", (string?)refused.Json["details"]!["causes"]![0]!["field"]);

        var forced = await world.Apply($"{Maps}/fight", "two", Map("fight", """{"a":"2"}"""), force: true);
        Assert.Equal("2", (string?)forced.Json["data"]!["a"]);
        Assert.Equal(["two"], Owners(forced.Json, "f:data", "f:a"));
    }

    [Fact]
    public async Task Update_takes_ownership_of_what_it_changes()
    {
        var applied = await world.Apply($"{Maps}/upd", "one", Map("upd", """{"a":"1","b":"1"}"""));
        applied.Json["data"]!["a"] = "2";

        var updated = await world.Put($"{Maps}/upd?fieldManager=editor", applied.Json.ToJsonString());

        Assert.Equal(["editor"], Owners(updated.Json, "f:data", "f:a"));
        Assert.Equal(["one"], Owners(updated.Json, "f:data", "f:b"));
        Assert.Equal(409, (await world.Apply($"{Maps}/upd", "one", Map("upd", """{"a":"1","b":"1"}"""))).Code);
    }

    [Fact]
    public async Task Same_apply_again_writes_nothing()
    {
        var body = Deployment("same", """[{"name":"app","image":"app:1","ports":[{"containerPort":80}]}]""");
        var first = await world.Apply($"{Deployments}/same", "one", body);

        var second = await world.Apply($"{Deployments}/same", "one", body);

        Assert.Equal(201, first.Code);
        Assert.Equal(200, second.Code);
        Assert.Equal(first.Version, second.Version);
        Assert.Equal(1, (int?)second.Json["metadata"]!["generation"]);
    }

    [Fact]
    public async Task Containers_of_two_managers_live_side_by_side()
    {
        await world.Apply($"{Deployments}/side", "one", Deployment("side", """[{"name":"app","image":"app:1","env":[{"name":"A","value":"1"}]}]"""));
        var both = await world.Apply($"{Deployments}/side", "two", """
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"side"},
             "spec":{"template":{"spec":{"containers":[{"name":"app","env":[{"name":"B","value":"2"}]},{"name":"sidecar","image":"s:1"}]}}}}
            """);
        Assert.Equal(200, both.Code);
        Assert.Equal(["app", "sidecar"], Containers(both.Json).Select(c => (string)c!["name"]!));
        Assert.Equal(["A", "B"], Containers(both.Json)[0]!["env"]!.AsArray().Select(e => (string)e!["name"]!));

        var without = await world.Apply($"{Deployments}/side", "two", """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"side"}}""");

        var app = Assert.Single(Containers(without.Json))!;
        Assert.Equal("app:1", (string?)app["image"]);
        Assert.Equal(["A"], app["env"]!.AsArray().Select(e => (string)e!["name"]!));
    }

    [Fact]
    public async Task Port_of_another_protocol_is_another_port()
    {
        await world.Apply($"{Deployments}/ports", "one", Deployment("ports", """[{"name":"app","image":"app:1","ports":[{"containerPort":53,"protocol":"UDP"},{"containerPort":53}]}]"""));

        var second = await world.Apply($"{Deployments}/ports", "one", Deployment("ports", """[{"name":"app","image":"app:1","ports":[{"containerPort":53}]}]"""));

        Assert.Equal("TCP", (string?)Assert.Single(Containers(second.Json)[0]!["ports"]!.AsArray())!["protocol"]);
    }

    [Fact]
    public async Task Status_is_applied_through_its_endpoint_and_owned_there()
    {
        await world.Apply($"{Deployments}/stat", "one", Deployment("stat", """[{"name":"app","image":"app:1"}]"""));

        var applied = await world.Apply($"{Deployments}/stat/status", "reporter", """
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"stat"},"spec":{"replicas":9},"status":{"conditions":[{"type":"Available","status":"True"}]}}
            """);

        Assert.Equal(1, (int?)applied.Json["spec"]!["replicas"]);
        Assert.Equal("True", (string?)applied.Json["status"]!["conditions"]![0]!["status"]);
        var entry = applied.Json["metadata"]!["managedFields"]!.AsArray().Single(m => (string?)m!["manager"] == "reporter")!;
        Assert.Equal("status", (string?)entry["subresource"]);
        Assert.NotNull(entry["fieldsV1"]!["f:status"]!["f:conditions"]!["k:{\"type\":\"Available\"}"]!["f:status"]);
    }

    [Fact]
    public async Task Apply_without_a_manager_is_refused()
    {
        var answer = await world.Patch($"{Maps}/nobody", Map("nobody", "{}"), "apply-patch+yaml");

        Assert.Equal(422, answer.Code);
        Assert.Contains("fieldManager: Required value: is required for apply patch", answer.Message, StringComparison.Ordinal);
    }

    private static JsonArray Containers(JsonObject deployment) => deployment["spec"]!["template"]!["spec"]!["containers"]!.AsArray();

    private static string[] Owners(JsonObject obj, string parent, string field) =>
        [.. obj["metadata"]!["managedFields"]!.AsArray().Where(m => m!["fieldsV1"]?[parent]?[field] is not null).Select(m => (string)m!["manager"]!)];

    private static string Map(string name, string data) => $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{name}}"},"data":{{data}} }""";

    private static string Deployment(string name, string containers) =>
        $$"""{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"{{name}}"},"spec":{"selector":{"matchLabels":{"app":"{{name}}"} },"template":{"metadata":{"labels":{"app":"{{name}}"} },"spec":{"containers":{{containers}} } } } }""";
}
