using System.Collections.Immutable;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Proxy;

/// <summary>Where an ingress rule sends a request.</summary>
/// <param name="Namespace">Namespace of the Ingress and of its Service.</param>
/// <param name="Service">Name of the Service.</param>
/// <param name="PortName">Name of its port, or null when the number counts.</param>
/// <param name="PortNumber">Number of its port, or null when the name counts.</param>
internal sealed record IngressBackend(string Namespace, string Service, string? PortName, int? PortNumber);

/// <summary>The rules of all Ingress objects as a list in order of precedence.</summary>
internal sealed class IngressRoutes
{
    private readonly ImmutableArray<Route> _routes;

    /// <summary>Reads the rules. Exact host before wildcard before any; exact path before prefix; longer before shorter; older Ingress before younger.</summary>
    public IngressRoutes(IEnumerable<JsonObject> ingresses)
    {
        var routes = new List<Route>();
        foreach (var ingress in ingresses.OrderBy(ingress => ingress.StringAt("metadata", "creationTimestamp"), StringComparer.Ordinal))
        {
            foreach (var rule in ingress.ObjectsAt("spec", "rules"))
            {
                routes.AddRange(rule.ObjectsAt("http", "paths").Select(path => new Route(
                    rule.StringAt("host") ?? string.Empty,
                    path.StringAt("path") is { Length: > 0 } given ? given : "/",
                    path.StringAt("pathType") == "Exact",
                    Backend(ingress, path.ObjectAt("backend")))));
            }

            if (ingress.ObjectAt("spec", "defaultBackend") is { } fallback)
            {
                routes.Add(new Route(string.Empty, "/", false, Backend(ingress, fallback)));
            }
        }

        _routes =
        [
            .. routes.OrderBy(route => route.Host.Length == 0 ? 2 : route.Host.StartsWith("*.", StringComparison.Ordinal) ? 1 : 0)
                .ThenBy(route => route.IsExact && route.Path.Length > 0 ? 0 : 1)
                .ThenByDescending(route => route.Path.Length),
        ];
    }

    /// <summary>The backend for a request, or null when no rule matches.</summary>
    /// <param name="host">Host header without port.</param>
    /// <param name="path">Path, decoded.</param>
    public IngressBackend? Find(string host, string path)
    {
        foreach (var route in _routes)
        {
            if (HostMatches(route.Host, host) && (route.IsExact ? path == route.Path : PrefixMatches(route.Path, path)))
            {
                return route.Backend;
            }
        }

        return null;
    }

    private static IngressBackend Backend(JsonObject ingress, JsonObject? backend) => new(
        ingress.NamespaceOf(),
        backend.StringAt("service", "name") ?? string.Empty,
        backend.StringAt("service", "port", "name"),
        (int?)backend.LongAt("service", "port", "number"));

    private static bool HostMatches(string rule, string host)
    {
        if (rule.Length == 0 || string.Equals(rule, host, StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        // A wildcard stands for exactly one label.
        return rule.StartsWith("*.", StringComparison.Ordinal)
            && host.IndexOf('.', StringComparison.Ordinal) is var dot and > 0
            && string.Equals(rule[1..], host[dot..], StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>By path elements: /a matches /a, /a/ and /a/b but not /ab.</summary>
    private static bool PrefixMatches(string rule, string path)
    {
        var prefix = rule.TrimEnd('/');
        return path.StartsWith(prefix, StringComparison.Ordinal) && (path.Length == prefix.Length || path[prefix.Length] == '/');
    }

    private sealed record Route(string Host, string Path, bool IsExact, IngressBackend Backend);
}
