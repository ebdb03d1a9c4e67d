using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>Computes a pod's status from the states of its containers: phase, conditions, addresses. Pure.</summary>
internal static class PodStatus
{
    /// <summary>The status to write; starts from the present one so that what others wrote there stays.</summary>
    /// <param name="pod">The pod as stored.</param>
    /// <param name="init">Its init containers in order.</param>
    /// <param name="main">Its containers in order.</param>
    /// <param name="node">The node.</param>
    /// <param name="podIp">The pod's address, or null before it has one.</param>
    /// <param name="now">The time of a condition that changes.</param>
    public static JsonObject Build(
        JsonObject pod, IReadOnlyList<ContainerLife> init, IReadOnlyList<ContainerLife> main, NodeFacts node, string? podIp, DateTimeOffset now)
    {
        var status = (JsonObject?)pod.ObjectAt("status")?.DeepClone() ?? [];
        var phase = Phase(pod.StringAt("spec", "restartPolicy") ?? "Always", init, main);
        var initialized = init.All(HasDoneItsPart);
        var unready = main.Where(container => !container.Ready).Select(container => container.Name).ToList();
        var over = phase is "Succeeded" or "Failed";
        var notReady = unready.Count == 0 && !over
            ? (null, null)
            : phase == "Succeeded" ? ("PodCompleted", null) : phase == "Failed" ? ("PodFailed", null) : ("ContainersNotReady", $"containers with unready status: [{string.Join(' ', unready)}]");
        var incomplete = init.Where(container => !HasDoneItsPart(container)).Select(container => container.Name);

        var conditions = new JsonArray();
        Add(conditions, status, "Initialized", initialized ? (null, null) : ("ContainersNotInitialized", $"containers with incomplete status: [{string.Join(' ', incomplete)}]"), now);
        Add(conditions, status, "Ready", initialized ? notReady : ("ContainersNotReady", $"containers with unready status: [{string.Join(' ', unready)}]"), now);
        Add(conditions, status, "ContainersReady", notReady, now);
        Add(conditions, status, "PodScheduled", (null, null), now);
        foreach (var other in status.ObjectsAt("conditions").Where(condition => condition.StringAt("type") is not ("Initialized" or "Ready" or "ContainersReady" or "PodScheduled")))
        {
            conditions.Add(other.DeepClone());
        }

        status["conditions"] = conditions;
        status["containerStatuses"] = new JsonArray([.. main.Select(container => container.ToStatus())]);
        if (init.Count > 0)
        {
            status["initContainerStatuses"] = new JsonArray([.. init.Select(container => container.ToStatus())]);
        }

        status["hostIP"] = node.Address;
        status["phase"] = phase;
        if (podIp is not null)
        {
            status["podIP"] = podIp;
            status["podIPs"] = new JsonArray(new JsonObject { ["ip"] = podIp });
        }

        status["startTime"] ??= now.ToSeconds();
        return status;
    }

    /// <summary>An init container must have succeeded; one with restartPolicy Always (a sidecar) must have started.</summary>
    private static bool HasDoneItsPart(ContainerLife container) =>
        container.Container.StringAt("restartPolicy") == "Always" ? container.Started : container.Succeeded;

    private static string Phase(string restartPolicy, IReadOnlyList<ContainerLife> init, IReadOnlyList<ContainerLife> main)
    {
        var failedInit = init.Any(container => container.IsOver && !container.Succeeded);
        if (failedInit)
        {
            return "Failed";
        }

        if (init.Any(container => !HasDoneItsPart(container)) && main.All(container => container.WaitsForFirstStart))
        {
            return "Pending";
        }

        if (main.Any(container => container.WaitsForFirstStart))
        {
            return "Pending";
        }

        if (restartPolicy == "Always" || main.Any(container => !container.IsOver))
        {
            return "Running";
        }

        return main.All(container => container.Succeeded) ? "Succeeded" : "Failed";
    }

    private static void Add(JsonArray conditions, JsonObject status, string type, (string? Reason, string? Message) problem, DateTimeOffset now)
    {
        var value = problem.Reason is null ? "True" : "False";
        var earlier = status.ObjectsAt("conditions").FirstOrDefault(condition => condition.StringAt("type") == type);
        var condition = new JsonObject
        {
            ["lastTransitionTime"] = earlier.StringAt("status") == value ? earlier.StringAt("lastTransitionTime") : now.ToSeconds(),
        };
        if (problem.Message is not null)
        {
            condition["message"] = problem.Message;
        }

        if (problem.Reason is not null)
        {
            condition["reason"] = problem.Reason;
        }

        condition["status"] = value;
        condition["type"] = type;
        conditions.Add(condition);
    }
}
