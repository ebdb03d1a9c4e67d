using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Timeseries.Labels;
using static MetricsOperator.Server.Discovery.KubernetesLabels;

namespace MetricsOperator.Server.Discovery;

/// <summary>Finds the objects that endpoints point at.</summary>
internal sealed record EndpointLookups(Func<ObjectKey, V1Pod?> Pod, Func<ObjectKey, V1Service?> Service, Action<LabelSetBuilder, string?> AddNode, Action<LabelSetBuilder, string> AddNamespace);

/// <summary>
/// Targets of endpoint slices and of the older endpoints: one per address and port, and one more for every declared port of the pods behind them that
/// the service does not name.
/// </summary>
internal static class EndpointTargets
{
    private const string ServiceNameLabel = "kubernetes.io/service-name";

    public static IReadOnlyList<LabelSet> Build(V1EndpointSlice slice, EndpointLookups lookups)
    {
        const string Role = Prefix + "endpointslice_";
        var ns = slice.Metadata.Namespace ?? string.Empty;
        var serviceName = slice.Metadata.Labels?.GetValueOrDefault(ServiceNameLabel);
        var group = Group(slice.Metadata, "endpointslice", serviceName, lookups, labels => labels.Set(Role + "address_type", slice.AddressType ?? string.Empty));
        var result = new TargetsOfEndpoints(group, lookups, ns);
        foreach (var endpoint in slice.Endpoints ?? [])
        {
            foreach (var port in slice.Ports ?? [])
            {
                foreach (var address in endpoint.Addresses ?? [])
                {
                    result.Add(address, port.Port, endpoint.TargetRef, endpoint.NodeName, target =>
                    {
                        target.Set(Role + "port_name", port.Name ?? string.Empty);
                        target.Set(Role + "port_protocol", port.Protocol ?? string.Empty);
                        target.Set(Role + "port", Number(port.Port));
                        target.Set(Role + "port_app_protocol", port.AppProtocol ?? string.Empty);
                        target.Set(Role + "endpoint_conditions_ready", Boolean(endpoint.Conditions?.Ready));
                        target.Set(Role + "endpoint_conditions_serving", Boolean(endpoint.Conditions?.Serving));
                        target.Set(Role + "endpoint_conditions_terminating", Boolean(endpoint.Conditions?.Terminating));
                        target.Set(Role + "endpoint_hostname", endpoint.Hostname ?? string.Empty);
                        target.Set(Role + "endpoint_node_name", endpoint.NodeName ?? string.Empty);
                        target.Set(Role + "endpoint_zone", endpoint.Zone ?? string.Empty);
                        target.Set(Role + "address_target_kind", endpoint.TargetRef?.Kind ?? string.Empty);
                        target.Set(Role + "address_target_name", endpoint.TargetRef?.Name ?? string.Empty);
                        foreach (var (key, value) in endpoint.DeprecatedTopology ?? new Dictionary<string, string>())
                        {
                            target.Set($"{Role}endpoint_topology_{Sanitize(key)}", value);
                            target.Set($"{Role}endpoint_topology_present_{Sanitize(key)}", "true");
                        }
                    });
                }
            }
        }

        return result.Complete();
    }

    public static IReadOnlyList<LabelSet> Build(V1Endpoints endpoints, EndpointLookups lookups)
    {
        const string Role = Prefix + "endpoint_";
        var ns = endpoints.Metadata.Namespace ?? string.Empty;
        var group = Group(endpoints.Metadata, "endpoints", endpoints.Metadata.Name, lookups, _ => { });
        var result = new TargetsOfEndpoints(group, lookups, ns);
        foreach (var subset in endpoints.Subsets ?? [])
        {
            foreach (var port in subset.Ports ?? [])
            {
                foreach (var (address, ready) in (subset.Addresses ?? []).Select(a => (a, true)).Concat((subset.NotReadyAddresses ?? []).Select(a => (a, false))))
                {
                    result.Add(address.Ip ?? string.Empty, port.Port, address.TargetRef, address.NodeName, target =>
                    {
                        target.Set(Role + "port_name", port.Name ?? string.Empty);
                        target.Set(Role + "port_protocol", port.Protocol ?? string.Empty);
                        target.Set(Role + "ready", Boolean(ready));
                        target.Set(Role + "address_target_kind", address.TargetRef?.Kind ?? string.Empty);
                        target.Set(Role + "address_target_name", address.TargetRef?.Name ?? string.Empty);
                        target.Set(Role + "node_name", address.NodeName ?? string.Empty);
                        target.Set(Role + "hostname", address.Hostname ?? string.Empty);
                    });
                }
            }
        }

        return result.Complete();
    }

