using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Store;

/// <summary>
/// All objects, with one revision counter over all resources. Readers see immutable maps; writers hold <see cref="Gate"/> over
/// read, decide and write. The last changes of each resource are kept, so that a watch can start in the past and a paged list
/// goes on at the revision of its first page; what is older answers 410 Gone.
/// </summary>
internal sealed class ObjectStore : IDisposable
{
    private readonly Dictionary<string, ResourceState> _resources = new(StringComparer.Ordinal);
    private readonly Journal _journal;
    private readonly int _historyPerResource;
    private long _revision;

    private ObjectStore(Journal journal, int historyPerResource)
    {
        _journal = journal;
        _historyPerResource = historyPerResource;
    }

    /// <summary>Held by whoever writes; taken for the time of one request.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Revision of the newest change that every subscription has been given.</summary>
    public long Revision => Interlocked.Read(ref _revision);

    /// <summary>Opens the store below a directory; what a killed process had acknowledged is there again.</summary>
    /// <exception cref="InvalidDataException">A file is damaged other than by a torn last record.</exception>
    public static ObjectStore Open(string directory, int historyPerResource = 2048)
    {
        var journal = Journal.Open(directory);
        var store = new ObjectStore(journal, historyPerResource);
        var maps = new Dictionary<string, ImmutableSortedDictionary<ObjectKey, StoredObject>.Builder>(StringComparer.Ordinal);
        foreach (var record in journal.ReadAll())
        {
            store._revision = Math.Max(store._revision, record.Revision);
            if (!maps.TryGetValue(record.Resource, out var map))
            {
                maps[record.Resource] = map = ImmutableSortedDictionary.CreateBuilder<ObjectKey, StoredObject>();
            }

            if (record.Json is null)
            {
                map.Remove(record.Key);
            }
            else
            {
                map[record.Key] = StoredObject.Load(record.Key, record.Revision, record.Json);
            }
        }

        foreach (var (resource, map) in maps)
        {
            store._resources[resource] = new ResourceState { Objects = map.ToImmutable(), Floor = store._revision };
        }

        journal.StartWriting(store._revision, store.AllObjects());
        store._startRevision = store._revision;
        return store;
    }

    private long _startRevision;

    public StoredObject? Get(string resource, ObjectKey key)
    {
        lock (Gate)
        {
            return _resources.TryGetValue(resource, out var state) ? state.Objects.GetValueOrDefault(key) : null;
        }
    }

    public ResourceSnapshot List(string resource)
    {
        lock (Gate)
        {
            return new ResourceSnapshot(_revision, StateOf(resource).Objects);
        }
    }

    /// <summary>The resource as it was at a past revision.</summary>
    /// <exception cref="ApiStatusException">410 Expired when the changes since then are no longer kept.</exception>
    public ResourceSnapshot ListAt(string resource, long revision)
    {
        lock (Gate)
        {
            var state = StateOf(resource);
            if (revision < state.Floor || revision > _revision)
            {
                throw ApiErrors.Expired("The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.");
            }

            var objects = state.Objects.ToBuilder();
            for (var node = state.History.Last; node is not null && node.Value.Revision > revision; node = node.Previous)
            {
                if (node.Value.Previous is { } before)
                {
                    objects[before.Key] = before;
                }
                else
                {
                    objects.Remove(node.Value.Object.Key);
                }
            }

            return new ResourceSnapshot(revision, objects.ToImmutable());
        }
    }

    /// <summary>The revision of the last change of the resource; a cheap key for caches built from it.</summary>
    public long LastChange(string resource)
    {
        lock (Gate)
        {
            return StateOf(resource).LastChange;
        }
    }

    /// <summary>Writes a version of an object. The caller holds <see cref="Gate"/> and gives up the node.</summary>
    public StoredObject Put(string resource, ObjectKey key, JsonObject value)
    {
        var revision = _revision + 1;
        var stored = StoredObject.Freeze(key, revision, value);
        _journal.Append(new JournalRecord(revision, resource, key, stored.Json));
        var state = StateOf(resource);
        var previous = state.Objects.GetValueOrDefault(key);
        state.Objects = state.Objects.SetItem(key, stored);
        Publish(state, new StoreEvent(revision, previous is null ? WatchEventType.Added : WatchEventType.Modified, stored, previous));
        return stored;
    }

