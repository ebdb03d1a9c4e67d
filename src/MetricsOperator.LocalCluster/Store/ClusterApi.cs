using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Auditing;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Selectors;
using MetricsOperator.LocalCluster.Writes;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Store;

/// <summary>
/// The API without HTTP, for the controllers and the kubelet of this process. Writes pass the same defaulting, validation and bookkeeping
/// (generation, resourceVersion, managedFields) as HTTP requests. Resources are named by plural, with the group in front unless it is the core
/// group: <c>pods</c>, <c>apps/deployments</c>, <c>discovery.k8s.io/endpointslices</c>. Objects handed out are copies; the caller may change them.
/// Refused requests throw <see cref="ApiStatusException"/>.
/// </summary>
public sealed class ClusterApi
{
    private readonly ObjectStore _store;
    private readonly ResourceCatalog _catalog;
    private readonly ObjectWriter _writer;
    private readonly AuditLog _audit;
    private readonly ILogger _log;

    internal ClusterApi(ObjectStore store, ResourceCatalog catalog, ObjectWriter writer, AuditLog audit, ILogger log)
    {
        _store = store;
        _catalog = catalog;
        _writer = writer;
        _audit = audit;
        _log = log;
    }

    /// <summary>Names of all stored resources, custom ones included, in the form the other methods take.</summary>
    public IReadOnlyList<string> Resources => [.. _catalog.All.Where(r => !r.IsVirtual && r.ApiVersion == r.StoredApiVersion).Select(r => r.StorageKey)];

    /// <summary>The resource of an object reference (<c>apps/v1</c>, <c>ReplicaSet</c> gives <c>apps/replicasets</c>), or null when it is not served.</summary>
    public string? ResourceOf(string apiVersion, string kind) => _catalog.All.FirstOrDefault(r => r.ApiVersion == apiVersion && r.Kind == kind)?.StorageKey;

    /// <summary>Whether the objects of a resource live in namespaces.</summary>
    public bool IsNamespaced(string resource) => Definition(resource).Namespaced;

    /// <summary>The object, or null when there is none. <paramref name="ns"/> is null for cluster-scoped resources.</summary>
    public JsonObject? Get(string resource, string? ns, string name) => _store.Get(resource, new ObjectKey(ns ?? string.Empty, name))?.Value.Copy();

    /// <summary>All objects of one namespace (of all namespaces when null) that match the label selector (kubectl's syntax).</summary>
    public IReadOnlyList<JsonObject> List(string resource, string? ns = null, string? labelSelector = null)
    {
        var labels = LabelQuery.Parse(labelSelector);
        return [.. _store.List(resource).Objects.Values
            .Where(o => (ns is null || o.Key.Namespace == ns) && labels.Matches(o.Value.ObjectAt("metadata", "labels")))
            .Select(o => o.Value.Copy())];
    }

    /// <summary>Creates the object and returns it as stored.</summary>
    public JsonObject Create(string resource, string? ns, JsonObject obj, string fieldManager) =>
        Run("create", resource, ns, obj.NameOf(), fieldManager, d => _writer.Create(d, ns, obj, Options(fieldManager)));

    /// <summary>Replaces everything but status; fails with Conflict when metadata.resourceVersion is set and is not the stored one.</summary>
    public JsonObject Update(string resource, JsonObject obj, string fieldManager) =>
        Run("update", resource, obj.NamespaceOf(), obj.NameOf(), fieldManager, d => _writer.Update(d, obj.NamespaceOf(), obj.NameOf(), _ => obj, Options(fieldManager)));

    /// <summary>Replaces status alone; optimistic as <see cref="Update"/>.</summary>
    public JsonObject UpdateStatus(string resource, JsonObject obj, string fieldManager) =>
        Run("update", resource, obj.NamespaceOf(), obj.NameOf(), fieldManager, d => _writer.Update(d, obj.NamespaceOf(), obj.NameOf(), _ => obj, Options(fieldManager) with { Subresource = "status" }));

    /// <summary>Deletes the object; a pod with a grace period and an object with finalizers only get their deletionTimestamp.</summary>
    public void Delete(string resource, string? ns, string name, DeleteOptions? options = null) =>
        Run("delete", resource, ns, name, "cluster", d => _writer.Delete(d, ns, name, options ?? new DeleteOptions()));

    /// <summary>
    /// Delivers Added for every existing object, then each change in order, one at a time. A handler that throws is logged and the next event is
    /// delivered. Disposing ends it. A handler may call this API.
    /// </summary>
    public IDisposable Watch(string resource, Action<WatchEventType, JsonObject> handler)
    {
        var subscription = _store.Subscribe(resource, null);
        _ = Task.Run(() => DeliverAsync(resource, subscription, handler));
        return subscription;
    }

    private static WriteOptions Options(string manager) => new() { Manager = manager, Validation = FieldValidation.Strict };

    private async Task DeliverAsync(string resource, WatchSubscription subscription, Action<WatchEventType, JsonObject> handler)
    {
        await foreach (var change in subscription.Events.ReadAllAsync())
        {
            subscription.Taken();
            try
            {
                handler(change.Type, change.Object.Value.Copy());
            }
            catch (Exception e)
            {
                _log.LogError(e, "A watch handler failed on {Type} of {Resource} {Namespace}/{Name}", change.Type, resource, change.Object.Key.Namespace, change.Object.Key.Name);
            }
        }
    }

    private ResourceDefinition Definition(string resource) => _catalog.Storage(resource) ?? throw ApiErrors.UnknownPath();

    private JsonObject Run(string verb, string resource, string? ns, string name, string manager, Func<ResourceDefinition, WriteResult> write)
    {
        var definition = Definition(resource);
        try
        {
            var result = write(definition);
            _audit.Write(new AuditEntry($"system:local:{manager}", verb, ApiErrors.Qualified(definition.Plural, definition.Group), ns ?? string.Empty, result.Object.NameOf(), 200, result.Before, result.After));
            return result.Object.Copy();
        }
        catch (ApiStatusException e)
        {
            _audit.Write(new AuditEntry($"system:local:{manager}", verb, ApiErrors.Qualified(definition.Plural, definition.Group), ns ?? string.Empty, name, e.Code, 0, 0));
            throw;
        }
    }
}
