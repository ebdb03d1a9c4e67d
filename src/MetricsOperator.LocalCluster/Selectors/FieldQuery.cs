using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Selectors;

/// <summary>A field selector: <c>metadata.name=x,status.phase!=Running</c>.</summary>
internal sealed class FieldQuery
{
    private static readonly string[] Common = ["metadata.name", "metadata.namespace"];
    private static readonly Dictionary<string, string[]> PerResource = new(StringComparer.Ordinal)
    {
        ["pods"] = ["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName"],
        ["events"] =
        [
            "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion", "involvedObject.resourceVersion",
            "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type", "regarding.kind", "regarding.namespace", "regarding.name", "regarding.uid",
        ],
        ["secrets"] = ["type"],
        ["nodes"] = ["spec.unschedulable"],
        ["namespaces"] = ["status.phase"],
        ["services"] = ["spec.clusterIP", "spec.type"],
        ["apps/replicasets"] = ["status.replicas"],
    };

    private readonly List<(string[] Path, bool Equal, string Value)> _terms = [];

    /// <summary>The name that metadata.name is required to be, or null.</summary>
    public string? Name { get; private set; }

    /// <exception cref="ApiStatusException">400 for text that is no selector or a field the resource does not offer.</exception>
    public static FieldQuery Parse(string? text, string resource)
    {
        var query = new FieldQuery();
        foreach (var term in (text ?? string.Empty).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var at = term.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0)
            {
                throw ApiErrors.BadRequest($"invalid selector: '{text}'; can't understand '{term}'");
            }

            var equal = term[at - 1] != '!';
            var field = term[..(equal ? at : at - 1)];
            var value = term[(at + 1)..].TrimStart('=');
            if (!Common.Contains(field) && !(PerResource.TryGetValue(resource, out var offered) && offered.Contains(field)))
            {
                throw ApiErrors.BadRequest($"field label not supported: {field}");
            }

            if (field == "metadata.name" && equal)
            {
                query.Name = value;
            }

            query._terms.Add((field.Replace("regarding.", "involvedObject.", StringComparison.Ordinal).Split('.'), equal, value));
        }

        return query;
    }

    public bool Matches(JsonObject obj) => _terms.TrueForAll(t =>
    {
        var path = t.Path is ["source"] ? ["source", "component"] : t.Path;
        var value = obj.At(path) switch
        {
            null => path is ["spec", "unschedulable"] or ["spec", "hostNetwork"] ? "false" : string.Empty,
            var node => node.AsString() ?? JsonDocuments.ToText(node),
        };
        return (value == t.Value) == t.Equal;
    });
}
