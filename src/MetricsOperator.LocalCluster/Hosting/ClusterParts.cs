using MetricsOperator.LocalCluster.Controllers;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Proxy;

namespace MetricsOperator.LocalCluster.Hosting;

/// <summary>The parts that make the API a cluster, in the order they start: pods come last and go first.</summary>
internal static class ClusterParts
{
    public static IReadOnlyList<IClusterPart> Create(ClusterServices services) =>
        [new ControllerSet(services), new ServiceProxy(services), new IngressProxy(services), new NodeAgent(services)];
}
