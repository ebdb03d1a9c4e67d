using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Store;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>What every controller is given.</summary>
internal sealed record ControllerContext(ClusterApi Api, TimeProvider Time, ILoggerFactory Logs);

/// <summary>A controller of one kind of object: watches that turn changes into keys, and a reconcile that brings one object to where it should be.</summary>
internal abstract class ObjectController : IAsyncDisposable
{
    private readonly ControlLoop _loop;
    private readonly List<IDisposable> _watches = [];

    /// <param name="name">Name of the controller, its field manager and the source of its Events.</param>
    /// <param name="context">API, clock, logs.</param>
    protected ObjectController(string name, ControllerContext context)
    {
        Name = name;
        Api = context.Api;
        Time = context.Time;
        Logger = context.Logs.CreateLogger(name);
        Events = new EventRecorder(context.Api, name, null, context.Time, Logger);
        _loop = new ControlLoop(name, Reconcile, context.Time, Logger);
    }

    protected string Name { get; }

    protected ClusterApi Api { get; }

    protected TimeProvider Time { get; }

    protected ILogger Logger { get; }

    protected EventRecorder Events { get; }

    /// <summary>Starts the loop and the watches.</summary>
    public void Start()
    {
        _loop.Start();
        Subscribe();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var watch in _watches)
        {
            watch.Dispose();
        }

        await _loop.DisposeAsync();
    }

    /// <summary>Subscribes to the resources the controller depends on.</summary>
    protected abstract void Subscribe();

    /// <summary>Brings the object of this name to where it should be; returns when to look again, or null for "when something changes".</summary>
    protected abstract TimeSpan? Reconcile(QueueKey key);

    protected void Enqueue(QueueKey key) => _loop.Enqueue(key);

    /// <summary>Every change of the resource leads to the keys that <paramref name="affected"/> names.</summary>
    protected void Watch(string resource, Func<JsonObject, IEnumerable<QueueKey>> affected) =>
        _watches.Add(Api.Watch(resource, (_, obj) =>
        {
            foreach (var key in affected(obj))
            {
                Enqueue(key);
            }
        }));

    /// <summary>Every change of an object of the resource leads to its own key.</summary>
    protected void Watch(string resource) => Watch(resource, obj => [QueueKey.Of(obj)]);

    /// <summary>Every change of an object leads to its controlling owner of the given kind.</summary>
    protected void WatchOwned(string resource, string ownerKind) => Watch(resource, obj =>
        OwnerReferences.Controller(obj) is { } owner && owner.Kind == ownerKind ? [new QueueKey(obj.NamespaceOf(), owner.Name)] : []);

    /// <summary>Writes the status when it differs from the stored one; returns whether it did.</summary>
    protected bool WriteStatus(string resource, JsonObject obj, JsonObject status)
    {
        if (JsonNode.DeepEquals(obj["status"] ?? new JsonObject(), status))
        {
            return false;
        }

        obj["status"] = status;
        Api.UpdateStatus(resource, obj, Name);
        return true;
    }

    /// <summary>Deletes an object if it is still the one that was looked at.</summary>
    protected void DeleteIfThere(string resource, JsonObject obj)
    {
        try
        {
            var key = QueueKey.Of(obj);
            Api.Delete(resource, key.Namespace.Length == 0 ? null : key.Namespace, key.Name, new DeleteOptions { Uid = obj.UidOf(), PropagationPolicy = "Background" });
        }
        catch (ApiStatusException e) when (e.IsNotFound || e.IsConflict)
        {
            // Somebody was faster; that is the wanted state.
        }
    }
}
