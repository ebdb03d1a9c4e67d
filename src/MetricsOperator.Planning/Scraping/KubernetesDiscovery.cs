using System.Text.Json.Nodes;
using MetricsOperator.Api.V1alpha1;

namespace MetricsOperator.Planning.Scraping;

/// <summary>How targets of each role are found and which labels they get.</summary>
internal static class KubernetesDiscovery
{
    private const string Meta = "__meta_kubernetes_";

    /// <summary>One entry of <c>kubernetes_sd_configs</c>.</summary>
    public static JsonObject Render(KubernetesTargets targets)
    {
        if (targets.Role == KubernetesTargets.ApiServerRole)
        {
            return new JsonObject { ["role"] = "endpointslice", ["namespaces"] = new JsonObject { ["names"] = new JsonArray("default") } };
        }

        var json = new JsonObject { ["role"] = targets.Role };
        if (targets.Role != "node" && !targets.Namespaces.Any)
        {
            json["namespaces"] = targets.Namespaces.Names.Count == 0
                ? new JsonObject { ["own_namespace"] = true }
                : new JsonObject { ["names"] = new JsonArray([.. targets.Namespaces.Names.Order(StringComparer.Ordinal).Select(n => (JsonNode?)n)]) };
        }

        if (Selector(targets) is { } selector)
        {
            json["selectors"] = new JsonArray(selector);
        }

        return json;
    }

    /// <summary>Rules before the user's own: the port, pods that are over, and labels that say what the target is.</summary>
    public static IEnumerable<RelabelConfig> TargetRules(KubernetesTargets targets) => targets.Role switch
    {
        KubernetesTargets.ApiServerRole => [RelabelRules.Keep("kubernetes;https", Meta + "endpointslice_name", Meta + "endpointslice_port_name")],
        "node" => [RelabelRules.Copy(Meta + "node_name", "node")],
        "pod" =>
        [
            .. Port(targets, "pod_container_port_name", "pod_container_port_number"),
            new RelabelConfig { Action = "drop", SourceLabels = [Meta + "pod_phase"], Regex = "Failed|Succeeded" },
            RelabelRules.Copy(Meta + "namespace", "namespace"),
            RelabelRules.Copy(Meta + "pod_name", "pod"),
            RelabelRules.Copy(Meta + "pod_container_name", "container"),
        ],
        "service" =>
        [
            .. Port(targets, "service_port_name", "service_port_number"),
            RelabelRules.Copy(Meta + "namespace", "namespace"),
            RelabelRules.Copy(Meta + "service_name", "service"),
        ],
        "endpoints" => Endpoints(targets, "endpoint_port_name", "pod_container_port_number"),
        _ => Endpoints(targets, "endpointslice_port_name", "endpointslice_port"),
    };

    private static IEnumerable<RelabelConfig> Endpoints(KubernetesTargets targets, string portName, string portNumber) =>
    [
        .. Port(targets, portName, portNumber),
        RelabelRules.Copy(Meta + "namespace", "namespace"),
        RelabelRules.Copy(Meta + "service_name", "service"),
        RelabelRules.Copy(Meta + "pod_name", "pod"),
        RelabelRules.Copy(Meta + portName, "endpoint"),
    ];

    private static IEnumerable<RelabelConfig> Port(KubernetesTargets targets, string nameLabel, string numberLabel)
    {
        if (targets.Port is { } port)
        {
            yield return RelabelRules.Keep(port, Meta + (port.All(char.IsAsciiDigit) ? numberLabel : nameLabel));
        }
    }

    private static JsonObject? Selector(KubernetesTargets targets)
    {
        if (targets.Selector.MatchLabels.Count == 0 && targets.Selector.Field is null)
        {
            return null;
        }

        var json = new JsonObject { ["role"] = targets.Role };
        if (targets.Selector.MatchLabels.Count > 0)
        {
            json["label"] = string.Join(',', targets.Selector.MatchLabels.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));
        }

        if (targets.Selector.Field is { } field)
        {
            json["field"] = field;
        }

        return json;
    }
}
