using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Store;

/// <summary>
/// The API without HTTP, for the controllers and the kubelet of this process. Writes pass the same defaulting, validation and bookkeeping
/// (generation, resourceVersion, managedFields) as HTTP requests. Resources are named by plural, with the group in front unless it is the core
/// group: <c>pods</c>, <c>apps/deployments</c>, <c>discovery.k8s.io/endpointslices</c>. Objects handed out are copies; the caller may change them.
/// Refused requests throw <see cref="ApiStatusException"/>.
/// </summary>
public sealed class ClusterApi
{
    /// <summary>The object, or null when there is none. <paramref name="ns"/> is null for cluster-scoped resources.</summary>
    public JsonObject? Get(string resource, string? ns, string name) => throw new NotSupportedException($"{resource} {ns} {name}");

    /// <summary>All objects of one namespace (of all namespaces when null) that match the label selector (kubectl's syntax).</summary>
    public IReadOnlyList<JsonObject> List(string resource, string? ns = null, string? labelSelector = null) => throw new NotSupportedException($"{resource} {ns} {labelSelector}");

    /// <summary>Creates the object and returns it as stored.</summary>
    public JsonObject Create(string resource, string? ns, JsonObject obj, string fieldManager) => throw new NotSupportedException($"{resource} {ns} {obj} {fieldManager}");

    /// <summary>Replaces everything but status; fails with Conflict when metadata.resourceVersion is set and is not the stored one.</summary>
    public JsonObject Update(string resource, JsonObject obj, string fieldManager) => throw new NotSupportedException($"{resource} {obj} {fieldManager}");

    /// <summary>Replaces status alone; optimistic as <see cref="Update"/>.</summary>
    public JsonObject UpdateStatus(string resource, JsonObject obj, string fieldManager) => throw new NotSupportedException($"{resource} {obj} {fieldManager}");

    /// <summary>Deletes the object; a pod with a grace period and an object with finalizers only get their deletionTimestamp.</summary>
    public void Delete(string resource, string? ns, string name, DeleteOptions? options = null) => throw new NotSupportedException($"{resource} {ns} {name} {options}");

    /// <summary>
    /// Delivers Added for every existing object, then each change in order, one at a time on a thread of its own. A handler that throws ends
    /// the process' log line, not the subscription. Disposing ends it.
    /// </summary>
    public IDisposable Watch(string resource, Action<WatchEventType, JsonObject> handler) => throw new NotSupportedException($"{resource} {handler.Method.Name}");
}
