using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.KubeClient.Watching;

/// <summary>Turns lists and watch events into changes of the cache and delivers each change once, in order.</summary>
internal sealed class InformerStore<T>(InformerOptions<T> options)
    where T : class, IKubernetesObject
{
    private readonly Lock _delivery = new();
    private Subscription[] _subscriptions = [];
    private IReadOnlyDictionary<ObjectKey, MalformedObject> _malformed = new Dictionary<ObjectKey, MalformedObject>();

    public ObjectCache<T> Cache { get; } = new(options.Indexes);

    public IReadOnlyDictionary<ObjectKey, MalformedObject> Malformed => Volatile.Read(ref _malformed);

    public IDisposable Subscribe(Action<InformerEvent<T>> handler)
    {
        lock (_delivery)
        {
            var subscription = new Subscription(this, handler);
            foreach (var value in Cache.All())
            {
                handler(new InformerEvent<T>(InformerEventType.Added, null, value, IsBackground: true));
            }

            _subscriptions = [.. _subscriptions, subscription];
            return subscription;
        }
    }

    /// <summary>Makes the cache equal to a list: adds, updates what has another version, deletes what is not listed.</summary>
    public void Replace(ResourceList<T> list, bool isFirst)
    {
        lock (_delivery)
        {
            var listed = new HashSet<ObjectKey>();
            foreach (var value in list.Items)
            {
                listed.Add(ObjectKey.Of(value));
                Put_NeedsLock(value, isFirst);
            }

            // A malformed object exists: its last good form stays.
            var malformed = list.Malformed.ToDictionary(m => ObjectKey.Of(m.Metadata));
            foreach (var (key, bad) in malformed)
            {
                listed.Add(key);
                Complain(key, bad);
            }

            Volatile.Write(ref _malformed, malformed);
            foreach (var key in Cache.Keys())
            {
                if (!listed.Contains(key))
                {
                    Remove_NeedsLock(key, null);
                }
            }
        }
    }

    public void Apply(WatchEvent<T> change)
    {
        if (change.Type == WatchEventType.Bookmark)
        {
            return;
        }

        lock (_delivery)
        {
            var key = change.Malformed is { } bad ? ObjectKey.Of(bad.Metadata) : ObjectKey.Of(change.Object!);
            NoteMalformed_NeedsLock(key, change.Type == WatchEventType.Deleted ? null : change.Malformed);
            if (change.Type == WatchEventType.Deleted)
            {
                Remove_NeedsLock(key, change.Object);
            }
            else if (change.Object is { } value)
            {
                Put_NeedsLock(value, isBackground: false);
            }
        }
    }

    /// <summary>Delivers every object again as unchanged.</summary>
    public void Resync()
    {
        lock (_delivery)
        {
            foreach (var value in Cache.All())
            {
                Deliver_NeedsLock(new InformerEvent<T>(InformerEventType.Updated, value, value, IsBackground: true));
            }
        }
    }

    private void Put_NeedsLock(T value, bool isBackground)
    {
        var known = Cache.Find(ObjectKey.Of(value));
        if (known is not null && known.Metadata.ResourceVersion == value.Metadata.ResourceVersion && known.Metadata.Uid == value.Metadata.Uid)
        {
            return;
        }

        if (known is not null && known.Metadata.Uid != value.Metadata.Uid)
        {
            // Deleted and created again while nobody looked: two objects, two events.
            Remove_NeedsLock(ObjectKey.Of(value), null);
            known = null;
        }

        var kept = options.Transform is null ? value : options.Transform(value);
        Cache.Put(kept);
        Deliver_NeedsLock(new InformerEvent<T>(known is null ? InformerEventType.Added : InformerEventType.Updated, known, kept, isBackground));
    }

    private void Remove_NeedsLock(ObjectKey key, T? final)
    {
        var old = Cache.Remove(key);
        if (old is not null)
        {
            var last = final is null ? old : options.Transform is null ? final : options.Transform(final);
            Deliver_NeedsLock(new InformerEvent<T>(InformerEventType.Deleted, last, null, IsBackground: false));
        }
    }

    private void NoteMalformed_NeedsLock(ObjectKey key, MalformedObject? bad)
    {
        if (bad is null && !_malformed.ContainsKey(key))
        {
            return;
        }

        var changed = new Dictionary<ObjectKey, MalformedObject>(_malformed);
        if (bad is null)
        {
            changed.Remove(key);
        }
        else
        {
            changed[key] = bad;
            Complain(key, bad);
        }

        Volatile.Write(ref _malformed, changed);
    }

    private void Complain(ObjectKey key, MalformedObject bad)
        => options.Logger.LogWarning("Object {Key} does not fit {Type} and is left out: {Error}", key, typeof(T).Name, bad.Error);

    private void Deliver_NeedsLock(InformerEvent<T> change)
    {
        foreach (var subscription in _subscriptions)
        {
            subscription.Handler(change);
        }
    }

    private void Unsubscribe(Subscription subscription)
    {
        lock (_delivery)
        {
            _subscriptions = [.. _subscriptions.Where(s => s != subscription)];
        }
    }

    private sealed class Subscription(InformerStore<T> store, Action<InformerEvent<T>> handler) : IDisposable
    {
        public Action<InformerEvent<T>> Handler { get; } = handler;

        public void Dispose() => store.Unsubscribe(this);
    }
}
