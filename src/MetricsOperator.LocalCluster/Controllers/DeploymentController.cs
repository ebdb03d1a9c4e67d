using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>Rolls a Deployment's template out through ReplicaSets, by Recreate or RollingUpdate.</summary>
internal sealed class DeploymentController(ControllerContext context) : ObjectController("deployment-controller", context)
{
    private const string Resource = "apps/deployments";
    private const string SetResource = "apps/replicasets";
    private const string RevisionAnnotation = "deployment.kubernetes.io/revision";

    protected override void Subscribe()
    {
        Watch(Resource);
        WatchOwned(SetResource, "Deployment");

        // A Recreate rollout waits for the last old pod to be gone, which no ReplicaSet status tells.
        Watch("pods", pod => OwnerReferences.Controller(pod) is { Kind: "ReplicaSet" } owner
            && Api.Get(SetResource, pod.NamespaceOf(), owner.Name) is { } set
            && OwnerReferences.Controller(set) is { Kind: "Deployment" } deployment
                ? [new QueueKey(pod.NamespaceOf(), deployment.Name)]
                : []);
    }

    protected override TimeSpan? Reconcile(QueueKey key)
    {
        if (Api.Get(Resource, key.Namespace, key.Name) is not { } deployment || deployment.IsBeingDeleted())
        {
            return null;
        }

        var sets = Sets(deployment);
        var current = sets.FirstOrDefault(set => PodTemplates.Same(set.ObjectAt("spec", "template"), deployment.ObjectAt("spec", "template")));
        var created = false;
        if (deployment.BoolAt("spec", "paused") != true)
        {
            var old = sets.Where(set => set.NameOf() != current?.NameOf()).ToList();
            var recreate = deployment.StringAt("spec", "strategy", "type") == "Recreate";
            if (!recreate || ScaledDown(deployment, old))
            {
                (current, created) = Current(deployment, sets, current, recreate);
                if (recreate)
                {
                    ScaleTo(deployment, current, deployment.LongAt("spec", "replicas") ?? 1);
                }
                else
                {
                    Roll(deployment, current, old);
                }
            }

            PruneHistory(deployment, old);
        }
        else if (current is not null)
        {
            ScaleTo(deployment, current, deployment.LongAt("spec", "replicas") ?? 1);
        }

        var again = DeploymentStatus.Report(deployment, Sets(deployment), current?.NameOf(), created, Time.GetUtcNow(), out var status);
        WriteStatus(Resource, deployment, status);
        return again;
    }

    private List<JsonObject> Sets(JsonObject deployment) =>
        [.. Api.List(SetResource, deployment.NamespaceOf()).Where(set => OwnerReferences.IsControlledBy(set, deployment.UidOf()) && !set.IsBeingDeleted())];

    private static long Revision(JsonObject obj) =>
        long.TryParse(obj.StringAt("metadata", "annotations", RevisionAnnotation), NumberStyles.None, CultureInfo.InvariantCulture, out var revision) ? revision : 0;

    /// <summary>The set of the present template with the newest revision; made when there is none.</summary>
    private (JsonObject Set, bool Created) Current(JsonObject deployment, List<JsonObject> sets, JsonObject? current, bool recreate)
    {
        var newest = sets.Where(set => set.NameOf() != current?.NameOf()).Select(Revision).DefaultIfEmpty(0).Max();
        if (current is not null)
        {
            if (Revision(current) <= newest)
            {
                current.Metadata().Ensure("annotations")[RevisionAnnotation] = (newest + 1).ToString(CultureInfo.InvariantCulture);
                current = Api.Update(SetResource, current, Name);
            }

            SetRevision(deployment, Revision(current));
            return (current, false);
        }

        var made = Create(deployment, newest + 1, recreate);
        SetRevision(deployment, newest + 1);
        return (made, true);
    }

    private JsonObject Create(JsonObject deployment, long revision, bool recreate)
    {
        var template = deployment.ObjectAt("spec", "template")!.Copy();
        var collisions = deployment.LongAt("status", "collisionCount") ?? 0;
        while (true)
        {
            var hash = PodTemplates.Hash(template, collisions);
            template.Metadata().Ensure("labels")[PodTemplates.HashLabel] = hash;
            var selector = deployment.ObjectAt("spec", "selector")!.Copy();
            selector.Ensure("matchLabels")[PodTemplates.HashLabel] = hash;
            var annotations = deployment.ObjectAt("metadata", "annotations")?.Copy() ?? [];
            annotations.Remove("kubectl.kubernetes.io/last-applied-configuration");
            annotations[RevisionAnnotation] = revision.ToString(CultureInfo.InvariantCulture);
            var set = new JsonObject
            {
                ["apiVersion"] = "apps/v1",
                ["kind"] = "ReplicaSet",
                ["metadata"] = new JsonObject
                {
                    ["name"] = $"{deployment.NameOf()}-{hash}",
                    ["namespace"] = deployment.NamespaceOf(),
                    ["labels"] = template.ObjectAt("metadata", "labels")!.DeepClone(),
                    ["annotations"] = annotations,
                    ["ownerReferences"] = new JsonArray(OwnerReferences.ToController(deployment, "apps/v1", "Deployment")),
                },
                ["spec"] = new JsonObject
                {
                    ["replicas"] = 0,
                    ["minReadySeconds"] = deployment.LongAt("spec", "minReadySeconds") ?? 0,
                    ["selector"] = selector,
                    ["template"] = template.DeepClone(),
                },
            };
            try
            {
                return Api.Create(SetResource, deployment.NamespaceOf(), set, Name);
            }
            catch (ApiStatusException e) when (e.IsAlreadyExists && collisions < 100)
            {
                // A set of another Deployment, or of another template with the same hash, has the name.
                collisions++;
            }
        }
    }

