using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Selectors;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>Keeps as many pods of a ReplicaSet as it wants.</summary>
internal sealed class ReplicaSetController(ControllerContext context) : ObjectController("replicaset-controller", context)
{
    private const string Resource = "apps/replicasets";

    protected override void Subscribe()
    {
        Watch(Resource);
        WatchOwned("pods", "ReplicaSet");
    }

    protected override TimeSpan? Reconcile(QueueKey key)
    {
        if (Api.Get(Resource, key.Namespace, key.Name) is not { } set)
        {
            return null;
        }

        var pods = Pods(set);
        if (!set.IsBeingDeleted())
        {
            Scale(set, pods);
            pods = Pods(set);
        }

        return Report(set, pods);
    }

    /// <summary>Active pods the set controls; pods that match and have no controller are adopted.</summary>
    private List<JsonObject> Pods(JsonObject set)
    {
        var selector = LabelQuery.FromSelector(set.ObjectAt("spec", "selector"));
        var pods = new List<JsonObject>();
        foreach (var pod in Api.List("pods", set.NamespaceOf()).Where(PodStates.IsActive))
        {
            if (OwnerReferences.IsControlledBy(pod, set.UidOf()))
            {
                pods.Add(pod);
            }
            else if (!set.IsBeingDeleted() && OwnerReferences.Controller(pod) is null && selector?.Matches(pod.ObjectAt("metadata", "labels")) == true)
            {
                var references = pod.Metadata()["ownerReferences"] as JsonArray ?? [];
                references.Add(OwnerReferences.ToController(set, "apps/v1", "ReplicaSet"));
                pod.Metadata()["ownerReferences"] = references.DeepClone();
                pods.Add(Api.Update("pods", pod, Name));
            }
        }

        return pods;
    }

    private void Scale(JsonObject set, List<JsonObject> pods)
    {
        var missing = (set.LongAt("spec", "replicas") ?? 1) - pods.Count;
        for (; missing > 0; missing--)
        {
            var name = $"{set.NameOf()}-{PodTemplates.RandomSuffix()}";
            try
            {
                Api.Create("pods", set.NamespaceOf(), PodTemplates.NewPod(set.ObjectAt("spec", "template")!, set, "apps/v1", "ReplicaSet", name), Name);
                Events.Normal(set, "SuccessfulCreate", $"Created pod: {name}");
            }
            catch (ApiStatusException e) when (!e.IsAlreadyExists)
            {
                Events.Warning(set, "FailedCreate", $"Error creating: {e.Message}");
                throw;
            }
        }

        // The least useful first: without a node, not ready, then the youngest.
        var surplus = pods
            .OrderBy(pod => string.IsNullOrEmpty(pod.StringAt("spec", "nodeName")) ? 0 : 1)
            .ThenBy(pod => PodStates.IsReady(pod) ? 1 : 0)
            .ThenByDescending(pod => pod.StringAt("metadata", "creationTimestamp"), StringComparer.Ordinal)
            .Take((int)Math.Max(-missing, 0));
        foreach (var pod in surplus)
        {
            DeleteIfThere("pods", pod);
            Events.Normal(set, "SuccessfulDelete", $"Deleted pod: {pod.NameOf()}");
        }
    }

    private TimeSpan? Report(JsonObject set, List<JsonObject> pods)
    {
        var now = Time.GetUtcNow();
        var minReady = TimeSpan.FromSeconds(set.LongAt("spec", "minReadySeconds") ?? 0);
        var availableAt = pods.Select(pod => PodStates.AvailableAt(pod, minReady)).OfType<DateTimeOffset>().ToList();
        var available = availableAt.Count(at => at <= now);
        var labels = set.ObjectAt("spec", "template", "metadata", "labels") ?? [];
        var status = new JsonObject { ["replicas"] = pods.Count };
        SetPositive(status, "fullyLabeledReplicas", pods.Count(pod => labels.All(label => pod.StringAt("metadata", "labels", label.Key) == label.Value.AsString())));
        SetPositive(status, "readyReplicas", availableAt.Count);
        SetPositive(status, "availableReplicas", available);
        status["observedGeneration"] = set.LongAt("metadata", "generation") ?? 1;
        WriteStatus(Resource, set, status);
        return available == availableAt.Count ? null : availableAt.Where(at => at > now).Min() - now;
    }

    /// <summary>Counters that are zero are left out, as in the API's own serialization.</summary>
    internal static void SetPositive(JsonObject status, string name, long value)
    {
        if (value > 0)
        {
            status[name] = value;
        }
    }
}
