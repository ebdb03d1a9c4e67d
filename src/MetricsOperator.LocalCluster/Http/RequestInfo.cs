using Microsoft.AspNetCore.Http;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>What a request is about, read from its method, path and query.</summary>
internal sealed record RequestInfo
{
    private static readonly string[] NamespaceSubresources = ["status", "finalize"];

    /// <summary>Whether the path names a resource (else it is discovery, health and the like).</summary>
    public bool IsResource { get; private init; }

    /// <summary>RBAC verb; the lower-case method for other paths.</summary>
    public required string Verb { get; init; }

    public required string Path { get; init; }

    public string Group { get; private init; } = string.Empty;

    public string Version { get; private init; } = string.Empty;

    public string Namespace { get; private init; } = string.Empty;

    public string Resource { get; private init; } = string.Empty;

    public string Name { get; private init; } = string.Empty;

    public string Subresource { get; private init; } = string.Empty;

    public static RequestInfo Parse(HttpRequest request)
    {
        var path = request.Path.Value ?? "/";
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString).ToArray();
        var method = request.Method.ToLowerInvariant();
        var (group, version, rest) = parts switch
        {
            ["api", var v, .. var r] when r.Length > 0 => (string.Empty, v, r),
            ["apis", var g, var v, .. var r] when r.Length > 0 => (g, v, r),
            _ => (string.Empty, string.Empty, Array.Empty<string>()),
        };
        if (rest.Length == 0)
        {
            return new RequestInfo { Verb = method, Path = path };
        }

        var ns = string.Empty;
        if (rest is ["namespaces", var named, ..])
        {
            ns = named;
            if (rest.Length > 2 && !NamespaceSubresources.Contains(rest[2]))
            {
                rest = rest[2..];
            }
        }

        var name = rest.Length > 1 ? rest[1] : string.Empty;
        return new RequestInfo
        {
            IsResource = true,
            Path = path,
            Verb = VerbOf(method, name, request.Query),
            Group = group,
            Version = version,
            Namespace = ns,
            Resource = rest[0],
            Name = name,
            Subresource = rest.Length > 2 ? string.Join('/', rest[2..]) : string.Empty,
        };
    }

    private static string VerbOf(string method, string name, IQueryCollection query) => method switch
    {
        "get" or "head" when name.Length > 0 => "get",
        "get" or "head" => query["watch"].ToString() is "true" or "1" ? "watch" : "list",
        "post" => "create",
        "put" => "update",
        "patch" => "patch",
        "delete" => name.Length > 0 ? "delete" : "deletecollection",
        _ => method,
    };
}
