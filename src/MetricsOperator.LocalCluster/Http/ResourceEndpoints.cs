using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>From verb and subresource to the endpoint.</summary>
internal sealed class ResourceEndpoints(
    ReadEndpoints reads,
    WatchEndpoint watches,
    WriteEndpoints writes,
    ScaleEndpoint scales,
    PodEndpoints pods,
    ReviewEndpoints reviews,
    CancellationToken shutdown)
{
    public Task HandleAsync(ApiRequest request)
    {
        var definition = request.Definition;
        if (definition.IsVirtual)
        {
            return request.Info is { Verb: "create", Subresource: "" } ? reviews.CreateAsync(request) : throw ApiErrors.MethodNotAllowed();
        }

        switch (request.Info.Subresource)
        {
            case "":
                return MainAsync(request);
            case "status" when definition.HasStatus:
                return StatusAsync(request);
            case "scale" when definition.Scale is not null:
                return request.Info.Verb switch
                {
                    "get" => scales.GetAsync(request),
                    "update" or "patch" => scales.WriteAsync(request),
                    _ => throw ApiErrors.MethodNotAllowed(),
                };
            case "finalize" when definition.StorageKey == "namespaces" && request.Info.Verb == "update":
                return writes.UpdateAsync(request, string.Empty);
            case "log" when definition.StorageKey == "pods" && request.Info.Verb == "get":
                return pods.LogAsync(request);
            case "eviction" when definition.StorageKey == "pods" && request.Info.Verb == "create":
                return pods.EvictAsync(request);
            case "token" when definition.StorageKey == "serviceaccounts" && request.Info.Verb == "create":
                return pods.TokenAsync(request);
            default:
                throw ApiErrors.UnknownPath();
        }
    }

    private Task MainAsync(ApiRequest request) => request.Info.Verb switch
    {
        "get" => reads.GetAsync(request),
        "list" => reads.ListAsync(request),
        "watch" => watches.RunAsync(request, shutdown),
        "create" when request.Info.Name.Length == 0 => writes.CreateAsync(request),
        "update" when request.Info.Name.Length > 0 => writes.UpdateAsync(request, string.Empty),
        "patch" when request.Info.Name.Length > 0 => writes.PatchAsync(request, string.Empty),
        "delete" => writes.DeleteAsync(request),
        "deletecollection" when !request.Definition.Namespaced || request.Info.Namespace.Length > 0 => writes.DeleteCollectionAsync(request),
        _ => throw ApiErrors.MethodNotAllowed(),
    };

    private Task StatusAsync(ApiRequest request) => request.Info.Verb switch
    {
        "get" => reads.GetAsync(request),
        "update" => writes.UpdateAsync(request, "status"),
        "patch" => writes.PatchAsync(request, "status"),
        _ => throw ApiErrors.MethodNotAllowed(),
    };
}
