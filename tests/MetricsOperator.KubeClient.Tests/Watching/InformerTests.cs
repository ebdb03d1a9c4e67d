using System.Collections.Concurrent;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.KubeClient.Tests.FakeApi;
using MetricsOperator.KubeClient.Watching;
using MetricsOperator.TestKit;

namespace MetricsOperator.KubeClient.Tests.Watching;

public sealed class InformerTests : IAsyncLifetime
{
    private const string A = "/api/v1/namespaces/a/configmaps";
    private const string B = "/api/v1/namespaces/b/configmaps";
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _seen = new();
    private FakeApiServer _server = null!;
    private Task _run = Task.CompletedTask;

    public async ValueTask InitializeAsync() => _server = await FakeApiServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task First_list_and_changes_reach_cache_and_handlers_once()
    {
        _server.MaxPage = 2;
        foreach (var name in (string[])["one", "two", "three"])
        {
            _server.Put(A, Json(name, "1"));
        }

        var informer = Start();
        await informer.WaitForSyncAsync().WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(3, informer.Cache.Count);
        Assert.Equal(["Added a/one 1 background", "Added a/three 1 background", "Added a/two 1 background"], _seen.Order(StringComparer.Ordinal));

        await Eventually.True(() => _server.OpenWatches == 1, "the watch is open");
        _seen.Clear();
        _server.Put(A, Json("one", "2"));
        _server.Put(B, Json("four", "1"));
        _server.Delete(A + "/two");
        await Eventually.True(() => _seen.Count == 3, "three changes");
        Assert.Equal(["Updated a/one 1->2", "Added b/four 1", "Deleted a/two 1"], _seen);
        Assert.Equal("2", informer.Cache.Find(new ObjectKey("a", "one"))!.Data!["v"]);
        Assert.Null(informer.LastError);
    }

    [Fact]
    public async Task Dropped_connection_goes_on_from_the_last_version_without_a_list()
    {
        _server.Put(A, Json("one", "1"));
        var informer = await StartSynced();
        _server.DropWatches();
        _server.Put(A, Json("one", "2"));
        await Eventually.True(() => Value(informer, "one") == "2", "the change made while disconnected");
        Assert.Single(_server.Requests, r => !r.IsWatch);
        Assert.Equal(["Added a/one 1 background", "Updated a/one 1->2"], _seen);
    }

