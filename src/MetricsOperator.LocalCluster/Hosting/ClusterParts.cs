namespace MetricsOperator.LocalCluster.Hosting;

/// <summary>The parts that make the API a cluster: add <c>new Controllers.ControllerSet(services)</c> and <c>new Kubelet.NodeAgent(services)</c> here.</summary>
internal static class ClusterParts
{
    public static IReadOnlyList<IClusterPart> Create(ClusterServices services)
    {
        ArgumentNullException.ThrowIfNull(services);
        return [];
    }
}
