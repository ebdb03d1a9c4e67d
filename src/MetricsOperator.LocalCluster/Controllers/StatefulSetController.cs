using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>
/// Keeps the ordinals of a StatefulSet: pods named NAME-0.., claims from the templates, OrderedReady or Parallel, and RollingUpdate from the highest
/// ordinal down. The revision is a hash of the template; revisions are not kept as objects.
/// </summary>
internal sealed class StatefulSetController(ControllerContext context) : ObjectController("statefulset-controller", context)
{
    private const string Resource = "apps/statefulsets";
    private const string RevisionLabel = "controller-revision-hash";

    protected override void Subscribe()
    {
        Watch(Resource);
        WatchOwned("pods", "StatefulSet");
    }

    protected override TimeSpan? Reconcile(QueueKey key)
    {
        if (Api.Get(Resource, key.Namespace, key.Name) is not { } set || set.IsBeingDeleted())
        {
            return null;
        }

        var template = set.ObjectAt("spec", "template")!;
        var revision = $"{set.NameOf()}-{PodTemplates.Hash(template)}";
        Step(set, Pods(set), revision);
        return Report(set, Pods(set), revision);
    }

    private static int Ordinal(JsonObject set, JsonObject pod) =>
        int.TryParse(pod.NameOf().AsSpan(set.NameOf().Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal) ? ordinal : -1;

    private static string PodName(JsonObject set, int ordinal) => string.Create(CultureInfo.InvariantCulture, $"{set.NameOf()}-{ordinal}");

    private SortedDictionary<int, JsonObject> Pods(JsonObject set)
    {
        var pods = new SortedDictionary<int, JsonObject>();
        foreach (var pod in Api.List("pods", set.NamespaceOf()).Where(pod => OwnerReferences.IsControlledBy(pod, set.UidOf())))
        {
            pods[Ordinal(set, pod)] = pod;
        }

        return pods;
    }

    /// <summary>Does as much as the policy allows now; OrderedReady does one thing at a time.</summary>
    private void Step(JsonObject set, SortedDictionary<int, JsonObject> pods, string revision)
    {
        var replicas = (int)(set.LongAt("spec", "replicas") ?? 1);
        var parallel = set.StringAt("spec", "podManagementPolicy") == "Parallel";
        for (var ordinal = 0; ordinal < replicas; ordinal++)
        {
            if (!pods.TryGetValue(ordinal, out var pod))
            {
                Create(set, ordinal, revision);
            }
            else if (pod.StringAt("status", "phase") is "Succeeded" or "Failed" && !pod.IsBeingDeleted())
            {
                DeleteIfThere("pods", pod);
            }
            else if (PodStates.IsReady(pod) && !pod.IsBeingDeleted())
            {
                continue;
            }

            if (!parallel)
            {
                return;
            }
        }

        foreach (var (_, pod) in pods.Where(entry => entry.Key >= replicas || entry.Key < 0).Reverse())
        {
            if (!pod.IsBeingDeleted())
            {
                DeleteIfThere("pods", pod);
                Events.Normal(set, "SuccessfulDelete", $"delete Pod {pod.NameOf()} in StatefulSet {set.NameOf()} successful");
            }

            if (!parallel)
            {
                return;
            }
        }

        Update(set, pods, replicas, revision);
    }

    /// <summary>Replaces the highest pod of another revision when all pods are ready.</summary>
    private void Update(JsonObject set, SortedDictionary<int, JsonObject> pods, int replicas, string revision)
    {
        var partition = set.LongAt("spec", "updateStrategy", "rollingUpdate", "partition") ?? 0;
        if (set.StringAt("spec", "updateStrategy", "type") == "OnDelete" || pods.Values.Any(pod => pod.IsBeingDeleted()))
        {
            return;
        }

        for (var ordinal = replicas - 1; ordinal >= partition; ordinal--)
        {
            if (!pods.TryGetValue(ordinal, out var pod))
            {
                return;
            }

            if (pod.StringAt("metadata", "labels", RevisionLabel) != revision)
            {
                DeleteIfThere("pods", pod);
                return;
            }

            if (!PodStates.IsReady(pod))
            {
                return;
            }
        }
    }

    private void Create(JsonObject set, int ordinal, string revision)
    {
        var name = PodName(set, ordinal);
        var pod = PodTemplates.NewPod(set.ObjectAt("spec", "template")!, set, "apps/v1", "StatefulSet", name);
        var labels = pod.Metadata().Ensure("labels");
        labels[RevisionLabel] = revision;
        labels["statefulset.kubernetes.io/pod-name"] = name;
        labels["apps.kubernetes.io/pod-index"] = ordinal.ToString(CultureInfo.InvariantCulture);
        var spec = pod.Ensure("spec");
        spec["hostname"] = name;
        if (set.StringAt("spec", "serviceName") is { Length: > 0 } service)
        {
            spec["subdomain"] = service;
        }

        foreach (var claimTemplate in set.ObjectsAt("spec", "volumeClaimTemplates"))
        {
            var claimName = $"{claimTemplate.NameOf()}-{name}";
            EnsureClaim(set, claimTemplate, claimName);
            var volumes = spec["volumes"] as JsonArray ?? [];
            spec["volumes"] = new JsonArray(
            [
                .. volumes.OfType<JsonObject>().Where(volume => volume.StringAt("name") != claimTemplate.NameOf()).Select(volume => volume.DeepClone()),
                new JsonObject { ["name"] = claimTemplate.NameOf(), ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = claimName } },
            ]);
        }

        Api.Create("pods", set.NamespaceOf(), pod, Name);
        Events.Normal(set, "SuccessfulCreate", $"create Pod {name} in StatefulSet {set.NameOf()} successful");
    }

