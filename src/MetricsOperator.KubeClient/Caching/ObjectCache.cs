using System.Diagnostics.CodeAnalysis;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Caching;

/// <summary>
/// The last known state of a kind, filled by an informer, read by everybody. Objects are immutable and shared: a reader keeps what it got.
/// Always indexed by namespace and owner uid. Safe for concurrent use.
/// </summary>
public sealed class ObjectCache<T>
    where T : class, IKubernetesObject
{
    private const string NamespaceIndex = "namespace";
    private const string OwnerIndex = "ownerUid";
    private readonly Lock _gate = new();
    private readonly Dictionary<ObjectKey, T> _objects = [];
    private readonly List<(ObjectIndex<T> Index, Dictionary<string, HashSet<ObjectKey>> Keys)> _indexes = [];

    /// <param name="indexes">Further indexes; names are unique.</param>
    public ObjectCache(params IReadOnlyList<ObjectIndex<T>> indexes)
    {
        AddIndex(new ObjectIndex<T>(NamespaceIndex, value => [value.Metadata.Namespace ?? ""]));
        AddIndex(new ObjectIndex<T>(OwnerIndex, value => value.Metadata.OwnerReferences?.Select(o => o.Uid ?? "") ?? []));
        foreach (var index in indexes)
        {
            AddIndex(index);
        }
    }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _objects.Count;
            }
        }
    }

    /// <summary>A cache with fixed content, for decisions over given objects.</summary>
    public static ObjectCache<T> Of(IEnumerable<T> objects, params IReadOnlyList<ObjectIndex<T>> indexes)
    {
        var cache = new ObjectCache<T>(indexes);
        foreach (var value in objects)
        {
            cache.Put(value);
        }

        return cache;
    }

    /// <summary>The object, or null.</summary>
    public T? Find(ObjectKey key)
    {
        lock (_gate)
        {
            return _objects.GetValueOrDefault(key);
        }
    }

    /// <summary>The object, if it is there.</summary>
    public bool TryFind(ObjectKey key, [NotNullWhen(true)] out T? value) => (value = Find(key)) is not null;

    /// <summary>All objects, in no order.</summary>
    public IReadOnlyList<T> All()
    {
        lock (_gate)
        {
            return [.. _objects.Values];
        }
    }

    /// <summary>The objects of a namespace, in no order.</summary>
    public IReadOnlyList<T> InNamespace(string ns) => ByIndex(NamespaceIndex, ns);

    /// <summary>The objects with an owner reference to this uid, in no order.</summary>
    public IReadOnlyList<T> OwnedBy(string ownerUid) => ByIndex(OwnerIndex, ownerUid);

    /// <summary>The objects with a label value; the cache needs <see cref="ObjectIndex{T}.ByLabel"/> for that label.</summary>
    public IReadOnlyList<T> ByLabel(string label, string value) => ByIndex("label:" + label, value);

    /// <summary>The objects that an index has under a value, in no order.</summary>
    /// <exception cref="ArgumentException">There is no such index.</exception>
    public IReadOnlyList<T> ByIndex(string index, string value)
    {
        lock (_gate)
        {
            foreach (var (candidate, keys) in _indexes)
            {
                if (candidate.Name == index)
                {
                    return keys.TryGetValue(value, out var found) ? [.. found.Select(key => _objects[key])] : [];
                }
            }
        }

        throw new ArgumentException($"cannot look up by index: got \"{index}\", want one of {string.Join(", ", _indexes.Select(i => i.Index.Name))}", nameof(index));
    }

    /// <summary>Adds or replaces; returns the object before, or null.</summary>
    internal T? Put(T value)
    {
        var key = ObjectKey.Of(value);
        lock (_gate)
        {
            var old = _objects.GetValueOrDefault(key);
            Unindex_NeedsLock(key, old);
            _objects[key] = value;
            foreach (var (index, keys) in _indexes)
            {
                foreach (var entry in index.Values(value))
                {
                    if (!keys.TryGetValue(entry, out var set))
                    {
                        keys[entry] = set = [];
                    }

                    set.Add(key);
                }
            }

            return old;
        }
    }

    /// <summary>Removes; returns the object that was there, or null.</summary>
    internal T? Remove(ObjectKey key)
    {
        lock (_gate)
        {
            if (!_objects.Remove(key, out var old))
            {
                return null;
            }

            Unindex_NeedsLock(key, old);
            return old;
        }
    }

    internal IReadOnlyList<ObjectKey> Keys()
    {
        lock (_gate)
        {
            return [.. _objects.Keys];
        }
    }

    private void AddIndex(ObjectIndex<T> index)
    {
        if (_indexes.Exists(i => i.Index.Name == index.Name))
        {
            throw new ArgumentException($"cannot add index: got \"{index.Name}\" twice, want unique names", nameof(index));
        }

        _indexes.Add((index, new Dictionary<string, HashSet<ObjectKey>>(StringComparer.Ordinal)));
    }

    private void Unindex_NeedsLock(ObjectKey key, T? old)
    {
        if (old is null)
        {
            return;
        }

        foreach (var (index, keys) in _indexes)
        {
            foreach (var entry in index.Values(old))
            {
                if (keys.TryGetValue(entry, out var set) && set.Remove(key) && set.Count == 0)
                {
                    keys.Remove(entry);
                }
            }
        }
    }
}