    private static LabelSet Group(V1ObjectMeta metadata, string role, string? serviceName, EndpointLookups lookups, Action<LabelSetBuilder> addMore)
    {
        var ns = metadata.Namespace ?? string.Empty;
        var group = new LabelSetBuilder().Set(Namespace, ns);
        AddObject(group, metadata, role);
        if (serviceName is not null && lookups.Service(new ObjectKey(ns, serviceName)) is { } service)
        {
            ServiceTargets.AddLabels(group, service);
        }

        lookups.AddNamespace(group, ns);
        addMore(group);
        return group.Build();
    }

    /// <summary>Collects targets and remembers which pod ports they cover.</summary>
    private sealed class TargetsOfEndpoints(LabelSet group, EndpointLookups lookups, string ns)
    {
        private readonly List<LabelSet> _targets = [];
        private readonly Dictionary<ObjectKey, (V1Pod Pod, HashSet<V1ContainerPort> Covered)> _pods = [];

        public void Add(string address, int? port, V1ObjectReference? reference, string? nodeName, Action<LabelSetBuilder> addEndpoint)
        {
            var target = new LabelSetBuilder(group).Set("__address__", port is null ? address : HostPort(address, port));
            addEndpoint(target);
            lookups.AddNode(target, nodeName);
            if (reference?.Kind == "Pod")
            {
                var key = new ObjectKey(reference.Namespace ?? ns, reference.Name ?? string.Empty);
                if (_pods.TryGetValue(key, out var seen) || (lookups.Pod(key) is { } found && _pods.TryAdd(key, seen = (found, new(ReferenceEqualityComparer.Instance)))))
                {
                    AddPod(target, seen.Pod, port, seen.Covered);
                }
            }

            _targets.Add(target.Build());
        }

        /// <summary>Adds the ports of pods that no endpoint covers.</summary>
        public IReadOnlyList<LabelSet> Complete()
        {
            foreach (var (pod, covered) in _pods.Values)
            {
                if (string.IsNullOrEmpty(pod.Status?.PodIP))
                {
                    continue;
                }

                foreach (var (container, isInit) in PodTargets.Containers(pod))
                {
                    foreach (var port in (container.Ports ?? []).Where(p => !covered.Contains(p)))
                    {
                        var target = new LabelSetBuilder(group).Set("__address__", HostPort(pod.Status.PodIP, port.ContainerPort));
                        PodTargets.AddLabels(target, pod);
                        PodTargets.AddContainer(target, container, port, isInit);
                        lookups.AddNode(target, pod.Spec?.NodeName);
                        _targets.Add(target.Build());
                    }
                }
            }

            return _targets;
        }

        private static void AddPod(LabelSetBuilder target, V1Pod pod, int? endpointPort, HashSet<V1ContainerPort> covered)
        {
            PodTargets.AddLabels(target, pod);
            foreach (var (container, isInit) in PodTargets.Containers(pod))
            {
                foreach (var port in container.Ports ?? [])
                {
                    if (endpointPort is not null && port.ContainerPort == endpointPort)
                    {
                        PodTargets.AddContainer(target, container, port, isInit);
                        covered.Add(port);
                        return;
                    }
                }
            }
        }
    }
}
