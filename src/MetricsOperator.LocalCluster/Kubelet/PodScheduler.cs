using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet.Pods;
using MetricsOperator.LocalCluster.Rules;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Kubelet;

/// <summary>
/// Gives pods to the only node there is, when they fit: claims bound, node selector met, host ports free, memory requests within what the node has.
/// A pod that does not fit says why in its PodScheduled condition, in the default scheduler's words.
/// </summary>
internal sealed class PodScheduler(ClusterApi api, NodeFacts node, TimeProvider time)
{
    private const string Manager = "kube-scheduler";

    /// <summary>Looks at every pod without a node; returns whether some still wait.</summary>
    public bool Pass()
    {
        var waiting = false;
        foreach (var pod in api.List("pods").Where(pod => Waits(pod)).OrderBy(pod => pod.StringAt("metadata", "creationTimestamp"), StringComparer.Ordinal))
        {
            if (Obstacle(pod) is { } obstacle)
            {
                waiting = true;
                Refuse(pod, obstacle);
            }
            else
            {
                Bind(pod);
            }
        }

        return waiting;
    }

    private static bool Waits(JsonObject pod) =>
        string.IsNullOrEmpty(pod.StringAt("spec", "nodeName"))
        && !pod.IsBeingDeleted()
        && (pod.StringAt("spec", "schedulerName") ?? "default-scheduler") == "default-scheduler";

    private static bool Occupies(JsonObject pod) =>
        pod.StringAt("spec", "nodeName") is { Length: > 0 } && pod.StringAt("status", "phase") is not ("Succeeded" or "Failed");

    private static long MemoryRequest(JsonObject pod) => pod.ObjectsAt("spec", "containers").Sum(container =>
        (long)Quantity.Parse(container.At("resources", "requests", "memory") ?? container.At("resources", "limits", "memory")));

    private static HashSet<long> HostPorts(JsonObject pod) =>
        [.. pod.ObjectsAt("spec", "containers").SelectMany(container => container.ObjectsAt("ports")).Select(port => port.LongAt("hostPort") ?? 0).Where(port => port != 0)];

    private string? Obstacle(JsonObject pod)
    {
        foreach (var volume in pod.ObjectsAt("spec", "volumes"))
        {
            if (volume.StringAt("persistentVolumeClaim", "claimName") is not { } claimName)
            {
                continue;
            }

            var claim = api.Get("persistentvolumeclaims", pod.NamespaceOf(), claimName);
            if (claim is null)
            {
                return $"0/1 nodes are available: persistentvolumeclaim \"{claimName}\" not found.";
            }

            if (claim.StringAt("status", "phase") != "Bound")
            {
                return "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
            }
        }

        var stored = api.Get("nodes", null, node.Name);
        if (pod.Pairs("spec", "nodeSelector").Any(wanted => stored.StringAt("metadata", "labels", wanted.Key) != wanted.Value))
        {
            return "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
        }

        var others = api.List("pods").Where(Occupies).ToList();
        var ports = HostPorts(pod);
        if (ports.Count > 0 && others.Any(other => HostPorts(other).Overlaps(ports)))
        {
            return "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.";
        }

        return others.Sum(MemoryRequest) + MemoryRequest(pod) > node.MemoryBytes ? "0/1 nodes are available: 1 Insufficient memory." : null;
    }

    private void Bind(JsonObject pod)
    {
        pod["spec"]!["nodeName"] = node.Name;
        try
        {
            var bound = api.Update("pods", pod, Manager);
            SetScheduled(bound, "True", null, null);
            Report(bound, "Normal", "Scheduled", "Binding", $"Successfully assigned {pod.NamespaceOf()}/{pod.NameOf()} to {node.Name}");
        }
        catch (ApiStatusException e) when (e.IsConflict || e.IsNotFound)
        {
            // Changed or gone meanwhile; its next event brings the scheduler back.
        }
    }

    private void Refuse(JsonObject pod, string obstacle)
    {
        var present = pod.ObjectsAt("status", "conditions").FirstOrDefault(condition => condition.StringAt("type") == "PodScheduled");
        if (present.StringAt("message") == obstacle)
        {
            return;
        }

        try
        {
            SetScheduled(pod, "False", "Unschedulable", obstacle);
            Report(pod, "Warning", "FailedScheduling", "Scheduling", obstacle);
        }
        catch (ApiStatusException e) when (e.IsConflict || e.IsNotFound)
        {
            // As above.
        }
    }

    private void SetScheduled(JsonObject pod, string value, string? reason, string? message)
    {
        var status = (JsonObject?)pod.ObjectAt("status")?.DeepClone() ?? [];
        var conditions = new JsonArray([.. status.ObjectsAt("conditions").Where(condition => condition.StringAt("type") != "PodScheduled").Select(condition => condition.DeepClone())]);
        var scheduled = new JsonObject { ["lastTransitionTime"] = time.GetUtcNow().ToSeconds() };
        if (message is not null)
        {
            scheduled["message"] = message;
            scheduled["reason"] = reason;
        }

        scheduled["status"] = value;
        scheduled["type"] = "PodScheduled";
        conditions.Add(scheduled);
        status["conditions"] = conditions;
        status["phase"] ??= "Pending";
        pod["status"] = status;
        api.UpdateStatus("pods", pod, Manager);
    }

    /// <summary>The scheduler writes Events of the newer shape: eventTime and action, no count.</summary>
    private void Report(JsonObject pod, string type, string reason, string action, string message)
    {
        var now = time.GetUtcNow();
        var nanoseconds = (now - DateTimeOffset.UnixEpoch).Ticks * 100;
        api.Create(
            "events",
            pod.NamespaceOf(),
            new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Event",
                ["metadata"] = new JsonObject { ["name"] = string.Create(CultureInfo.InvariantCulture, $"{pod.NameOf()}.{nanoseconds:x}"), ["namespace"] = pod.NamespaceOf() },
                ["action"] = action,
                ["eventTime"] = now.ToMicroseconds(),
                ["firstTimestamp"] = null,
                ["lastTimestamp"] = null,
                ["involvedObject"] = new JsonObject
                {
                    ["apiVersion"] = "v1",
                    ["kind"] = "Pod",
                    ["name"] = pod.NameOf(),
                    ["namespace"] = pod.NamespaceOf(),
                    ["resourceVersion"] = pod.StringAt("metadata", "resourceVersion"),
                    ["uid"] = pod.UidOf(),
                },
                ["message"] = message,
                ["reason"] = reason,
                ["reportingComponent"] = "default-scheduler",
                ["reportingInstance"] = $"default-scheduler-{node.Name}",
                ["source"] = new JsonObject(),
                ["type"] = type,
            },
            Manager);
    }
}