    [Fact]
    public async Task Bookmark_moves_the_version_that_the_next_watch_starts_from()
    {
        var informer = await StartSynced();
        var version = _server.Bookmark();
        _server.Put(A, Json("one", "1"));
        await Eventually.True(() => informer.Cache.Count == 1, "the object");
        _server.DropWatches();
        await Eventually.True(() => _server.OpenWatches == 1 && _server.Requests.Count(r => r.IsWatch) == 2, "a second watch");
        Assert.Contains($"resourceVersion={version + 1}&", _server.Requests.Last().Query, StringComparison.Ordinal);
        Assert.Contains("allowWatchBookmarks=true", _server.Requests.Last().Query, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_too_old_lists_again_and_finds_missed_deletions_and_recreations()
    {
        _server.Put(A, Json("stays", "1"));
        _server.Put(A, Json("goes", "1"));
        _server.Put(A, Json("reborn", "1"));
        _server.Put(A, Json("changes", "1"));
        var informer = await StartSynced();
        _seen.Clear();

        // What happens between the break and the compaction reaches the client only by the list.
        _server.Intercept = async context =>
        {
            if (context.Request.Query["watch"] == "true" && _server.Requests.Count(r => r.IsWatch) == 2)
            {
                _server.Delete(A + "/goes");
                _server.Delete(A + "/reborn");
                _server.Put(A, Json("reborn", "2"));
                _server.Put(A, Json("changes", "2"));
                _server.Compact();
                await FakeApiServer.Answer(context, 410, "Expired", "too old");
                return true;
            }

            return false;
        };
        _server.DropWatches();
        await Eventually.True(() => _seen.Count == 4, "all four differences");
        Assert.Equal(["Added a/reborn 2", "Deleted a/goes 1", "Deleted a/reborn 1", "Updated a/changes 1->2"], _seen.Order(StringComparer.Ordinal));
        Assert.Equal(["changes", "reborn", "stays"], informer.Cache.All().Select(m => m.Metadata.Name!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Error_event_in_the_middle_of_a_watch_lists_again()
    {
        _server.Put(A, Json("one", "1"));
        await StartSynced();
        _server.Compact();
        await Eventually.True(() => _server.Requests.Count(r => !r.IsWatch) == 2 && _server.OpenWatches == 1, "a second list and watch");
    }

    [Fact]
    public async Task Half_open_watch_is_given_up_after_its_timeout_and_margin()
    {
        var clock = new FakeTimeProvider();
        _server.MuteWatches = true;
        var informer = Start(new InformerOptions<V1ConfigMap> { Time = clock, MinWatchTimeout = TimeSpan.FromMinutes(5), IdleMargin = TimeSpan.FromSeconds(30) }, clock);
        await informer.WaitForSyncAsync();
        await Eventually.True(() => _server.OpenWatches == 1, "the silent watch");
        _server.MuteWatches = false;
        _server.Put(A, Json("one", "1"));

        clock.Advance(TimeSpan.FromMinutes(5));
        await Task.Delay(50);
        Assert.Equal(0, informer.Cache.Count);
        clock.Advance(TimeSpan.FromMinutes(5.5));
        await Eventually.True(
            () =>
            {
                // The pause before the next watch is over once the clock moves.
                clock.Advance(TimeSpan.FromSeconds(1));
                return informer.Cache.Count == 1;
            },
            "the change that the silent watch hid");
        Assert.Single(_server.Requests, r => !r.IsWatch);
    }

    [Fact]
    public async Task Watch_timeouts_differ_so_that_watches_do_not_end_together()
    {
        await StartSynced();
        for (var i = 2; i < 8; i++)
        {
            var count = i;
            _server.DropWatches();
            await Eventually.True(() => _server.Requests.Count(r => r.IsWatch) == count && _server.OpenWatches == 1, "another watch");
        }

        var timeouts = _server.Requests.Where(r => r.IsWatch).Select(r => int.Parse(r.Query.Split("timeoutSeconds=")[1])).ToList();
        Assert.All(timeouts, t => Assert.InRange(t, 300, 600));
        Assert.True(timeouts.Distinct().Count() > 2, string.Join(",", timeouts));
    }

    [Fact]
    public async Task Refused_list_is_shown_and_repeated()
    {
        var refuse = true;
        _server.Intercept = async context =>
        {
            if (!refuse)
            {
                return false;
            }

            await FakeApiServer.Answer(context, 403, "Forbidden", "no list for you");
            return true;
        };
        var informer = Start();
        await Eventually.True(() => informer.LastError is KubeApiException { IsForbidden: true }, "the refusal");
        Assert.False(informer.HasSynced);
        refuse = false;
        await informer.WaitForSyncAsync().WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Null(informer.LastError);
    }

    [Fact]
    public async Task Watch_that_cannot_be_opened_shows_until_it_is_open_again_even_if_nothing_changes()
    {
        var informer = await StartSynced();
        var refuse = true;
        _server.Intercept = async context =>
        {
            if (!refuse)
            {
                return false;
            }

            await FakeApiServer.Answer(context, 500, "InternalError", "not now");
            return true;
        };
        _server.DropWatches();
        await Eventually.True(() => informer.LastError is KubeApiException, "the error");
        refuse = false;
        await Eventually.True(() => informer.LastError is null && _server.OpenWatches == 1, "the recovery");
    }

    [Fact]
    public async Task Malformed_object_keeps_its_last_good_form_and_is_reported()
    {
        _server.Put(A, Json("one", "1"));
        _server.Put(A, """{"metadata":{"name":"never"},"data":[1]}""");
        var informer = await StartSynced();
        Assert.Equal(new ObjectKey("a", "never"), Assert.Single(informer.Malformed).Key);

        _server.Put(A, """{"metadata":{"name":"one"},"data":[1]}""");
        await Eventually.True(() => informer.Malformed.ContainsKey(new ObjectKey("a", "one")), "the report");
        Assert.Equal("1", Value(informer, "one"));
        _server.Put(A, Json("one", "3"));
        await Eventually.True(() => Value(informer, "one") == "3", "the repaired object");
        Assert.False(informer.Malformed.ContainsKey(new ObjectKey("a", "one")));
    }

    [Fact]
    public async Task Garbage_on_the_wire_is_survived()
    {
        var informer = await StartSynced();
        _server.SendLine("{\"type\":\"ADD");
        await Eventually.True(() => _server.Requests.Count(r => r.IsWatch) == 2, "a new watch");
        _server.Put(A, Json("one", "1"));
        await Eventually.True(() => informer.Cache.Count == 1, "the object");
    }

    [Fact]
    public async Task Late_subscriber_gets_the_present_state_first()
    {
        _server.Put(A, Json("one", "1"));
        var informer = await StartSynced();
        var late = new ConcurrentQueue<InformerEvent<V1ConfigMap>>();
        using (informer.Subscribe(late.Enqueue))
        {
            Assert.True(late.Single() is { Type: InformerEventType.Added, IsBackground: true });
            _server.Put(A, Json("one", "2"));
            await Eventually.True(() => late.Count == 2, "the change");
        }

        _server.Put(A, Json("one", "3"));
        await Eventually.True(() => Value(informer, "one") == "3", "the cache goes on");
        Assert.Equal(2, late.Count);
    }

    [Fact]
    public async Task Selectors_namespace_transform_and_resync_are_honoured()
    {
        var clock = new FakeTimeProvider();
        _server.Put(A, """{"metadata":{"name":"one","labels":{"app":"x"}},"data":{"v":"1","big":"zzz"}}""");
        _server.Put(A, Json("two", "1"));
        var informer = Start(
            new InformerOptions<V1ConfigMap>
            {
                Namespace = "a",
                LabelSelector = "app=x",
                Time = clock,
                Resync = TimeSpan.FromMinutes(10),
                Transform = map => map with { Data = new Dictionary<string, string> { ["v"] = map.Data!["v"] } },
            },
            clock);
        await informer.WaitForSyncAsync();
        Assert.Equal("v", Assert.Single(Assert.Single(informer.Cache.All()).Data!).Key);
        _seen.Clear();
        clock.Advance(TimeSpan.FromMinutes(10));
        await Eventually.True(() => _seen.Contains("Updated a/one 1->1 background"), "the resync");
    }

    [Fact]
    public async Task Metadata_only_informer_asks_for_metadata_and_keeps_nothing_else()
    {
        _server.Put(A, Json("one", "1"));
        var informer = new Informer<V1PartialObjectMetadata>(_server.Client(), ResourceKinds.ConfigMaps.AsMetadataOnly());
        _run = informer.RunAsync(_stop.Token);
        await informer.WaitForSyncAsync();
        await Eventually.True(() => _server.OpenWatches == 1, "the watch");
        Assert.Equal("one", Assert.Single(informer.Cache.All()).Metadata.Name);
        Assert.All(_server.Requests, r => Assert.Contains("as=PartialObjectMetadata", r.Headers["Accept"], StringComparison.Ordinal));
    }

    private static string Json(string name, string value) => $$"""{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"{{name}}"},"data":{"v":"{{value}}"} }""";

    private static string? Value(Informer<V1ConfigMap> informer, string name) => informer.Cache.Find(new ObjectKey("a", name))?.Data?["v"];

    private async Task<Informer<V1ConfigMap>> StartSynced()
    {
        var informer = Start();
        await informer.WaitForSyncAsync().WaitAsync(TimeSpan.FromSeconds(10));
        await Eventually.True(() => _server.OpenWatches == 1, "the first watch");
        return informer;
    }

    private Informer<V1ConfigMap> Start(InformerOptions<V1ConfigMap>? options = null, TimeProvider? clock = null)
    {
        var client = _server.Client(new KubeRestClientOptions { Qps = 0, Time = clock ?? TimeProvider.System, MaxRetries = 0 });
        var informer = new Informer<V1ConfigMap>(client, ResourceKinds.ConfigMaps, options ?? new InformerOptions<V1ConfigMap> { MinBackoff = TimeSpan.FromMilliseconds(5) });
        informer.Subscribe(e => _seen.Enqueue(e.Type switch
        {
            InformerEventType.Updated => $"Updated {ObjectKey.Of(e.New!)} {e.Old!.Data!["v"]}->{e.New!.Data!["v"]}",
            _ => $"{e.Type} {ObjectKey.Of(e.Object)} {e.Object.Data!["v"]}",
        } + (e.IsBackground ? " background" : "")));
        _run = informer.RunAsync(_stop.Token);
        return informer;
    }
}
