using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.KubeClient.Watching;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Labels;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Discovery;

/// <summary>The informers of one source and what their caches amount to.</summary>
internal sealed class KubernetesWatch
{
    private readonly KubernetesDiscoveryConfig _config;
    private readonly KubeRestClient _client;
    private readonly Action _changed;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly List<Func<CancellationToken, Task>> _runs = [];
    private readonly List<Func<CancellationToken, Task>> _syncs = [];
    private readonly List<Informer<V1Node>> _nodes = [];
    private readonly List<Informer<V1PartialObjectMetadata>> _namespaces = [];
    private readonly List<Informer<V1Pod>> _pods = [];
    private readonly List<Informer<V1Service>> _services = [];
    private readonly List<Informer<V1EndpointSlice>> _slices = [];
    private readonly List<Informer<V1Endpoints>> _endpoints = [];

    public KubernetesWatch(
        KubernetesDiscoveryConfig config, KubeRestClient client, string ownNamespace, Action changed, TimeProvider time, ILogger logger)
    {
        _config = config;
        _client = client;
        _changed = changed;
        _time = time;
        _logger = logger;
        string?[] namespaces = [.. config.Namespaces.Concat(config.OwnNamespace ? [ownNamespace] : []).Distinct(StringComparer.Ordinal)];
        foreach (var ns in namespaces.Length == 0 ? [null] : namespaces)
        {
            WatchNamespace(ns);
        }

        if (config.Role == KubernetesRole.Node || config.AttachNodeMetadata)
        {
            _nodes.Add(Watch(ResourceKinds.Nodes, null, KubernetesRole.Node));
        }

        if (config.AttachNamespaceMetadata)
        {
            _namespaces.Add(Watch(ResourceKinds.Namespaces.AsMetadataOnly(), null, null));
        }
    }

    /// <summary>Follows the cluster until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) => Task.WhenAll(_runs.Select(run => run(cancellation)));

    /// <summary>Completes when every first list is there.</summary>
    public Task WaitForSyncAsync(CancellationToken cancellation) => Task.WhenAll(_syncs.Select(sync => sync(cancellation)));

    /// <summary>All targets by what the caches hold now.</summary>
    public IReadOnlyList<LabelSet> Targets()
    {
        var lookups = new EndpointLookups(key => Find(_pods, key), key => Find(_services, key), AddNode, AddNamespace);
        return _config.Role switch
        {
            KubernetesRole.Node => [.. All(_nodes).SelectMany(NodeTargets.Build)],
            KubernetesRole.Pod => [.. All(_pods).SelectMany(pod => PodTargets.Build(pod, labels =>
            {
                AddNode(labels, pod.Spec?.NodeName);
                AddNamespace(labels, pod.Metadata.Namespace ?? string.Empty);
            }))],
            KubernetesRole.Service => [.. All(_services).SelectMany(service =>
                ServiceTargets.Build(service, labels => AddNamespace(labels, service.Metadata.Namespace ?? string.Empty)))],
            KubernetesRole.EndpointSlice => [.. All(_slices).SelectMany(slice => EndpointTargets.Build(slice, lookups))],
            _ => [.. All(_endpoints).SelectMany(endpoints => EndpointTargets.Build(endpoints, lookups))],
        };
    }

    private static IEnumerable<T> All<T>(List<Informer<T>> informers)
        where T : class, IKubernetesObject => informers.SelectMany(i => i.Cache.All());

    private static T? Find<T>(List<Informer<T>> informers, ObjectKey key)
        where T : class, IKubernetesObject => informers.Select(i => i.Cache.Find(key)).FirstOrDefault(found => found is not null);

    /// <summary>Discovery reads little of a pod; the rest would cost the server memory that its budget has no line for.</summary>
    private static V1Pod Slim(V1Pod pod) => pod with
    {
        Spec = pod.Spec is null
            ? null
            : new V1PodSpec
            {
                NodeName = pod.Spec.NodeName,
                Containers = SlimContainers(pod.Spec.Containers),
                InitContainers = SlimContainers(pod.Spec.InitContainers),
            },
    };

    private static List<V1Container>? SlimContainers(IReadOnlyList<V1Container>? containers) =>
        containers?.Select(c => new V1Container { Name = c.Name, Image = c.Image, Ports = c.Ports }).ToList();

    private void WatchNamespace(string? ns)
    {
        var role = _config.Role;
        if (role is KubernetesRole.Pod or KubernetesRole.Endpoints or KubernetesRole.EndpointSlice)
        {
            _pods.Add(Watch(ResourceKinds.Pods, ns, KubernetesRole.Pod, Slim));
        }

        if (role is KubernetesRole.Service or KubernetesRole.Endpoints or KubernetesRole.EndpointSlice)
        {
            _services.Add(Watch(ResourceKinds.Services, ns, KubernetesRole.Service));
        }

        if (role == KubernetesRole.EndpointSlice)
        {
            _slices.Add(Watch(ResourceKinds.EndpointSlices, ns, KubernetesRole.EndpointSlice));
        }

        if (role == KubernetesRole.Endpoints)
        {
            _endpoints.Add(Watch(ResourceKinds.Endpoints, ns, KubernetesRole.Endpoints));
        }
    }

    private Informer<T> Watch<T>(ResourceKind<T> kind, string? ns, KubernetesRole? role, Func<T, T>? transform = null)
        where T : class, IKubernetesObject
    {
        var selectors = _config.Selectors.Where(s => s.Role == role).ToList();
        var informer = new Informer<T>(_client, kind, new InformerOptions<T>
        {
            Namespace = ns,
            LabelSelector = Join(selectors.Select(s => s.Label)),
            FieldSelector = Join(selectors.Select(s => s.Field)),
            Transform = transform,
            Time = _time,
            Logger = _logger,
        });
        informer.Subscribe(_ => _changed());
        _runs.Add(informer.RunAsync);
        _syncs.Add(informer.WaitForSyncAsync);
        return informer;
    }

    private static string? Join(IEnumerable<string> selectors) => string.Join(',', selectors.Where(s => s.Length > 0)) is { Length: > 0 } text ? text : null;

    private void AddNode(LabelSetBuilder labels, string? name)
    {
        if (_config.AttachNodeMetadata && !string.IsNullOrEmpty(name) && Find(_nodes, new ObjectKey(string.Empty, name)) is { } node)
        {
            KubernetesLabels.AddObject(labels, node.Metadata, "node");
        }
    }

    private void AddNamespace(LabelSetBuilder labels, string name)
    {
        if (_config.AttachNamespaceMetadata && Find(_namespaces, new ObjectKey(string.Empty, name)) is { } found)
        {
            KubernetesLabels.AddLabelsAndAnnotations(labels, found.Metadata, "namespace");
        }
    }
}
