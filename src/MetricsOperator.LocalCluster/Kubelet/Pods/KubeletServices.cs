using MetricsOperator.LocalCluster.Kubelet.Logs;
using MetricsOperator.LocalCluster.Kubelet.Processes;
using MetricsOperator.LocalCluster.Kubelet.Volumes;
using MetricsOperator.LocalCluster.Store;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>What all pods of the node share.</summary>
internal sealed class KubeletServices
{
    public required ClusterApi Api { get; init; }

    public required TimeProvider Time { get; init; }

    public required ILogger Logger { get; init; }

    public required EventRecorder Events { get; init; }

    public required ContainerRuntime Runtime { get; init; }

    public required ContainerPlanner Planner { get; init; }

    public required ImageMap Images { get; init; }

    public required PodAddresses Addresses { get; init; }

    public required VolumeSource VolumeSource { get; init; }

    public required PodLogFolder Logs { get; init; }

    public required NodeFacts Node { get; init; }

    /// <summary>Directory that holds one directory per pod, named by uid.</summary>
    public required string PodsFolder { get; init; }

    /// <summary>Factor on every back-off.</summary>
    public required double BackoffScale { get; init; }
}
