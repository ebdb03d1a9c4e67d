using System.Net;

namespace MetricsOperator.LocalCluster.Tests.Http;

public sealed class AccessTests(ApiWorld world) : IClassFixture<ApiWorld>
{
    [Fact]
    public async Task Service_account_may_do_what_its_role_says_and_nothing_else()
    {
        var token = await Robot("reader");
        await world.Post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles", """{"metadata":{"name":"read-pods"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get","list"]}]}""");
        await world.Post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", """
            {"metadata":{"name":"read-pods"},"roleRef":{"kind":"Role","name":"read-pods"},"subjects":[{"kind":"ServiceAccount","name":"reader","namespace":"default"}]}
            """);
        using var client = world.Client(token);

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/api/v1/namespaces/default/pods")).StatusCode);
        var refused = await world.Send(HttpMethod.Get, "/apis/apps/v1/namespaces/default/deployments/x", null, client: client);
        Assert.Equal(403, refused.Code);
        Assert.Equal(
            "deployments.apps \"x\" is forbidden: User \"system:serviceaccount:default:reader\" cannot get resource \"deployments\" in API group \"apps\" in the namespace \"default\"",
            refused.Message);
        var elsewhere = await world.Send(HttpMethod.Get, "/api/v1/pods", null, client: client);
        Assert.Equal("pods is forbidden: User \"system:serviceaccount:default:reader\" cannot list resource \"pods\" in API group \"\" at the cluster scope", elsewhere.Message);
    }

    [Fact]
    public async Task Token_ends_with_its_service_account()
    {
        var token = await Robot("leaver");
        using var client = world.Client(token);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/version")).StatusCode);

        await world.Delete("/api/v1/namespaces/default/serviceaccounts/leaver");
        await world.Post("/api/v1/namespaces/default/serviceaccounts", """{"metadata":{"name":"leaver"}}""");

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/version")).StatusCode);
    }

    [Fact]
    public async Task Changed_token_is_refused()
    {
        var token = await Robot("forger");
        var parts = token.Split('.');
        using var client = world.Client($"{parts[0]}.{parts[1][..^2]}AA.{parts[2]}");

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/version")).StatusCode);
    }

    [Fact]
    public async Task Anonymous_sees_health_and_version_alone()
    {
        using var client = world.Client(null);

        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/livez")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/version")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync("/api/v1/namespaces")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync("/metrics")).StatusCode);
    }

    [Fact]
    public async Task Access_review_answers_for_others()
    {
        var answer = await world.Post("/apis/authorization.k8s.io/v1/subjectaccessreviews", """{"spec":{"user":"nobody","resourceAttributes":{"verb":"list","resource":"secrets"}}}""");
        Assert.False((bool?)answer.Json["status"]!["allowed"]);

        var admin = await world.Post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", """{"spec":{"resourceAttributes":{"verb":"list","resource":"secrets"}}}""");
        Assert.True((bool?)admin.Json["status"]!["allowed"]);
    }

    [Fact]
    public async Task State_is_readable_by_its_owner_alone()
    {
        const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
        await world.Get("/api/v1/namespaces");

        Assert.True(world.Host.ApiUrl.IsLoopback);
        foreach (var path in new[] { "data", "data/kubeconfig", "data/pki/ca.key", "data/pki/sa.key", "data/state", "data/state/objects.journal", "data/cluster.json", "audit.jsonl" })
        {
            Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(world.Directory[path]) & Others);
        }
    }

    private async Task<string> Robot(string name)
    {
        await world.Post("/api/v1/namespaces/default/serviceaccounts", $$"""{"metadata":{"name":"{{name}}"} }""");
        var answer = await world.Post($"/api/v1/namespaces/default/serviceaccounts/{name}/token", """{"spec":{"expirationSeconds":3600}}""");
        return (string)answer.Json["status"]!["token"]!;
    }
}
