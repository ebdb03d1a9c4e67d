using System.Text.Json.Nodes;

namespace MetricsOperator.Api.Install;

/// <summary>One grant of the operator's role.</summary>
/// <param name="Why">The sentence that explains it to whoever reviews the role.</param>
/// <param name="ApiGroups">API groups; empty text is core.</param>
/// <param name="Resources">Plural names.</param>
/// <param name="Verbs">What may be done.</param>
/// <param name="Urls">Paths outside of the resources, when it is about those.</param>
public sealed record AccessRule(string Why, string[] ApiGroups, string[] Resources, string[] Verbs, string[]? Urls = null);

/// <summary>Everything the operator may do, in one list; the install manifest and the chart are rendered from it.</summary>
public static class OperatorAccess
{
    private static readonly string[] Read = ["get", "list", "watch"];
    private static readonly string[] Own = ["get", "list", "watch", "create", "update", "patch", "delete"];

    public static IReadOnlyList<AccessRule> Rules { get; } =
    [
        new("Reads what users want.", ["metricsoperator.dev"], ["metricsstacks", "metricskeeplists"], Read),
        new("Reports what it found and did.", ["metricsoperator.dev"], ["metricsstacks/status"], ["get", "update", "patch"]),
        new("May be named as owner that blocks deletion, where the cluster checks that.", ["metricsoperator.dev"], ["metricsstacks/finalizers"], ["update"]),
        new("Owns the objects of a stack.", [""], ["configmaps", "services", "serviceaccounts", "persistentvolumeclaims", "secrets"], Own),
        new("Owns the objects of a stack.", ["apps"], ["deployments"], Own),
        new("Owns the objects of a stack.", ["networking.k8s.io"], ["ingresses"], Own),
        new("Owns the objects of a stack.", ["policy"], ["poddisruptionbudgets"], Own),
        new("Gives servers the right to discover targets.", ["rbac.authorization.k8s.io"], ["roles", "rolebindings", "clusterroles", "clusterrolebindings"], Own),
        new("Sees deaths; touches an annotation so that the kubelet refreshes mounted files at once.", [""], ["pods"], ["get", "list", "watch", "patch"]),
        new("Tells the story in events.", ["events.k8s.io"], ["events"], ["create", "patch", "update"]),
        new("Elects one active replica.", ["coordination.k8s.io"], ["leases"], ["get", "create", "update", "patch"]),
        new("Passes on to servers what they need for discovery; nobody can grant what he does not have.", [""], ["nodes", "services", "endpoints", "pods"], Read),
        new("Passes on to servers what they need for discovery.", ["discovery.k8s.io"], ["endpointslices"], Read),
        new("Passes on to servers what they need to scrape kubelets.", [""], ["nodes/metrics"], ["get"]),
        new("Passes on to servers what they need to scrape the API server.", [], [], ["get"], ["/metrics"]),
    ];

    /// <summary>The rules as the <c>rules</c> of a ClusterRole.</summary>
    public static JsonArray ToPolicyRules() => new([.. Rules.Select(ToPolicyRule)]);

    private static JsonObject ToPolicyRule(AccessRule rule)
    {
        var json = new JsonObject();
        if (rule.Urls is { } urls)
        {
            json["nonResourceURLs"] = Strings(urls);
        }
        else
        {
            json["apiGroups"] = Strings(rule.ApiGroups);
            json["resources"] = Strings(rule.Resources);
        }

        json["verbs"] = Strings(rule.Verbs);
        return json;
    }

    private static JsonArray Strings(string[] values) => new([.. values.Select(v => (JsonNode?)v)]);
}
