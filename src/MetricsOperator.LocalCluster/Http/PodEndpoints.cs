using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Hosting;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Selectors;
using MetricsOperator.LocalCluster.Store;
using MetricsOperator.LocalCluster.Writes;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>Subresources of pods and service accounts that are not stored: logs, evictions and tokens.</summary>
internal sealed class PodEndpoints(ObjectStore store, ObjectWriter writer, ResourceCatalog catalog, Security.ServiceAccountTokens tokens)
{
    private const long MinTokenSeconds = 600;
    private const long MaxTokenSeconds = 1L << 32;

    /// <summary>Reads a container's log; set by the kubelet.</summary>
    public Func<PodLogRequest, Stream, CancellationToken, Task>? Logs { get; set; }

    public async Task LogAsync(ApiRequest request)
    {
        var pod = Find("pods", request);
        var container = ContainerOf(request, pod);
        var read = Logs ?? throw new ApiStatusException(503, "ServiceUnavailable", "the kubelet is not running");
        var since = request.Query("sinceTime");
        var log = new PodLogRequest(
            pod.NamespaceOf(),
            pod.NameOf(),
            container,
            request.Flag("follow"),
            request.Flag("previous"),
            request.Flag("timestamps"),
            request.Number("tailLines"),
            request.Number("sinceSeconds"),
            since is null ? null : DateTimeOffset.TryParse(since, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : throw ApiErrors.BadRequest($"sinceTime: got {since}, want an RFC 3339 time"),
            request.Number("limitBytes"));
        request.Http.Response.ContentType = "text/plain";
        await read(log, new FlushingStream(request.Http.Response.Body), request.Aborted);
    }

    public async Task EvictAsync(ApiRequest request)
    {
        var pod = Find("pods", request);
        var (body, _) = await RequestBody.ReadObjectAsync(request.Http.Request, request.Aborted);
        foreach (var budget in store.List("policy/poddisruptionbudgets").Objects.Values.Where(b => b.Key.Namespace == pod.NamespaceOf()))
        {
            var selects = LabelQuery.FromSelector(budget.Value.ObjectAt("spec", "selector"))?.Matches(pod.ObjectAt("metadata", "labels")) == true;
            if (selects && (budget.Value.LongAt("status", "disruptionsAllowed") ?? 0) <= 0)
            {
                var cause = new JsonObject
                {
                    ["reason"] = "DisruptionBudget",
                    ["message"] = $"The disruption budget {budget.Key.Name} needs {budget.Value.LongAt("status", "desiredHealthy") ?? 0} healthy pods and has {budget.Value.LongAt("status", "currentHealthy") ?? 0} currently",
                };
                throw new ApiStatusException(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", new JsonObject { ["causes"] = new JsonArray(cause) });
            }
        }

        var options = new DeleteOptions { GracePeriodSeconds = body.LongAt("deleteOptions", "gracePeriodSeconds"), DryRun = request.IsDryRun() };
        request.Wrote(writer.Delete(request.Definition, request.Namespace, request.Info.Name, options));
        await ResponseWriter.JsonAsync(request.Http, new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201 }, 201);
    }

    public async Task TokenAsync(ApiRequest request)
    {
        var account = Find("serviceaccounts", request);
        var (body, _) = await RequestBody.ReadObjectAsync(request.Http.Request, request.Aborted);
        var seconds = Math.Clamp(body.LongAt("spec", "expirationSeconds") ?? 3600, MinTokenSeconds, MaxTokenSeconds);
        (string, string)? pod = body.StringAt("spec", "boundObjectRef", "kind") == "Pod"
            ? (body.StringAt("spec", "boundObjectRef", "name") ?? string.Empty, body.StringAt("spec", "boundObjectRef", "uid") ?? string.Empty)
            : null;
        var audiences = body.StringsAt("spec", "audiences");
        var (token, expires) = tokens.Issue(account.NamespaceOf(), account.NameOf(), TimeSpan.FromSeconds(seconds), pod, audiences);
        var answer = new JsonObject
        {
            ["kind"] = "TokenRequest",
            ["apiVersion"] = "authentication.k8s.io/v1",
            ["metadata"] = new JsonObject { ["name"] = account.NameOf(), ["namespace"] = account.NamespaceOf() },
            ["spec"] = new JsonObject
            {
                ["audiences"] = JsonAccess.StringArray(audiences.Count > 0 ? audiences : [Security.ServiceAccountTokens.Audience]),
                ["expirationSeconds"] = seconds,
                ["boundObjectRef"] = body.At("spec", "boundObjectRef")?.DeepClone(),
            },
            ["status"] = new JsonObject { ["token"] = token, ["expirationTimestamp"] = JsonAccess.Timestamp(expires) },
        };
        await ResponseWriter.JsonAsync(request.Http, answer, 201);
    }

    private JsonObject Find(string resource, ApiRequest request)
    {
        var definition = catalog.Storage(resource)!;
        return store.Get(resource, new ObjectKey(request.Info.Namespace, request.Info.Name))?.Value
            ?? throw ApiErrors.NotFound(definition.Group, definition.Plural, request.Info.Name);
    }

    private static string ContainerOf(ApiRequest request, JsonObject pod)
    {
        var names = pod.ObjectsAt("spec", "containers").Select(c => c.StringAt("name")!).ToArray();
        var all = pod.ObjectsAt("spec", "initContainers").Select(c => c.StringAt("name")!).Concat(names).ToArray();
        if (request.Query("container") is { } wanted)
        {
            return all.Contains(wanted) ? wanted : throw ApiErrors.BadRequest($"container {wanted} is not valid for pod {pod.NameOf()}");
        }

        return names.Length == 1
            ? names[0]
            : throw ApiErrors.BadRequest($"a container name must be specified for pod {pod.NameOf()}, choose one of: [{string.Join(' ', names)}]");
    }

    /// <summary>Sends each piece at once, for <c>logs -f</c>.</summary>
    private sealed class FlushingStream(Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException("a log has no length");

        public override long Position
        {
            get => throw new NotSupportedException("a log has no position");
            set => throw new NotSupportedException("a log has no position");
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await inner.WriteAsync(buffer, cancellationToken);
            await inner.FlushAsync(cancellationToken);
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Flush() => throw new NotSupportedException("write asynchronously");

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("write asynchronously");

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a log is only written");

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("a log has no position");

        public override void SetLength(long value) => throw new NotSupportedException("a log has no length");
    }
}