    private void EnsureClaim(JsonObject set, JsonObject template, string name)
    {
        if (Api.Get("persistentvolumeclaims", set.NamespaceOf(), name) is not null)
        {
            return;
        }

        var labels = template.ObjectAt("metadata", "labels")?.Copy() ?? [];
        foreach (var (key, value) in set.Pairs("spec", "selector", "matchLabels"))
        {
            labels[key] = value;
        }

        Api.Create(
            "persistentvolumeclaims",
            set.NamespaceOf(),
            new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "PersistentVolumeClaim",
                ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = set.NamespaceOf(), ["labels"] = labels },
                ["spec"] = template["spec"]?.DeepClone(),
            },
            Name);
    }

    /// <summary>Writes the status; returns when the next ready pod becomes available, which no event tells.</summary>
    private TimeSpan? Report(JsonObject set, SortedDictionary<int, JsonObject> pods, string revision)
    {
        var now = Time.GetUtcNow();
        var minReady = TimeSpan.FromSeconds(set.LongAt("spec", "minReadySeconds") ?? 0);
        var availableAt = pods.Values.Select(pod => PodStates.AvailableAt(pod, minReady)).OfType<DateTimeOffset>().ToList();
        var waiting = availableAt.Where(at => at > now).ToList();
        var updated = pods.Values.Count(pod => pod.StringAt("metadata", "labels", RevisionLabel) == revision && !pod.IsBeingDeleted());
        var replicas = set.LongAt("spec", "replicas") ?? 1;
        var current = updated == pods.Count && updated == replicas ? revision : set.StringAt("status", "currentRevision") ?? revision;
        var status = new JsonObject
        {
            ["availableReplicas"] = availableAt.Count - waiting.Count,
            ["collisionCount"] = 0,
        };
        ReplicaSetController.SetPositive(status, "currentReplicas", pods.Values.Count(pod => pod.StringAt("metadata", "labels", RevisionLabel) == current));
        status["currentRevision"] = current;
        status["observedGeneration"] = set.LongAt("metadata", "generation") ?? 1;
        ReplicaSetController.SetPositive(status, "readyReplicas", pods.Values.Count(PodStates.IsReady));
        status["replicas"] = pods.Count;
        status["updateRevision"] = revision;
        ReplicaSetController.SetPositive(status, "updatedReplicas", updated);
        WriteStatus(Resource, set, status);
        return waiting.Count == 0 ? null : waiting.Min() - now;
    }
}