    /// <summary>Removes an object; returns its last state carrying the deletion's revision. The caller holds <see cref="Gate"/>.</summary>
    public StoredObject Remove(string resource, ObjectKey key, JsonObject lastState)
    {
        var revision = _revision + 1;
        var gone = StoredObject.Freeze(key, revision, lastState);
        _journal.Append(new JournalRecord(revision, resource, key, null));
        var state = StateOf(resource);
        var previous = state.Objects.GetValueOrDefault(key);
        state.Objects = state.Objects.Remove(key);
        Publish(state, new StoreEvent(revision, WatchEventType.Deleted, gone, previous));
        return gone;
    }

    /// <summary>Subscribes to changes after <paramref name="fromRevision"/>; with null, to Added for all existing objects and then changes.</summary>
    /// <exception cref="ApiStatusException">410 Expired when changes after that revision are no longer kept.</exception>
    public WatchSubscription Subscribe(string resource, long? fromRevision)
    {
        lock (Gate)
        {
            var state = StateOf(resource);
            var subscription = new WatchSubscription(Unsubscribe);
            if (fromRevision is not { } from)
            {
                foreach (var stored in state.Objects.Values)
                {
                    subscription.Publish(new StoreEvent(stored.Revision, WatchEventType.Added, stored, null));
                }
            }
            else
            {
                if (from < state.Floor)
                {
                    throw ApiErrors.Expired($"too old resource version: {from.ToString(CultureInfo.InvariantCulture)} ({state.Floor.ToString(CultureInfo.InvariantCulture)})");
                }

                if (from > _revision)
                {
                    throw ApiErrors.FutureVersion(from, _revision);
                }

                foreach (var change in state.History)
                {
                    if (change.Revision > from)
                    {
                        subscription.Publish(change);
                    }
                }
            }

            state.Subscriptions = state.Subscriptions.Add(subscription);
            return subscription;

            void Unsubscribe(WatchSubscription s)
            {
                lock (Gate)
                {
                    state.Subscriptions = state.Subscriptions.Remove(s);
                }
            }
        }
    }

    /// <summary>Names of resources that hold objects.</summary>
    public IReadOnlyList<string> Resources
    {
        get
        {
            lock (Gate)
            {
                return [.. _resources.Where(r => r.Value.Objects.Count > 0).Select(r => r.Key)];
            }
        }
    }

    public void Dispose() => _journal.Dispose();

    private ResourceState StateOf(string resource)
    {
        if (!_resources.TryGetValue(resource, out var state))
        {
            _resources[resource] = state = new ResourceState { Objects = ImmutableSortedDictionary<ObjectKey, StoredObject>.Empty, Floor = _startRevision };
        }

        return state;
    }

    private void Publish(ResourceState state, StoreEvent change)
    {
        state.LastChange = change.Revision;
        state.History.AddLast(change);
        if (state.History.Count > _historyPerResource)
        {
            state.Floor = state.History.First!.Value.Revision;
            state.History.RemoveFirst();
        }

        foreach (var subscription in state.Subscriptions)
        {
            subscription.Publish(change);
        }

        Interlocked.Exchange(ref _revision, change.Revision);
        if (_journal.WantsSnapshot)
        {
            _journal.WriteSnapshot(_revision, AllObjects());
        }
    }

    private IEnumerable<(string Resource, StoredObject Object)> AllObjects() =>
        _resources.SelectMany(r => r.Value.Objects.Values.Select(o => (r.Key, o)));

    private sealed class ResourceState
    {
        public required ImmutableSortedDictionary<ObjectKey, StoredObject> Objects { get; set; }

        /// <summary>Changes up to this revision are forgotten.</summary>
        public required long Floor { get; set; }

        public long LastChange { get; set; }

        public LinkedList<StoreEvent> History { get; } = new();

        public ImmutableList<WatchSubscription> Subscriptions { get; set; } = [];
    }
}
