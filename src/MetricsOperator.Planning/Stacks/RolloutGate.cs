using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Planning.Stacks;

/// <summary>
/// Lets changes of pod templates through one replica at a time. A replica that is down may always change: that is how a bad change
/// is repaired; a healthy one changes only while all others are ready.
/// </summary>
public static class RolloutGate
{
    /// <summary>Numbers of the replicas whose Deployment may be changed now, out of those that need it.</summary>
    public static IReadOnlyList<int> MayChange(IReadOnlyList<ReplicaView> replicas, IReadOnlyCollection<int> needChange)
    {
        var allowed = new List<int>();
        foreach (var replica in replicas.Where(r => needChange.Contains(r.Index)))
        {
            var othersReady = replicas.All(other => other.Index == replica.Index || (other.IsReady && IsSettled(other.Deployment)));
            if (replica.Deployment is null || !replica.IsReady || (othersReady && allowed.Count == 0))
            {
                allowed.Add(replica.Index);
            }
        }

        return allowed;
    }

    // Between the change of a Deployment and the end of its old pod that pod still looks ready.
    private static bool IsSettled(V1Deployment? deployment) =>
        deployment?.Status?.ObservedGeneration >= deployment?.Metadata.Generation && deployment?.Status?.UpdatedReplicas >= 1;
}
