using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>What is known about a pod when its containers are prepared.</summary>
/// <param name="Pod">The pod document.</param>
/// <param name="PodIp">Its loopback address.</param>
/// <param name="Node">Facts of this node.</param>
/// <param name="Folder">The pod's own directory.</param>
internal sealed record PodContext(JsonObject Pod, string PodIp, NodeFacts Node, string Folder)
{
    public string Namespace => Pod.NamespaceOf();

    public string Name => Pod.NameOf();

    public string Uid => Pod.UidOf();

    public string ServiceAccount => Pod.StringAt("spec", "serviceAccountName") ?? "default";

    /// <summary>The directory of one container: working directory, termination message, single-file mounts.</summary>
    public string ContainerFolder(string container) => Path.Join(Folder, "containers", container);
}

/// <summary>Facts of the node that pods may ask for.</summary>
/// <param name="Name">Name of the Node object.</param>
/// <param name="Address">Its internal address.</param>
/// <param name="CpuCores">Processors.</param>
/// <param name="MemoryBytes">Memory that pods may use.</param>
internal sealed record NodeFacts(string Name, string Address, int CpuCores, long MemoryBytes);
