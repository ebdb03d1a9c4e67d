using MetricsOperator.KubeClient.Models;
using MetricsOperator.Timeseries.Labels;
using static MetricsOperator.Server.Discovery.KubernetesLabels;

namespace MetricsOperator.Server.Discovery;

/// <summary>Targets of nodes: the kubelet at the node's first usable address.</summary>
internal static class NodeTargets
{
    private static readonly string[] AddressOrder = ["InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname"];

    public static IEnumerable<LabelSet> Build(V1Node node)
    {
        var addresses = node.Status?.Addresses ?? [];
        var address = AddressOrder.Select(type => addresses.FirstOrDefault(a => a.Type == type)?.Address).FirstOrDefault(a => a is not null);
        if (address is null)
        {
            yield break;
        }

        var labels = new LabelSetBuilder();
        AddObject(labels, node.Metadata, "node");
        labels.Set(Prefix + "node_provider_id", node.Spec?.ProviderID ?? string.Empty);
        labels.Set("__address__", HostPort(address, node.Status?.DaemonEndpoints?.KubeletEndpoint?.Port ?? 0));
        labels.Set(LabelNames.Instance, node.Metadata.Name ?? string.Empty);
        foreach (var type in addresses.Select(a => a.Type ?? string.Empty).Distinct(StringComparer.Ordinal))
        {
            labels.Set($"{Prefix}node_address_{Sanitize(type)}", addresses.First(a => (a.Type ?? string.Empty) == type).Address ?? string.Empty);
        }

        yield return labels.Build();
    }
}

/// <summary>Targets of services: their DNS name at every port, for probes from outside.</summary>
internal static class ServiceTargets
{
    private const string Role = Prefix + "service_";

    public static IEnumerable<LabelSet> Build(V1Service service, Action<LabelSetBuilder> addAttached)
    {
        var common = new LabelSetBuilder();
        AddLabels(common, service);
        addAttached(common);
        var group = common.Build();
        foreach (var port in service.Spec?.Ports ?? [])
        {
            var type = service.Spec?.Type ?? "ClusterIP";
            var target = new LabelSetBuilder(group)
                .Set("__address__", HostPort($"{service.Metadata.Name}.{service.Metadata.Namespace}.svc", port.Port))
                .Set(Role + "port_name", port.Name ?? string.Empty)
                .Set(Role + "port_number", Number(port.Port))
                .Set(Role + "port_protocol", port.Protocol ?? "TCP")
                .Set(Role + "type", type);
            target = type == "ExternalName"
                ? target.Set(Role + "external_name", service.Spec?.ExternalName ?? string.Empty)
                : target.Set(Role + "cluster_ip", service.Spec?.ClusterIP ?? string.Empty);
            yield return target.Build();
        }
    }

    /// <summary>Namespace, name, labels and annotations of a service.</summary>
    public static void AddLabels(LabelSetBuilder labels, V1Service service)
    {
        labels.Set(Namespace, service.Metadata.Namespace ?? string.Empty);
        AddObject(labels, service.Metadata, "service");
    }
}
