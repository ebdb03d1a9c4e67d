using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Selectors;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>Streams the changes of a resource, one JSON document per line.</summary>
internal sealed class WatchEndpoint(ObjectStore store, ResponseWriter responses, TimeProvider time)
{
    private static readonly TimeSpan BookmarkEvery = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestWatch = TimeSpan.FromHours(1);

    public async Task RunAsync(ApiRequest request, CancellationToken shutdown)
    {
        if (request.Query("sendInitialEvents") is not null)
        {
            throw new ApiStatusException(
                422,
                "Invalid",
                "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
                new JsonObject());
        }

        var form = ResponseFormat.Negotiate(request.Http.Request);
        var labels = LabelQuery.Parse(request.Query("labelSelector"));
        var fields = FieldQuery.Parse(request.Query("fieldSelector"), request.Definition.StorageKey);
        var from = request.Number("resourceVersion") is { } version and > 0 ? version : (long?)null;
        var seconds = request.Number("timeoutSeconds") is { } wanted and > 0 ? TimeSpan.FromSeconds(wanted) : LongestWatch;
        request.Http.Response.ContentType = "application/json";
        var output = request.Http.Response.Body;

        WatchSubscription subscription;
        try
        {
            subscription = store.Subscribe(request.Definition.StorageKey, from);
        }
        catch (ApiStatusException e) when (e.Code == 410)
        {
            // As the API of a real cluster does: the watch opens, and its only event is the error.
            await WriteAsync(output, "ERROR", ApiErrors.ToStatus(e), request.Aborted);
            return;
        }

        using var open = subscription;
        await request.Http.Response.StartAsync(request.Aborted);
        await output.FlushAsync(request.Aborted);
        using var end = new CancellationTokenSource(seconds, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(end.Token, request.Aborted, shutdown);
        await StreamAsync(request, subscription, new Filter(labels, fields, form), output, stop.Token);
    }

    private async Task StreamAsync(ApiRequest request, WatchSubscription subscription, Filter filter, Stream output, CancellationToken stop)
    {
        var bookmarks = request.Flag("allowWatchBookmarks");
        var nextBookmark = time.GetUtcNow() + BookmarkEvery;
        var first = true;
        try
        {
            while (true)
            {
                // Read before draining: every change up to this revision is in the channel by now.
                var revision = store.Revision;
                while (subscription.Events.TryRead(out var change))
                {
                    subscription.Taken();
                    if (TypeFor(request, change, filter) is { } type)
                    {
                        await WriteAsync(output, type, responses.EventObject(request, change.Object, filter.Form, first), stop);
                        first = false;
                    }
                }

                await output.FlushAsync(stop);
                var wait = nextBookmark - time.GetUtcNow();
                if (bookmarks && wait <= TimeSpan.Zero)
                {
                    await WriteAsync(output, "BOOKMARK", Bookmark(request, revision, filter.Form), stop);
                    await output.FlushAsync(stop);
                    nextBookmark = time.GetUtcNow() + BookmarkEvery;
                    continue;
                }

                if (!await WaitAsync(subscription, bookmarks ? wait : Timeout.InfiniteTimeSpan, stop))
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            if (bookmarks && !request.Aborted.IsCancellationRequested)
            {
                await WriteAsync(output, "BOOKMARK", Bookmark(request, store.Revision, filter.Form), CancellationToken.None);
            }
        }
        catch (ApiStatusException e)
        {
            await WriteAsync(output, "ERROR", ApiErrors.ToStatus(e), stop);
        }
    }

    /// <summary>Waits for a change or until it is time for a bookmark; false when the subscription is over.</summary>
    private async Task<bool> WaitAsync(WatchSubscription subscription, TimeSpan atMost, CancellationToken stop)
    {
        var more = subscription.Events.WaitToReadAsync(stop).AsTask();
        if (atMost == Timeout.InfiniteTimeSpan)
        {
            return await more;
        }

        try
        {
            return await more.WaitAsync(atMost, time, stop);
        }
        catch (TimeoutException)
        {
            return true;
        }
    }

    /// <summary>What the change is to somebody who sees only matching objects; null when it is nothing.</summary>
    private static string? TypeFor(ApiRequest request, StoreEvent change, Filter filter)
    {
        var matches = change.Type != WatchEventType.Deleted && ReadEndpoints.Matches(request, change.Object, filter.Labels, filter.Fields);
        var matched = change.Previous is { } previous && ReadEndpoints.Matches(request, previous, filter.Labels, filter.Fields);
        return (matched, matches) switch
        {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            _ => null,
        };
    }

    private static JsonObject Bookmark(ApiRequest request, long revision, ObjectForm form)
    {
        var version = revision.ToString(CultureInfo.InvariantCulture);
        return form switch
        {
            ObjectForm.Table => new JsonObject
            {
                ["kind"] = "Table",
                ["apiVersion"] = "meta.k8s.io/v1",
                ["metadata"] = new JsonObject { ["resourceVersion"] = version },
                ["columnDefinitions"] = new JsonArray(),
                ["rows"] = new JsonArray(),
            },
            ObjectForm.PartialMetadata => new JsonObject { ["kind"] = "PartialObjectMetadata", ["apiVersion"] = "meta.k8s.io/v1", ["metadata"] = new JsonObject { ["resourceVersion"] = version } },
            _ => new JsonObject { ["kind"] = request.Definition.Kind, ["apiVersion"] = request.Definition.ApiVersion, ["metadata"] = new JsonObject { ["resourceVersion"] = version } },
        };
    }

    private static async Task WriteAsync(Stream output, string type, JsonNode obj, CancellationToken stop)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, JsonDocuments.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("type", type);
            writer.WritePropertyName("object");
            obj.WriteTo(writer);
            writer.WriteEndObject();
        }

        buffer.Write("\n"u8);
        await output.WriteAsync(buffer.WrittenMemory, stop);
    }

    private sealed record Filter(LabelQuery Labels, FieldQuery Fields, ObjectForm Form);
}
