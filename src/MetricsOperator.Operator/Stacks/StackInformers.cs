using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Controllers;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.KubeClient.Watching;
using MetricsOperator.Planning.Stacks;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Operator.Stacks;

/// <summary>
/// What the operator follows: stacks and keep-lists, the objects that carry its label, and the servers' pods. Secrets are followed without
/// their content.
/// </summary>
internal sealed class StackInformers
{
    private const string StackIndex = "stack";
    private const string OwnLabel = StackNames.ManagedByLabel + "=" + StackNames.FieldManager;

    private readonly KubeRestClient _client;
    private readonly ILogger _logger;
    private readonly IReadOnlyList<string?> _namespaces;
    private readonly List<Func<CancellationToken, Task>> _runs = [];
    private readonly List<Func<CancellationToken, Task>> _waits = [];
    private readonly List<Func<bool>> _synced = [];
    private readonly List<Action<Controller<ObjectKey>>> _watches = [];
    private readonly List<Func<string, IEnumerable<LiveObject>>> _owned = [];
    private readonly IReadOnlyList<Informer<MetricsStack>> _stacks;
    private readonly IReadOnlyList<Informer<MetricsKeepList>> _keepLists;
    private readonly IReadOnlyList<Informer<V1Pod>> _pods;

    /// <param name="client">The client of all informers.</param>
    /// <param name="namespaces">Namespaces to follow; empty follows all.</param>
    /// <param name="logger">For watches that fail.</param>
    public StackInformers(KubeRestClient client, IReadOnlyList<string> namespaces, ILogger logger)
    {
        _client = client;
        _logger = logger;
        _namespaces = namespaces.Count == 0 ? [null] : [.. namespaces];
        _stacks = Follow(ApiKinds.Stacks, null, []);
        _keepLists = Follow(ApiKinds.KeepLists, null, []);
        _pods = Follow(ResourceKinds.Pods, OwnLabel, [IndexOf<V1Pod>()]);
        FollowOwned(ResourceKinds.ConfigMaps, _namespaces);
        FollowOwned(ResourceKinds.Secrets.AsMetadataOnly(), _namespaces);
        FollowOwned(ResourceKinds.ServiceAccounts, _namespaces);
        FollowOwned(ResourceKinds.Roles, _namespaces);
        FollowOwned(ResourceKinds.RoleBindings, _namespaces);
        FollowOwned(ResourceKinds.PersistentVolumeClaims, _namespaces);
        FollowOwned(ResourceKinds.Services, _namespaces);
        FollowOwned(ResourceKinds.Deployments, _namespaces);
        FollowOwned(ResourceKinds.Ingresses, _namespaces);
        FollowOwned(ResourceKinds.PodDisruptionBudgets, _namespaces);
        FollowOwned(ResourceKinds.ClusterRoles, [null]);
        FollowOwned(ResourceKinds.ClusterRoleBindings, [null]);
    }

    public bool HasSynced => _synced.TrueForAll(s => s());

    public Task RunAsync(CancellationToken cancellation) => Task.WhenAll(_runs.Select(run => run(cancellation)));

    public Task WaitForSyncAsync(CancellationToken cancellation) => Task.WhenAll(_waits.Select(wait => wait(cancellation)));

    /// <summary>Maps every change to the key of the stack that it is about. A change of a keep-list is about every stack of its namespace.</summary>
    public void Feed(Controller<ObjectKey> controller)
    {
        foreach (var informer in _stacks)
        {
            // Writes of our own status change nothing that a reconcile looks at.
            controller.Watch(
                informer,
                stack => [ObjectKey.Of(stack)],
                e => e.IsBackground || e.Old is null || e.New is null || e.Old.Metadata.Generation != e.New.Metadata.Generation || e.New.Metadata.DeletionTimestamp is not null,
                WorkPriority.SpecChange);
        }

        foreach (var informer in _keepLists)
        {
            controller.Watch(informer, list => _stacks.SelectMany(s => s.Cache.InNamespace(list.Metadata.Namespace ?? "")).Select(s => ObjectKey.Of(s)), priority: WorkPriority.SpecChange);
        }

        foreach (var informer in _pods)
        {
            controller.Watch(informer, KeysOf, priority: WorkPriority.Incident);
        }

        foreach (var watch in _watches)
        {
            watch(controller);
        }
    }

    public MetricsStack? FindStack(ObjectKey key) => _stacks.Select(i => i.Cache.Find(key)).FirstOrDefault(s => s is not null);

    public IReadOnlyList<MetricsKeepList> KeepListsIn(string ns) =>
        [.. _keepLists.SelectMany(i => i.Cache.InNamespace(ns)).OrderBy(l => l.Metadata.Name, StringComparer.Ordinal)];

    public IReadOnlyList<V1Pod> PodsOf(ObjectKey stack) => [.. _pods.SelectMany(i => i.Cache.ByIndex(StackIndex, stack.ToString()))];

    public IReadOnlyList<LiveObject> ObjectsOf(ObjectKey stack)
    {
        var key = stack.ToString();
        return [.. _owned.SelectMany(find => find(key))];
    }

    private static ObjectIndex<T> IndexOf<T>()
        where T : class, IKubernetesObject => new(StackIndex, value => KeysOf(value).Select(k => k.ToString()));

    private static IEnumerable<ObjectKey> KeysOf<T>(T value)
        where T : class, IKubernetesObject
    {
        if (value.Metadata.Labels is { } labels && labels.TryGetValue(StackNames.StackLabel, out var name))
        {
            yield return new ObjectKey(labels.GetValueOrDefault(StackNames.StackNamespaceLabel) ?? value.Metadata.Namespace ?? "", name);
        }
    }

    private void FollowOwned<T>(ResourceKind<T> kind, IReadOnlyList<string?> namespaces)
        where T : class, IKubernetesObject
    {
        foreach (var informer in Follow(kind, OwnLabel, [IndexOf<T>()], namespaces))
        {
            _owned.Add(key => informer.Cache.ByIndex(StackIndex, key).Select(o => new LiveObject(informer.Kind, o)));
            _watches.Add(controller => controller.Watch(informer, KeysOf));
        }
    }

    private List<Informer<T>> Follow<T>(ResourceKind<T> kind, string? labels, IReadOnlyList<ObjectIndex<T>> indexes, IReadOnlyList<string?>? namespaces = null)
        where T : class, IKubernetesObject
    {
        var informers = new List<Informer<T>>();
        foreach (var ns in namespaces ?? _namespaces)
        {
            var informer = new Informer<T>(_client, kind, new InformerOptions<T> { Namespace = ns, LabelSelector = labels, Indexes = indexes, Logger = _logger });
            informers.Add(informer);
            _runs.Add(informer.RunAsync);
            _waits.Add(informer.WaitForSyncAsync);
            _synced.Add(() => informer.HasSynced);
        }

        return informers;
    }
}
