using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>Computes a Deployment's status from its ReplicaSets. Pure.</summary>
internal static class DeploymentStatus
{
    /// <summary>Computes the status; returns when the progress deadline would pass, or null when nothing is under way.</summary>
    /// <param name="deployment">The Deployment as stored.</param>
    /// <param name="sets">All its ReplicaSets.</param>
    /// <param name="currentName">Name of the set with the present template, or null before there is one.</param>
    /// <param name="created">Whether that set was made just now.</param>
    /// <param name="now">The time.</param>
    /// <param name="status">The status to write.</param>
    public static TimeSpan? Report(
        JsonObject deployment, IReadOnlyList<JsonObject> sets, string? currentName, bool created, DateTimeOffset now, out JsonObject status)
    {
        var wanted = deployment.LongAt("spec", "replicas") ?? 1;
        var current = sets.FirstOrDefault(set => set.NameOf() == currentName);
        var total = Sum(sets, "replicas");
        var available = Sum(sets, "availableReplicas");
        var updated = current.LongAt("status", "replicas") ?? 0;

        status = new JsonObject();
        if (deployment.LongAt("status", "collisionCount") is { } collisions)
        {
            status["collisionCount"] = collisions;
        }

        status["observedGeneration"] = deployment.LongAt("metadata", "generation") ?? 1;
        ReplicaSetController.SetPositive(status, "replicas", total);
        ReplicaSetController.SetPositive(status, "updatedReplicas", updated);
        ReplicaSetController.SetPositive(status, "readyReplicas", Sum(sets, "readyReplicas"));
        ReplicaSetController.SetPositive(status, "availableReplicas", available);
        ReplicaSetController.SetPositive(status, "unavailableReplicas", Math.Max(wanted - available, 0));

        var (_, unavailable) = RollingBounds.Of(deployment.ObjectAt("spec", "strategy", "rollingUpdate"), wanted);
        var allowed = deployment.StringAt("spec", "strategy", "type") == "Recreate" ? 0 : unavailable;
        var complete = updated == wanted && total == wanted && available == wanted;
        var conditions = new JsonArray();
        status["conditions"] = conditions;
        conditions.Add(available >= wanted - allowed
            ? Condition(deployment, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", now, touch: false)
            : Condition(deployment, "Available", "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.", now, touch: false));
        var progressed = created || Counters(status) != Counters(deployment.ObjectAt("status"));
        return AddProgress(conditions, deployment, current, complete, created, progressed, now);
    }

    private static TimeSpan? AddProgress(
        JsonArray conditions, JsonObject deployment, JsonObject? current, bool complete, bool created, bool progressed, DateTimeOffset now)
    {
        var name = deployment.NameOf();
        var set = current?.NameOf();
        if (complete)
        {
            conditions.Add(Condition(deployment, "Progressing", "True", "NewReplicaSetAvailable", $"ReplicaSet \"{set}\" has successfully progressed.", now, touch: false));
            return null;
        }

        var deadline = TimeSpan.FromSeconds(deployment.LongAt("spec", "progressDeadlineSeconds") ?? 600);
        var earlier = deployment.ObjectsAt("status", "conditions").FirstOrDefault(condition => condition.StringAt("type") == "Progressing");
        var since = progressed || earlier.StringAt("reason") == "NewReplicaSetAvailable" ? now : earlier.Time("lastUpdateTime") ?? now;
        if (now - since >= deadline || (!progressed && earlier.StringAt("reason") == "ProgressDeadlineExceeded"))
        {
            conditions.Add(Condition(deployment, "Progressing", "False", "ProgressDeadlineExceeded", set is null
                ? $"Deployment \"{name}\" has timed out progressing."
                : $"ReplicaSet \"{set}\" has timed out progressing.", now, touch: false));
            return null;
        }

        if (created)
        {
            conditions.Add(Condition(deployment, "Progressing", "True", "NewReplicaSetCreated", $"Created new replica set \"{set}\"", now, touch: true));
        }
        else
        {
            var message = set is null ? $"Deployment \"{name}\" is progressing." : $"ReplicaSet \"{set}\" is progressing.";
            conditions.Add(Condition(deployment, "Progressing", "True", "ReplicaSetUpdated", message, now, touch: progressed));
        }

        return deadline - (now - since) + TimeSpan.FromSeconds(1);
    }

    private static long Sum(IEnumerable<JsonObject> sets, string counter) => sets.Sum(set => set.LongAt("status", counter) ?? 0);

    private static (long?, long?, long?, long?) Counters(JsonObject? status) =>
        (status.LongAt("replicas") ?? 0, status.LongAt("updatedReplicas") ?? 0, status.LongAt("readyReplicas") ?? 0, status.LongAt("availableReplicas") ?? 0);

    /// <summary>A condition; its update time moves when it changes or when <paramref name="touch"/> says that there was progress.</summary>
    private static JsonObject Condition(JsonObject deployment, string type, string value, string reason, string message, DateTimeOffset now, bool touch)
    {
        var earlier = deployment.ObjectsAt("status", "conditions").FirstOrDefault(condition => condition.StringAt("type") == type);
        var same = earlier.StringAt("status") == value && earlier.StringAt("reason") == reason && earlier.StringAt("message") == message;
        return new JsonObject
        {
            ["lastTransitionTime"] = earlier.StringAt("status") == value ? earlier.StringAt("lastTransitionTime") : now.ToSeconds(),
            ["lastUpdateTime"] = same && !touch ? earlier.StringAt("lastUpdateTime") : now.ToSeconds(),
            ["message"] = message,
            ["reason"] = reason,
            ["status"] = value,
            ["type"] = type,
        };
    }
}
