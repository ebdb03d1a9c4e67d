using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Rules;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Writes;

/// <summary>Deletion: at once, or with a deletionTimestamp while somebody (a finalizer, a stopping pod) still needs the object.</summary>
internal sealed class ObjectRemover(ObjectStore store, TimeProvider time, AfterWrite afterWrite)
{
    private const string ForegroundFinalizer = "foregroundDeletion";
    private static readonly string[] ProtectedNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

    /// <summary>Whether nothing holds a deleted object any more.</summary>
    public bool IsFinished(ResourceDefinition definition, JsonObject obj) =>
        obj.At("metadata", "deletionTimestamp") is not null
        && obj.StringsAt("metadata", "finalizers").Count == 0
        && (obj.LongAt("metadata", "deletionGracePeriodSeconds") ?? 0) == 0
        && (definition.StorageKey != "namespaces" || obj.StringsAt("spec", "finalizers").Count == 0);

    /// <summary>Removes the object or starts its removal. The caller holds the store's gate.</summary>
    /// <exception cref="ApiStatusException">A precondition does not hold, or the object is protected.</exception>
    public WriteResult Delete(ResourceDefinition definition, StoredObject before, DeleteOptions options)
    {
        Check(definition, before, options);
        var obj = before.Value.Copy();
        var metadata = obj.Metadata();
        var alreadyDeleting = metadata["deletionTimestamp"] is not null;
        if (options.DryRun)
        {
            return new WriteResult(obj, before.Revision, before.Revision);
        }

        if (options.PropagationPolicy == "Orphan")
        {
            OrphanDependents(before.Value.UidOf());
        }
        else if (options.PropagationPolicy == "Foreground" && !alreadyDeleting)
        {
            AddFinalizer(metadata, ForegroundFinalizer);
        }

        if (definition.StorageKey == "apiextensions.k8s.io/customresourcedefinitions"
            && store.List($"{obj.StringAt("spec", "group")}/{obj.StringAt("spec", "names", "plural")}").Objects.Count > 0)
        {
            AddFinalizer(metadata, CustomResourceDefinitionRules.CleanupFinalizer);
        }

        var grace = definition.StorageKey == "pods" ? Grace(obj, options) : 0;
        if (alreadyDeleting && grace >= (metadata.LongAt("deletionGracePeriodSeconds") ?? 0) && !IsFinished(definition, obj))
        {
            return new WriteResult(before.Value, before.Revision, before.Revision);
        }

        metadata["deletionGracePeriodSeconds"] = grace;
        if (!alreadyDeleting || grace == 0)
        {
            metadata["deletionTimestamp"] = JsonAccess.Timestamp(time.GetUtcNow().AddSeconds(grace));
        }

        if (definition.StorageKey == "namespaces")
        {
            obj.Ensure("status")["phase"] = "Terminating";
        }

        if (IsFinished(definition, obj))
        {
            var gone = store.Remove(definition.StorageKey, before.Key, before.Value.Copy());
            afterWrite(definition.StorageKey, WatchEventType.Deleted, gone.Value);
            return new WriteResult(gone.Value, before.Revision, gone.Revision, Gone: true);
        }

        var stored = store.Put(definition.StorageKey, before.Key, obj);
        afterWrite(definition.StorageKey, WatchEventType.Modified, stored.Value);
        return new WriteResult(stored.Value, before.Revision, stored.Revision);
    }

    private static void Check(ResourceDefinition definition, StoredObject before, DeleteOptions options)
    {
        if (options.Uid is { Length: > 0 } uid && uid != before.Value.UidOf())
        {
            throw ApiErrors.Conflict(definition.Group, definition.Plural, before.Key.Name, $"the UID in the precondition ({uid}) does not match the UID in record ({before.Value.UidOf()}). The object might have been deleted and then recreated");
        }

        if (options.ResourceVersion is { Length: > 0 } version && version != before.Revision.ToString(CultureInfo.InvariantCulture))
        {
            throw ApiErrors.Conflict(definition.Group, definition.Plural, before.Key.Name, $"the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({before.Revision}). The object might have been modified");
        }

        if (definition.StorageKey == "namespaces" && ProtectedNamespaces.Contains(before.Key.Name))
        {
            throw ApiErrors.Forbidden(string.Empty, "namespaces", before.Key.Name, "this namespace may not be deleted");
        }
    }

    /// <summary>A pod that never reached a node or has ended stops at once.</summary>
    private static long Grace(JsonObject pod, DeleteOptions options)
    {
        if (string.IsNullOrEmpty(pod.StringAt("spec", "nodeName")) || pod.StringAt("status", "phase") is "Succeeded" or "Failed")
        {
            return 0;
        }

        return Math.Max(0, options.GracePeriodSeconds ?? pod.LongAt("spec", "terminationGracePeriodSeconds") ?? 30);
    }

    private static void AddFinalizer(JsonObject metadata, string finalizer)
    {
        var list = metadata["finalizers"] as JsonArray;
        if (list is null)
        {
            metadata["finalizers"] = list = [];
        }

        if (!list.Any(f => f.AsString() == finalizer))
        {
            list.Add(finalizer);
        }
    }

    private void OrphanDependents(string uid)
    {
        foreach (var resource in store.Resources)
        {
            foreach (var dependent in store.List(resource).Objects.Values.Where(o => o.Value.ObjectsAt("metadata", "ownerReferences").Any(r => r.StringAt("uid") == uid)))
            {
                var copy = dependent.Value.Copy();
                var rest = copy.ObjectsAt("metadata", "ownerReferences").Where(r => r.StringAt("uid") != uid).Select(r => (JsonNode)r.Copy()).ToArray();
                if (rest.Length > 0)
                {
                    copy.Metadata()["ownerReferences"] = new JsonArray(rest);
                }
                else
                {
                    copy.Metadata().Remove("ownerReferences");
                }

                var stored = store.Put(resource, dependent.Key, copy);
                afterWrite(resource, WatchEventType.Modified, stored.Value);
            }
        }
    }
}
