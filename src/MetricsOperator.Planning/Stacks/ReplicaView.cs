using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Planning.Stacks;

/// <summary>What is known about one replica now.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Pod">Its pod; null while there is none.</param>
/// <param name="Deployment">Its Deployment; null while there is none.</param>
/// <param name="Report">What its server says; null while it does not answer.</param>
public sealed record ReplicaView(int Index, V1Pod? Pod, V1Deployment? Deployment, ReplicaReport? Report)
{
    /// <summary>The kubelet lets requests through.</summary>
    public bool IsReady => Pod?.Status?.Conditions?.Any(c => c is { Type: "Ready", Status: "True" }) == true;

    /// <summary>The server's container.</summary>
    public V1ContainerStatus? Server => Pod?.Status?.ContainerStatuses?.FirstOrDefault(s => s.Name == StackNames.ServerContainer);

    public bool IsCrashLooping => Server?.State?.Waiting?.Reason == "CrashLoopBackOff";

    /// <summary>The views of all replicas. Of several pods the newest that is not being deleted counts.</summary>
    public static IReadOnlyList<ReplicaView> Of(
        string stack,
        int replicas,
        IReadOnlyList<V1Pod> pods,
        IReadOnlyList<V1Deployment> deployments,
        Func<V1Pod, ReplicaReport?> reportOf)
    {
        var views = new List<ReplicaView>();
        for (var index = 0; index < replicas; index++)
        {
            var selector = StackNames.PodSelector(stack, index);
            var pod = pods.Where(p => p.Metadata.DeletionTimestamp is null && selector.All(l => p.Metadata.Labels?.GetValueOrDefault(l.Key) == l.Value))
                .OrderByDescending(p => p.Metadata.CreationTimestamp)
                .ThenBy(p => p.Metadata.Name, StringComparer.Ordinal)
                .FirstOrDefault();
            var deployment = deployments.FirstOrDefault(d => d.Metadata.Name == StackNames.Replica(stack, index));
            views.Add(new ReplicaView(index, pod, deployment, pod is null ? null : reportOf(pod)));
        }

        return views;
    }
}
