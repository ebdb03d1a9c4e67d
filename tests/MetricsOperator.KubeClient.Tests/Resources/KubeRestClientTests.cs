using System.Text;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.KubeClient.Tests.FakeApi;
using MetricsOperator.TestKit;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.KubeClient.Tests.Resources;

public sealed class KubeRestClientTests
{
    private const string Maps = "/api/v1/namespaces/a/configmaps";

    [Fact]
    public async Task Object_lives_through_create_get_replace_patch_apply_delete()
    {
        await using var server = await FakeApiServer.StartAsync();
        var client = server.Client();
        var kind = ResourceKinds.ConfigMaps;

        var created = await client.CreateAsync(kind, Map("m", "v1"));
        Assert.Equal("v1", (await client.GetAsync(kind, "a", "m")).Data!["k"]);
        var replaced = await client.ReplaceAsync(kind, created with { Data = Data("v2") });
        Assert.Equal("v2", replaced.Data!["k"]);
        var conflict = await Assert.ThrowsAsync<KubeApiException>(() => client.ReplaceAsync(kind, created with { Data = Data("v3") }));
        Assert.True(conflict.IsConflict && !conflict.IsAlreadyExists);
        Assert.Contains("PUT /api/v1/namespaces/a/configmaps/m", conflict.Message, StringComparison.Ordinal);
        Assert.True((await Assert.ThrowsAsync<KubeApiException>(() => client.CreateAsync(kind, Map("m", "v1")))).IsAlreadyExists);
        var patched = await client.PatchAsync(kind, "a", "m", Encoding.UTF8.GetBytes("""{"data":{"k":null,"n":"1"}}"""));
        Assert.Equal("n", Assert.Single(patched.Data!).Key);
        await client.ApplyAsync(kind, Map("other", "x"));
        Assert.True(await client.DeleteAsync(kind, "a", "m", new DeleteOptions { PropagationPolicy = "Foreground", PreconditionUid = created.Metadata.Uid }));
        Assert.False(await client.DeleteAsync(kind, "a", "m"));
        Assert.Null(await client.FindAsync(kind, "a", "m"));
        Assert.True((await Assert.ThrowsAsync<KubeApiException>(() => client.GetAsync(kind, "a", "m"))).IsNotFound);
    }

