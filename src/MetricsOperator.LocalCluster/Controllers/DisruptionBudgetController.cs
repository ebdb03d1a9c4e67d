using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Selectors;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>Reports how many pods a PodDisruptionBudget covers and how many of them may be disrupted now.</summary>
internal sealed class DisruptionBudgetController(ControllerContext context) : ObjectController("disruption-controller", context)
{
    private const string Resource = "policy/poddisruptionbudgets";

    protected override void Subscribe()
    {
        Watch(Resource);
        Watch("pods", pod => Api.List(Resource, pod.NamespaceOf())
            .Where(budget => LabelQuery.FromSelector(budget.ObjectAt("spec", "selector"))?.Matches(pod.ObjectAt("metadata", "labels")) == true)
            .Select(QueueKey.Of));
    }

    protected override TimeSpan? Reconcile(QueueKey key)
    {
        if (Api.Get(Resource, key.Namespace, key.Name) is not { } budget || budget.IsBeingDeleted())
        {
            return null;
        }

        var selector = LabelQuery.FromSelector(budget.ObjectAt("spec", "selector"));
        var pods = Api.List("pods", key.Namespace)
            .Where(pod => selector?.Matches(pod.ObjectAt("metadata", "labels")) == true && pod.StringAt("status", "phase") is not ("Succeeded" or "Failed"))
            .ToList();
        var expected = Expected(key.Namespace, pods);
        var healthy = pods.Count(pod => !pod.IsBeingDeleted() && PodStates.IsReady(pod));
        var desired = budget.IntOrText("spec", "maxUnavailable") is { } unavailable
            ? Math.Max(expected - RollingBounds.Resolve(unavailable, expected, up: true), 0)
            : RollingBounds.Resolve(budget.IntOrText("spec", "minAvailable") ?? "1", expected, up: true);
        var allowed = expected == 0 ? 0 : Math.Max(healthy - desired, 0);
        WriteStatus(Resource, budget, new JsonObject
        {
            ["conditions"] = new JsonArray(Condition(budget, allowed)),
            ["currentHealthy"] = healthy,
            ["desiredHealthy"] = desired,
            ["disruptionsAllowed"] = allowed,
            ["expectedPods"] = expected,
            ["observedGeneration"] = budget.LongAt("metadata", "generation") ?? 1,
        });
        return null;
    }

    /// <summary>The replicas that the controllers of the pods want; pods without a controller count as they are.</summary>
    private long Expected(string ns, List<JsonObject> pods)
    {
        var expected = pods.Count(pod => OwnerReferences.Controller(pod) is null);
        long wanted = 0;
        foreach (var owner in pods.Select(OwnerReferences.Controller).OfType<OwnerReference>().DistinctBy(owner => owner.Uid))
        {
            var controller = Api.ResourceOf(owner.ApiVersion, owner.Kind) is { } resource ? Api.Get(resource, ns, owner.Name) : null;
            wanted += controller.LongAt("spec", "replicas") ?? pods.Count(pod => OwnerReferences.IsControlledBy(pod, owner.Uid));
        }

        return expected + wanted;
    }

    private JsonObject Condition(JsonObject budget, long allowed)
    {
        var (value, reason) = allowed > 0 ? ("True", "SufficientPods") : ("False", "InsufficientPods");
        var earlier = budget.ObjectsAt("status", "conditions").FirstOrDefault(condition => condition.StringAt("status") == value);
        return new JsonObject
        {
            ["lastTransitionTime"] = earlier.StringAt("lastTransitionTime") ?? Time.GetUtcNow().ToSeconds(),
            ["message"] = string.Empty,
            ["observedGeneration"] = budget.LongAt("metadata", "generation") ?? 1,
            ["reason"] = reason,
            ["status"] = value,
            ["type"] = "DisruptionAllowed",
        };
    }
}
