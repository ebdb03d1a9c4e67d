using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Resources;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.KubeClient.Tests.FakeApi;

/// <summary>An API server over HTTP on a free loopback port: versions, pages, watches, conflicts, and faults that a test switches on.</summary>
public sealed class FakeApiServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, JsonObject> _objects = new(StringComparer.Ordinal);
    private readonly List<(long Version, string Type, string Key, string Json)> _history = [];
    private readonly List<FakeWatch> _watches = [];
    private readonly Dictionary<string, (long Version, List<string> Items)> _pages = [];
    private long _version = 100;
    private long _oldest;

    private FakeApiServer(WebApplication app) => _app = app;

    /// <summary>Called first for every request; true means it has answered.</summary>
    public Func<HttpContext, Task<bool>>? Intercept { get; set; }

    /// <summary>Largest page, whatever the client asks for; 0 for no limit.</summary>
    public int MaxPage { get; set; }

    /// <summary>New watches send headers and then nothing at all.</summary>
    public bool MuteWatches { get; set; }

    public ConcurrentQueue<FakeRequest> Requests { get; } = new();

    public int OpenWatches
    {
        get
        {
            lock (_gate)
            {
                return _watches.Count;
            }
        }
    }

    public Uri Address => new(_app.Urls.First());

    public static async Task<FakeApiServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var server = new FakeApiServer(app);
        app.Run(server.HandleAsync);
        await app.StartAsync();
        return server;
    }

    public KubeRestClient Client(KubeRestClientOptions? options = null) => new(KubeConnection.ToServer(Address), options ?? new KubeRestClientOptions { Qps = 0 });

    public async ValueTask DisposeAsync()
    {
        DropWatches();
        await _app.DisposeAsync();
    }

    /// <summary>Stores an object under a collection path (<c>/api/v1/namespaces/a/pods</c>) as if a client had written it.</summary>
    public JsonObject Put(string collection, string json)
    {
        lock (_gate)
        {
            var value = JsonNode.Parse(json)!.AsObject();
            return Store_NeedsLock(collection + "/" + value["metadata"]!["name"], value);
        }
    }

    public void Delete(string key)
    {
        lock (_gate)
        {
            Remove_NeedsLock(key);
        }
    }

    /// <summary>Forgets history: watches and lists from before now answer 410; open watches get the 410 error event.</summary>
    public void Compact()
    {
        lock (_gate)
        {
            _oldest = ++_version;
            _pages.Clear();
            foreach (var watch in _watches)
            {
                watch.Lines.Writer.TryWrite(ErrorLine(410, "Expired"));
                watch.Lines.Writer.TryComplete();
            }
        }
    }

    /// <summary>Sends a bookmark with a new version to all open watches.</summary>
    public long Bookmark()
    {
        lock (_gate)
        {
            _version++;
            foreach (var watch in _watches)
            {
                watch.Lines.Writer.TryWrite($$$"""{"type":"BOOKMARK","object":{"kind":"X","apiVersion":"v1","metadata":{"resourceVersion":"{{{_version}}}"} } }""");
            }

            return _version;
        }
    }

    /// <summary>Sends a raw line to all open watches.</summary>
    public void SendLine(string line)
    {
        lock (_gate)
        {
            _watches.ForEach(w => w.Lines.Writer.TryWrite(line));
        }
    }

    /// <summary>Breaks the connections of all open watches.</summary>
    public void DropWatches()
    {
        lock (_gate)
        {
            foreach (var watch in _watches)
            {
                watch.Context.Abort();
                watch.Lines.Writer.TryComplete();
            }
        }
    }

    public static Task Answer(HttpContext context, int code, string reason, string message, int? retryAfter = null)
    {
        context.Response.StatusCode = code;
        context.Response.ContentType = "application/json";
        if (retryAfter is not null)
        {
            context.Response.Headers.RetryAfter = retryAfter.ToString();
        }

        return context.Response.WriteAsync($$"""{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{{message}}","reason":"{{reason}}","code":{{code}}}""");
    }

    private static string ErrorLine(int code, string reason)
        => $$$"""{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","status":"Failure","message":"too old","reason":"{{{reason}}}","code":{{{code}}}}}""";

    private static bool Matches(string key, string collection)
    {
        // A namespaced collection holds what lies below it; the collection over all namespaces holds what ends in the same plural.
        var plural = collection[(collection.LastIndexOf('/') + 1)..];
        var root = collection[..collection.LastIndexOf('/')];
        var parts = key.Split('/');
        return key.StartsWith(collection + "/", StringComparison.Ordinal)
            || (!root.Contains("/namespaces/", StringComparison.Ordinal) && key.StartsWith(root + "/namespaces/", StringComparison.Ordinal) && parts[^2] == plural);
    }

    private static bool Selected(JsonObject value, string? selector)
    {
        if (string.IsNullOrEmpty(selector))
        {
            return true;
        }

        var pair = selector.Split('=');
        return value["metadata"]!["labels"]?[pair[0]]?.ToString() == pair[1];
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        Requests.Enqueue(new FakeRequest(
            context.Request.Method,
            context.Request.Path,
            context.Request.QueryString.Value ?? "",
            body,
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        if (Intercept is not null && await Intercept(context))
        {
            return;
        }

        var path = context.Request.Path.Value!;
        var query = context.Request.Query;
        switch (context.Request.Method)
        {
            case "GET" when query["watch"] == "true":
                await WatchAsync(context, path);
                return;
            case "GET" when !IsObject(path):
                await ListAsync(context, path);
                return;
            default:
                var (code, answer) = Execute(context.Request.Method, path, body, context.Request.ContentType);
                if (code >= 400)
                {
                    await Answer(context, code, answer, answer + " " + path);
                    return;
                }

                context.Response.StatusCode = code;
                context.Response.ContentType = "application/json";
                await context.Response.WriteAsync(answer);
                return;
        }
    }

    private static bool IsObject(string path)
    {
        var segments = path.Trim('/').Split('/');
        var rest = segments[0] == "api" ? segments[2..] : segments[3..];
        return rest.Length is 2 or >= 4;
    }

    private (int Code, string Answer) Execute(string method, string path, string body, string? contentType)
    {
        lock (_gate)
        {
            var key = path.EndsWith("/status", StringComparison.Ordinal) ? path[..^7] : path;
            _objects.TryGetValue(key, out var stored);
            switch (method)
            {
                case "GET":
                    return stored is null ? (404, "NotFound") : (200, stored.ToJsonString());
                case "DELETE":
                    if (stored is null)
                    {
                        return (404, "NotFound");
                    }

                    Remove_NeedsLock(key);
                    return (200, """{"kind":"Status","status":"Success"}""");
                case "POST":
                    var created = JsonNode.Parse(body)!.AsObject();
                    key = path + "/" + created["metadata"]!["name"];
                    return _objects.ContainsKey(key) ? (409, "AlreadyExists") : (201, Store_NeedsLock(key, created).ToJsonString());
                case "PUT":
                    var replaced = JsonNode.Parse(body)!.AsObject();
                    var expected = replaced["metadata"]!["resourceVersion"]?.ToString();
                    return stored is null ? (404, "NotFound")
                        : expected is not null && expected != stored["metadata"]!["resourceVersion"]!.ToString() ? (409, "Conflict")
                        : (200, Store_NeedsLock(key, replaced).ToJsonString());
                default:
                    if (stored is null && contentType != "application/apply-patch+yaml")
                    {
                        return (404, "NotFound");
                    }

                    var merged = stored is null ? JsonNode.Parse(body)!.AsObject() : Merge(stored.DeepClone().AsObject(), JsonNode.Parse(body)!.AsObject());
                    return (200, Store_NeedsLock(key, merged).ToJsonString());
            }
        }
    }

    private static JsonObject Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is null)
            {
                target.Remove(name);
            }
            else
            {
                target[name] = value is JsonObject inner && target[name] is JsonObject old ? Merge(old.DeepClone().AsObject(), inner) : value.DeepClone();
            }
        }

        return target;
    }

    private JsonObject Store_NeedsLock(string key, JsonObject value)
    {
        var isNew = !_objects.TryGetValue(key, out var old);
        value["metadata"]!["resourceVersion"] = (++_version).ToString();
        value["metadata"]!["uid"] = isNew ? value["metadata"]!["uid"]?.ToString() ?? "uid-" + _version : old!["metadata"]!["uid"]!.ToString();
        var parts = key.Split('/');
        if (parts is [.., "namespaces", var ns, _, _])
        {
            value["metadata"]!["namespace"] = ns;
        }

        _objects[key] = value;
        Publish_NeedsLock(isNew ? "ADDED" : "MODIFIED", key, value);
        return value;
    }

    private void Remove_NeedsLock(string key)
    {
        if (_objects.Remove(key, out var old))
        {
            old["metadata"]!["resourceVersion"] = (++_version).ToString();
            Publish_NeedsLock("DELETED", key, old);
        }
    }

    private void Publish_NeedsLock(string type, string key, JsonObject value)
    {
        var line = $$"""{"type":"{{type}}","object":{{value.ToJsonString()}}}""";
        _history.Add((_version, type, key, line));
        foreach (var watch in _watches.Where(w => Matches(key, w.Collection)))
        {
            watch.Lines.Writer.TryWrite(line);
        }
    }

    private async Task ListAsync(HttpContext context, string collection)
    {
        var query = context.Request.Query;
        string answer;
        lock (_gate)
        {
            var version = _version;
            List<string> items;
            if (query.TryGetValue("continue", out var token))
            {
                if (!_pages.Remove(token!, out var page))
                {
                    answer = "";
                    items = [];
                }
                else
                {
                    (version, items) = page;
                    answer = "page";
                }
            }
            else
            {
                items = [.. _objects.Where(o => Matches(o.Key, collection) && Selected(o.Value, query["labelSelector"])).Select(o => o.Value.ToJsonString())];
                answer = "page";
            }

            if (answer.Length > 0)
            {
                var limit = int.TryParse(query["limit"], out var asked) ? asked : 0;
                limit = limit == 0 ? int.MaxValue : MaxPage > 0 ? Math.Min(limit, MaxPage) : limit;
                var next = "";
                if (items.Count > limit)
                {
                    next = "token-" + Guid.NewGuid().ToString("N");
                    _pages[next] = (version, items[limit..]);
                    items = items[..limit];
                }

                answer = $$$"""{"kind":"List","apiVersion":"v1","metadata":{"resourceVersion":"{{{version}}}","continue":"{{{next}}}"},"items":[{{{string.Join(',', items)}}}]}""";
            }
        }

        if (answer.Length == 0)
        {
            await Answer(context, 410, "Expired", "continue token too old");
            return;
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer);
    }

    private async Task WatchAsync(HttpContext context, string collection)
    {
        var watch = new FakeWatch(context, collection, Channel.CreateUnbounded<string>());
        var from = long.TryParse(context.Request.Query["resourceVersion"], out var parsed) ? parsed : 0;
        lock (_gate)
        {
            if (MuteWatches)
            {
                watch = watch with { Collection = "/muted" };
            }
            else if (from < _oldest)
            {
                watch.Lines.Writer.TryWrite(ErrorLine(410, "Expired"));
                watch.Lines.Writer.TryComplete();
            }
            else
            {
                foreach (var entry in _history.Where(h => h.Version > from && Matches(h.Key, collection)))
                {
                    watch.Lines.Writer.TryWrite(entry.Json);
                }
            }

            _watches.Add(watch);
        }

        try
        {
            context.Response.ContentType = "application/json";
            await context.Response.StartAsync();
            await context.Response.Body.FlushAsync();
            await foreach (var line in watch.Lines.Reader.ReadAllAsync(context.RequestAborted))
            {
                await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"));
                await context.Response.Body.FlushAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The client went away.
        }
        finally
        {
            lock (_gate)
            {
                _watches.Remove(watch);
            }
        }
    }

    private sealed record FakeWatch(HttpContext Context, string Collection, Channel<string> Lines);
}

/// <summary>What a client sent.</summary>
public sealed record FakeRequest(string Method, string Path, string Query, string Body, IReadOnlyDictionary<string, string> Headers)
{
    public bool IsWatch => Query.Contains("watch=true", StringComparison.Ordinal);
}
