using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Discovery;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Metrics;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Store;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>Paths that are no resources: discovery, OpenAPI, health, version, metrics.</summary>
internal sealed class PlainEndpoints(ResourceCatalog catalog, ApiMetrics metrics)
{
    private const string AggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    private readonly DiscoveryDocuments _discovery = new(catalog);
    private readonly OpenApiDocuments _openApi = new(catalog);
    private volatile Cached? _v2;

    /// <summary>Whether the cluster's parts are running; /readyz answers 500 until then.</summary>
    public bool Ready { get; set; }

    public Task HandleAsync(ApiRequest request)
    {
        var http = request.Http;
        if (request.Info.Verb is not ("get" or "head"))
        {
            throw ApiErrors.MethodNotAllowed();
        }

        var parts = request.Info.Path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        switch (parts)
        {
            case []:
                return ResponseWriter.JsonAsync(http, new JsonObject { ["paths"] = JsonAccess.StringArray(Paths()) });
            case ["healthz" or "livez" or "readyz", ..]:
                return HealthAsync(http, parts[0]);
            case ["version"]:
                return ResponseWriter.JsonAsync(http, ServerVersion.ToJson());
            case ["metrics"]:
                return TextAsync(http, metrics.Render(), "text/plain; version=0.0.4; charset=utf-8");
            case ["openapi", ..]:
                return OpenApiAsync(request, parts);
            case ["api"]:
                return DiscoveryAsync(http, core: true, () => DiscoveryDocuments.ApiVersions(http.Request.Host.Value ?? string.Empty));
            case ["apis"]:
                return DiscoveryAsync(http, core: false, _discovery.GroupList);
            case ["api", var version]:
                return ResponseWriter.JsonAsync(http, _discovery.ResourceList(string.Empty, version) ?? throw ApiErrors.UnknownPath());
            case ["apis", var group]:
                return ResponseWriter.JsonAsync(http, _discovery.Group(group) ?? throw ApiErrors.UnknownPath());
            case ["apis", var group, var version]:
                return ResponseWriter.JsonAsync(http, _discovery.ResourceList(group, version) ?? throw ApiErrors.UnknownPath());
            default:
                throw ApiErrors.UnknownPath();
        }
    }

    private async Task DiscoveryAsync(HttpContext http, bool core, Func<JsonObject> legacy)
    {
        http.Response.Headers.Vary = "Accept";
        if (!ResponseFormat.WantsAggregatedDiscovery(http.Request))
        {
            await ResponseWriter.JsonAsync(http, legacy());
            return;
        }

        await BytesAsync(http, JsonDocuments.ToBytes(_discovery.Aggregated(core)), AggregatedType);
    }

    private async Task OpenApiAsync(ApiRequest request, string[] parts)
    {
        var http = request.Http;
        switch (parts)
        {
            case ["openapi", "v3"]:
                await ResponseWriter.JsonAsync(http, _openApi.Index());
                break;
            case ["openapi", "v3", "api", var version]:
                await ResponseWriter.JsonAsync(http, _openApi.GroupVersion(string.Empty, version) ?? throw ApiErrors.UnknownPath());
                break;
            case ["openapi", "v3", "apis", var group, var version]:
                await ResponseWriter.JsonAsync(http, _openApi.GroupVersion(group, version) ?? throw ApiErrors.UnknownPath());
                break;
            case ["openapi", "v2"]:
                await OpenApiV2Async(http);
                break;
            default:
                throw ApiErrors.UnknownPath();
        }
    }

    /// <summary>As JSON, or in the protobuf form that client-go insists on.</summary>
    private async Task OpenApiV2Async(HttpContext http)
    {
        var cached = _v2;
        if (cached is null || cached.Generation != catalog.Generation)
        {
            var document = _openApi.Everything();
            _v2 = cached = new Cached(catalog.Generation, JsonDocuments.ToBytes(document), OpenApiV2Protobuf.Encode(document));
        }

        var protobuf = ResponseFormat.Accepted(http.Request).Select(a => a.Type).FirstOrDefault(t => t is "application/json" or "*/*" || t.StartsWith(OpenApiV2Protobuf.MediaType, StringComparison.Ordinal));
        if (protobuf is "application/json" or "*/*" or null)
        {
            await BytesAsync(http, cached.Json, "application/json");
        }
        else
        {
            await BytesAsync(http, cached.Protobuf, OpenApiV2Protobuf.MediaType + "@v1.0+protobuf");
        }
    }

    private Task HealthAsync(HttpContext http, string kind)
    {
        if (kind == "readyz" && !Ready)
        {
            http.Response.StatusCode = 500;
            return TextAsync(http, "[-]poststarthook/cluster-parts failed: not started\n", "text/plain; charset=utf-8");
        }

        return TextAsync(http, http.Request.Query.ContainsKey("verbose") ? $"[+]ping ok\n[+]store ok\n{kind} check passed\n" : "ok", "text/plain; charset=utf-8");
    }

    private IEnumerable<string> Paths() => catalog.All
        .Select(r => r.Group.Length == 0 ? $"/api/{r.Version}" : $"/apis/{r.Group}/{r.Version}")
        .Concat(["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3", "/readyz", "/version"])
        .Distinct()
        .Order(StringComparer.Ordinal);

    private static Task TextAsync(HttpContext http, string text, string type) => BytesAsync(http, Encoding.UTF8.GetBytes(text), type);

    private static async Task BytesAsync(HttpContext http, byte[] bytes, string type)
    {
        http.Response.ContentType = type;
        await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
    }

    private sealed record Cached(long Generation, byte[] Json, byte[] Protobuf);
}
