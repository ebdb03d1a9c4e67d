using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>
/// Deletes objects whose owners are all gone, and finishes foreground deletions: an owner with the finalizer foregroundDeletion waits until the
/// dependents that block it are gone. (Orphaning is done by the API when it takes the delete request.) Watches every resource, custom ones as they
/// come.
/// </summary>
internal sealed class GarbageCollector(ControllerContext context) : ObjectController("garbage-collector-controller", context)
{
    private const string Foreground = "foregroundDeletion";
    private const string Definitions = "apiextensions.k8s.io/customresourcedefinitions";

    private readonly ConcurrentDictionary<string, Node> _graph = new(StringComparer.Ordinal);
    private readonly HashSet<string> _watched = new(StringComparer.Ordinal);

    protected override void Subscribe()
    {
        WatchResources();
        Watch(Definitions, _ =>
        {
            WatchResources();
            return [];
        });
    }

    /// <summary>The key's name is the uid of an object.</summary>
    protected override TimeSpan? Reconcile(QueueKey key)
    {
        if (!_graph.TryGetValue(key.Name, out var node) || Api.Get(node.Resource, node.ScopeOrNull, node.Name) is not { } obj || obj.UidOf() != key.Name)
        {
            return null;
        }

        if (obj.IsBeingDeleted())
        {
            if (obj.StringsAt("metadata", "finalizers").Contains(Foreground))
            {
                FinishForeground(node, obj);
            }

            return null;
        }

        var owners = OwnerReferences.Of(obj).ToList();
        var absent = owners.Where(owner => State(owner, node) == OwnerState.Absent).ToList();
        if (absent.Count == 0)
        {
            return null;
        }

        if (absent.Count == owners.Count)
        {
            DeleteIfThere(node.Resource, obj);
            return null;
        }

        var kept = obj.ObjectsAt("metadata", "ownerReferences").Where(reference => absent.All(owner => owner.Uid != reference.StringAt("uid")));
        obj.Metadata()["ownerReferences"] = new JsonArray([.. kept.Select(reference => reference.DeepClone())]);
        Api.Update(node.Resource, obj, Name);
        return null;
    }

    private void WatchResources()
    {
        foreach (var resource in Api.Resources)
        {
            // Events own nothing and nothing owns them; there are many.
            if (resource != "events" && _watched.Add(resource))
            {
                Watch(resource, obj => Observe(resource, obj));
            }
        }
    }

    private IEnumerable<QueueKey> Observe(string resource, JsonObject obj)
    {
        var uid = obj.UidOf();
        var ns = obj.NamespaceOf();
        var stored = Api.Get(resource, ns.Length == 0 ? null : ns, obj.NameOf());
        var affected = new List<string> { uid };
        if (stored?.UidOf() == uid)
        {
            _graph[uid] = new Node(resource, ns, obj.NameOf(), [.. OwnerReferences.Of(obj)]);
            affected.AddRange(obj.IsBeingDeleted() ? OwnerReferences.Of(obj).Select(owner => owner.Uid) : []);
        }
        else
        {
            _graph.TryRemove(uid, out _);
            affected.AddRange(OwnerReferences.Of(obj).Select(owner => owner.Uid));
            affected.AddRange(Dependents(uid).Select(dependent => dependent.Key));
        }

        return affected.Select(other => new QueueKey(string.Empty, other));
    }

    private IEnumerable<KeyValuePair<string, Node>> Dependents(string uid) => _graph.Where(entry => entry.Value.Owners.Any(owner => owner.Uid == uid));

    /// <summary>Deletes the dependents, and lets the owner go when none is left that blocks it.</summary>
    private void FinishForeground(Node node, JsonObject owner)
    {
        var blocked = false;
        foreach (var (uid, dependent) in Dependents(owner.UidOf()))
        {
            if (Api.Get(dependent.Resource, dependent.ScopeOrNull, dependent.Name) is not { } obj || obj.UidOf() != uid)
            {
                continue;
            }

            blocked |= OwnerReferences.Of(obj).Any(reference => reference.Uid == owner.UidOf() && reference.BlocksDeletion);
            if (obj.IsBeingDeleted())
            {
                continue;
            }

            try
            {
                Api.Delete(dependent.Resource, dependent.ScopeOrNull, dependent.Name, new DeleteOptions { Uid = uid, PropagationPolicy = "Foreground" });
            }
            catch (ApiStatusException e) when (e.IsNotFound || e.IsConflict)
            {
                // Gone meanwhile; its event brings the owner back here.
            }
        }

        if (!blocked)
        {
            owner.Metadata()["finalizers"] = JsonAccess.StringArray(owner.StringsAt("metadata", "finalizers").Where(finalizer => finalizer != Foreground));
            Api.Update(node.Resource, owner, Name);
        }
    }

    private OwnerState State(OwnerReference owner, Node dependent)
    {
        if (Api.ResourceOf(owner.ApiVersion, owner.Kind) is not { } resource)
        {
            // Without the definition of its kind nobody can tell whether the owner exists.
            return OwnerState.Unknown;
        }

        var stored = Api.Get(resource, Api.IsNamespaced(resource) ? dependent.Namespace : null, owner.Name);
        return stored?.UidOf() == owner.Uid ? OwnerState.Present : OwnerState.Absent;
    }

    private enum OwnerState
    {
        Present,
        Absent,
        Unknown,
    }

    private sealed record Node(string Resource, string Namespace, string Name, IReadOnlyList<OwnerReference> Owners)
    {
        public string? ScopeOrNull => Namespace.Length == 0 ? null : Namespace;
    }
}
