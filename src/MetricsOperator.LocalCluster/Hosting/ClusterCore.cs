using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Auditing;
using MetricsOperator.LocalCluster.Bootstrap;
using MetricsOperator.LocalCluster.Resources;
using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Store;
using MetricsOperator.LocalCluster.Writes;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Hosting;

/// <summary>The API without a network: the store, the resources, the rules and the door for this process. Tests of controllers need no more.</summary>
public sealed class ClusterCore : IDisposable
{
    private ClusterCore(ObjectStore store, ResourceCatalog catalog, ObjectWriter writer, AuditLog audit, ClusterApi api)
    {
        Store = store;
        Catalog = catalog;
        Writer = writer;
        Audit = audit;
        Api = api;
    }

    public ClusterApi Api { get; }

    internal ObjectStore Store { get; }

    internal ResourceCatalog Catalog { get; }

    internal ObjectWriter Writer { get; }

    internal AuditLog Audit { get; }

    /// <summary>Opens the state below a directory (created when absent) and makes sure of the namespaces and roles every cluster has.</summary>
    /// <param name="directory">Directory of the objects.</param>
    /// <param name="auditLog">Audit log file, or null.</param>
    /// <param name="caCertificatePem">Goes into the ConfigMap kube-root-ca.crt of each namespace.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logs">Where to log.</param>
    /// <exception cref="InvalidDataException">The stored state is damaged.</exception>
    public static ClusterCore Open(string directory, string? auditLog, string caCertificatePem, TimeProvider time, ILoggerFactory logs)
    {
        var store = ObjectStore.Open(directory);
        var catalog = new ResourceCatalog(SchemaFile.LoadEmbedded());
        catalog.Refresh(store);
        var writer = new ObjectWriter(store, catalog, time);
        var audit = new AuditLog(auditLog, time);
        var api = new ClusterApi(store, catalog, writer, audit, logs.CreateLogger<ClusterApi>());
        var core = new ClusterCore(store, catalog, writer, audit, api);
        var furnisher = new NamespaceFurnisher(writer, catalog, caCertificatePem);
        writer.AfterWrite = (key, type, obj) => core.Follow(furnisher, key, type, obj);
        ClusterObjects.Ensure(api);
        return core;
    }

    public void Dispose()
    {
        Store.Dispose();
        Audit.Dispose();
    }

    private void Follow(NamespaceFurnisher furnisher, string storageKey, WatchEventType type, JsonObject obj)
    {
        switch (storageKey)
        {
            case "apiextensions.k8s.io/customresourcedefinitions":
                Catalog.Refresh(Store);
                break;
            case "namespaces" when type == WatchEventType.Added:
                furnisher.Furnish(obj);
                break;
        }
    }
}