    private void SetRevision(JsonObject deployment, long revision)
    {
        if (Revision(deployment) == revision)
        {
            return;
        }

        deployment.Metadata().Ensure("annotations")[RevisionAnnotation] = revision.ToString(CultureInfo.InvariantCulture);
        var stored = Api.Update(Resource, deployment, Name);
        deployment["metadata"] = stored["metadata"]!.DeepClone();
    }

    private void ScaleTo(JsonObject deployment, JsonObject set, long replicas)
    {
        var before = set.LongAt("spec", "replicas") ?? 1;
        if (before == replicas)
        {
            return;
        }

        set["spec"]!["replicas"] = replicas;
        var stored = Api.Update(SetResource, set, Name);
        set["metadata"] = stored["metadata"]!.DeepClone();
        var direction = replicas > before ? "up" : "down";
        Events.Normal(deployment, "ScalingReplicaSet", string.Create(CultureInfo.InvariantCulture, $"Scaled {direction} replica set {set.NameOf()} to {replicas}"));
    }

    /// <summary>Recreate: takes the old sets to zero; returns whether no pod of theirs is left.</summary>
    private bool ScaledDown(JsonObject deployment, List<JsonObject> old)
    {
        foreach (var set in old)
        {
            ScaleTo(deployment, set, 0);
        }

        var uids = old.Select(set => set.UidOf()).ToHashSet(StringComparer.Ordinal);
        return !Api.List("pods", deployment.NamespaceOf()).Any(pod =>
            OwnerReferences.Controller(pod) is { } owner && uids.Contains(owner.Uid) && pod.StringAt("status", "phase") is not ("Succeeded" or "Failed"));
    }

    /// <summary>RollingUpdate: up within the surge, down within what may be unavailable.</summary>
    private void Roll(JsonObject deployment, JsonObject current, List<JsonObject> old)
    {
        var wanted = deployment.LongAt("spec", "replicas") ?? 1;
        var (surge, unavailable) = RollingBounds.Of(deployment.ObjectAt("spec", "strategy", "rollingUpdate"), wanted);
        var total = Replicas(current) + old.Sum(Replicas);
        var room = Math.Max(wanted + surge - total, 0);
        ScaleTo(deployment, current, Replicas(current) > wanted ? wanted : Math.Min(wanted, Replicas(current) + room));

        // Pods that do not serve are taken down first; they cost no availability.
        var available = (current.LongAt("status", "availableReplicas") ?? 0) + old.Sum(set => set.LongAt("status", "availableReplicas") ?? 0);
        var notServing = Replicas(current) - (current.LongAt("status", "availableReplicas") ?? 0);
        var removable = Replicas(current) + old.Sum(Replicas) - (wanted - unavailable) - notServing;
        foreach (var set in old.OrderBy(set => set.LongAt("status", "availableReplicas") ?? 0).ThenBy(Revision))
        {
            var idle = Math.Max(Replicas(set) - (set.LongAt("status", "availableReplicas") ?? 0), 0);
            var take = Math.Min(Math.Min(idle, Math.Max(removable, 0)), Replicas(set));
            removable -= take;
            var spare = Math.Clamp(available - (wanted - unavailable), 0, Math.Max(removable, 0));
            var more = Math.Min(Replicas(set) - take, spare);
            available -= more;
            removable -= more;
            ScaleTo(deployment, set, Replicas(set) - take - more);
        }
    }

    private static long Replicas(JsonObject set) => set.LongAt("spec", "replicas") ?? 1;

    private void PruneHistory(JsonObject deployment, List<JsonObject> old)
    {
        var limit = (int)(deployment.LongAt("spec", "revisionHistoryLimit") ?? 10);
        var idle = old.Where(set => Replicas(set) == 0 && (set.LongAt("status", "replicas") ?? 0) == 0).OrderByDescending(Revision).Skip(limit);
        foreach (var set in idle)
        {
            DeleteIfThere(SetResource, set);
        }
    }
}