    [Fact]
    public async Task Requests_look_as_the_api_wants_them()
    {
        await using var server = await FakeApiServer.StartAsync();
        var client = server.Client(new KubeRestClientOptions { Qps = 0, FieldManager = "me", UserAgent = "test/1" });
        server.Put(Maps, """{"metadata":{"name":"m"}}""");

        await client.ApplyAsync(ResourceKinds.ConfigMaps, Map("m", "v"), new WriteOptions { DryRun = true });
        await client.ApplyStatusAsync(ResourceKinds.ConfigMaps, Map("m", "v"), new WriteOptions { FieldManager = "status writer", Force = false });
        await client.PatchAsync(ResourceKinds.ConfigMaps, "a", "m", "{}"u8.ToArray(), "status");
        await client.DeleteAsync(ResourceKinds.ConfigMaps, "a", "m", new DeleteOptions { PropagationPolicy = "Orphan", PreconditionUid = "u", PreconditionResourceVersion = "7", GracePeriodSeconds = 0 });
        await client.ListAsync(ResourceKinds.ConfigMaps.AsMetadataOnly(), null, new ListOptions { LabelSelector = "a=b&c", PageSize = 9 });

        var sent = server.Requests.ToArray();
        Assert.Equal(("PATCH", Maps + "/m", "?fieldManager=me&force=true&dryRun=All"), (sent[0].Method, sent[0].Path, sent[0].Query));
        Assert.Equal("application/apply-patch+yaml", sent[0].Headers["Content-Type"]);
        Assert.Equal("test/1", sent[0].Headers["User-Agent"]);
        Assert.Equal("""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m","namespace":"a"},"data":{"k":"v"}}""", sent[0].Body);
        Assert.Equal((Maps + "/m/status", "?fieldManager=status%20writer"), (sent[1].Path, sent[1].Query));
        Assert.Equal((Maps + "/m/status", "application/merge-patch+json"), (sent[2].Path, sent[2].Headers["Content-Type"]));
        Assert.Equal("""{"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Orphan","gracePeriodSeconds":0,"preconditions":{"uid":"u","resourceVersion":"7"}}""", sent[3].Body);
        Assert.Equal(("/api/v1/configmaps", "?labelSelector=a%3Db%26c&limit=9"), (sent[4].Path, sent[4].Query));
        Assert.StartsWith("application/json;as=PartialObjectMetadataList", sent[4].Headers["Accept"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_reads_all_pages_and_starts_over_when_they_expire()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.MaxPage = 2;
        for (var i = 0; i < 5; i++)
        {
            server.Put(Maps, $$"""{"metadata":{"name":"m{{i}}"} }""");
        }

        var client = server.Client();
        Assert.Equal(["m0", "m1", "m2", "m3", "m4"], (await client.ListAsync(ResourceKinds.ConfigMaps, "a")).Items.Select(m => m.Metadata.Name));
        Assert.Equal(3, server.Requests.Count);

        server.Intercept = context =>
        {
            if (context.Request.Query.ContainsKey("continue"))
            {
                server.Compact();
            }

            return Task.FromResult(false);
        };
        Assert.Equal(5, (await client.ListAsync(ResourceKinds.ConfigMaps, "a")).Items.Count);
    }

    [Fact]
    public async Task Object_that_does_not_fit_is_set_aside()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Put(Maps, """{"metadata":{"name":"bad"},"data":["no","map"]}""");
        server.Put(Maps, """{"metadata":{"name":"good"}}""");

        var list = await server.Client().ListAsync(ResourceKinds.ConfigMaps, "a");

        Assert.Equal("good", Assert.Single(list.Items).Metadata.Name);
        var bad = Assert.Single(list.Malformed);
        Assert.Equal("bad", bad.Metadata.Name);
        Assert.Contains("$.data", bad.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_requests_are_repeated_after_the_time_the_server_asks_for()
    {
        await using var server = await FakeApiServer.StartAsync();
        var clock = new FakeTimeProvider();
        var refusals = 0;
        server.Intercept = async context =>
        {
            if (refusals >= 2)
            {
                return false;
            }

            refusals++;
            await FakeApiServer.Answer(context, 429, "TooManyRequests", "slow down", retryAfter: 3);
            return true;
        };
        var create = server.Client(new KubeRestClientOptions { Qps = 0, Time = clock }).CreateAsync(ResourceKinds.ConfigMaps, Map("m", "v"));

        for (var attempt = 1; attempt <= 2; attempt++)
        {
            await Eventually.True(() => refusals == attempt && clock.UntilNextTimer == TimeSpan.FromSeconds(3), $"attempt {attempt} waits");
            clock.Advance(TimeSpan.FromSeconds(2.9));
            await Task.Delay(20);
            Assert.Equal(attempt, server.Requests.Count);
            clock.Advance(TimeSpan.FromSeconds(0.1));
        }

        Assert.Equal("m", (await create).Metadata.Name);
    }

    [Fact]
    public async Task Server_errors_are_repeated_for_reads_only()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Put(Maps, """{"metadata":{"name":"m"}}""");
        var failures = 1;
        server.Intercept = async context =>
        {
            if (failures-- <= 0)
            {
                return false;
            }

            context.Response.StatusCode = 503;
            await context.Response.WriteAsync("<html>no backend</html>");
            return true;
        };
        var client = server.Client();
        Assert.Equal("m", (await client.GetAsync(ResourceKinds.ConfigMaps, "a", "m")).Metadata.Name);

        failures = 1;
        var before = server.Requests.Count;
        var e = await Assert.ThrowsAsync<KubeApiException>(() => client.ApplyAsync(ResourceKinds.ConfigMaps, Map("m", "v")));
        Assert.Equal(before + 1, server.Requests.Count);
        Assert.Equal(503, e.Status.Code);
        Assert.Contains("no backend", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Broken_connection_is_repeated_for_reads_and_told_for_writes()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Put(Maps, """{"metadata":{"name":"m"}}""");
        var breaks = 1;
        server.Intercept = context =>
        {
            if (breaks-- > 0)
            {
                context.Abort();
                return Task.FromResult(true);
            }

            return Task.FromResult(false);
        };
        var client = server.Client();
        Assert.Equal("m", (await client.GetAsync(ResourceKinds.ConfigMaps, "a", "m")).Metadata.Name);
        breaks = 1;
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.CreateAsync(ResourceKinds.ConfigMaps, Map("n", "v")));
    }

    [Fact]
    public async Task Body_that_never_ends_runs_into_the_time_limit()
    {
        await using var server = await FakeApiServer.StartAsync();
        var clock = new FakeTimeProvider();
        server.Intercept = async context =>
        {
            await context.Response.WriteAsync("{\"metadata\":");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        var get = server.Client(new KubeRestClientOptions { Qps = 0, Time = clock }).GetAsync(ResourceKinds.ConfigMaps, "a", "m");
        await Eventually.True(() => !server.Requests.IsEmpty, "the request is there");
        clock.Advance(TimeSpan.FromSeconds(30));
        Assert.Contains("GET /api/v1/namespaces/a/configmaps/m", (await Assert.ThrowsAsync<TimeoutException>(() => get)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connect_time_limit_is_a_timeout_and_no_cancellation()
    {
        using var connection = new KubeConnection(
            new ConnectionSettings { Server = new Uri("http://far"), Token = new BearerToken(null, null, TimeProvider.System) },
            new FailingHandler(new TaskCanceledException("connect", new TimeoutException())));
        await Assert.ThrowsAsync<TimeoutException>(() => new KubeRestClient(connection).GetAsync(ResourceKinds.Pods, "a", "p"));
    }

    [Fact]
    public async Task Rotated_token_is_read_again_on_401_and_the_request_repeated()
    {
        await using var server = await FakeApiServer.StartAsync();
        using var dir = new TempDir();
        await File.WriteAllTextAsync(dir["token"], "old");
        var valid = "old";
        server.Intercept = async context =>
        {
            if (context.Request.Headers.Authorization == "Bearer " + valid)
            {
                return false;
            }

            await FakeApiServer.Answer(context, 401, "Unauthorized", "who?");
            return true;
        };
        using var connection = new KubeConnection(new ConnectionSettings { Server = server.Address, Token = new BearerToken(null, dir["token"], TimeProvider.System) });
        var client = new KubeRestClient(connection);
        await client.CreateAsync(ResourceKinds.ConfigMaps, Map("m", "v"));

        valid = "new";
        await File.WriteAllTextAsync(dir["token"], "new");
        Assert.Equal("m", (await client.GetAsync(ResourceKinds.ConfigMaps, "a", "m")).Metadata.Name);

        valid = "newer";
        Assert.True((await Assert.ThrowsAsync<KubeApiException>(() => client.GetAsync(ResourceKinds.ConfigMaps, "a", "m"))).IsUnauthorized);
    }

    [Fact]
    public async Task Fenced_client_reads_but_does_not_write()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Put(Maps, """{"metadata":{"name":"m"}}""");
        var client = server.Client(new KubeRestClientOptions { MayWrite = () => false });
        await client.GetAsync(ResourceKinds.ConfigMaps, "a", "m");
        await Assert.ThrowsAsync<WriteFencedException>(() => client.DeleteAsync(ResourceKinds.ConfigMaps, "a", "m"));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Limiter_lets_a_burst_through_and_then_the_rate()
    {
        var clock = new FakeTimeProvider();
        var bucket = new TokenBucket(10, 3, clock);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(TimeSpan.Zero, await bucket.TakeAsync(default));
        }

        var fourth = bucket.TakeAsync(default).AsTask();
        var fifth = bucket.TakeAsync(default).AsTask();
        clock.Advance(TimeSpan.FromMilliseconds(99));
        Assert.False(fourth.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(1));
        await fourth;
        Assert.False(fifth.IsCompleted);
        clock.Advance(TimeSpan.FromMilliseconds(100));
        await fifth;

        using var stop = new CancellationTokenSource();
        var withdrawn = bucket.TakeAsync(stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => withdrawn);
        clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal(TimeSpan.Zero, await bucket.TakeAsync(default));
    }

    [Fact]
    public async Task Discovery_lists_resources_and_is_empty_for_what_is_not_there()
    {
        await using var server = await FakeApiServer.StartAsync();
        server.Intercept = async context =>
        {
            if (context.Request.Path == "/apis/apps/v1")
            {
                await context.Response.WriteAsync("""{"kind":"APIResourceList","groupVersion":"apps/v1","resources":[{"name":"deployments","kind":"Deployment","namespaced":true}]}""");
            }
            else
            {
                await FakeApiServer.Answer(context, 404, "NotFound", "no");
            }

            return true;
        };
        Assert.Equal([new ApiResource("deployments", "Deployment", true)], await server.Client().DiscoverAsync("apps/v1"));
        Assert.Empty(await server.Client().DiscoverAsync("monitoring.coreos.com/v1"));
    }

    [Fact]
    public async Task Addressing_without_namespace_is_an_error_before_anything_is_sent()
    {
        await using var server = await FakeApiServer.StartAsync();
        var client = server.Client();
        await Assert.ThrowsAsync<ArgumentException>(() => client.GetAsync(ResourceKinds.Pods, null, "p"));
        await Assert.ThrowsAsync<ArgumentException>(() => client.CreateAsync(ResourceKinds.Pods, new V1Pod { Metadata = new() { Name = "p" } }));
        await Assert.ThrowsAsync<ArgumentException>(() => client.ApplyAsync(ResourceKinds.Pods, new V1Pod { Metadata = new() { Namespace = "a" } }));
        Assert.Empty(server.Requests);
    }

    private static Dictionary<string, string> Data(string value) => new() { ["k"] = value };

    private static V1ConfigMap Map(string name, string value) => new() { Metadata = new() { Name = name, Namespace = "a" }, Data = Data(value) };

    private sealed class FailingHandler(Exception failure) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromException<HttpResponseMessage>(failure);
    }
}
