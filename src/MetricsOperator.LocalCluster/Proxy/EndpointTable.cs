using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Proxy;

/// <summary>A port of a Service.</summary>
/// <param name="Name">Its name, empty when there is only one.</param>
/// <param name="Number">Its number on the cluster address.</param>
/// <param name="Protocol">TCP or UDP.</param>
internal sealed record ServicePort(string Name, int Number, string Protocol);

/// <summary>What the proxies know: Services, and the addresses that are ready behind their ports. Follows the API.</summary>
internal sealed class EndpointTable : IDisposable
{
    private readonly ConcurrentDictionary<(string Namespace, string Name), JsonObject> _services = new();
    private readonly ConcurrentDictionary<(string Namespace, string Name), JsonObject> _slices = new();
    private readonly IDisposable[] _watches;

    /// <param name="api">The API.</param>
    /// <param name="changed">Called with namespace and name of a Service after it or its endpoints changed.</param>
    public EndpointTable(ClusterApi api, Action<string, string>? changed = null) => _watches =
    [
        api.Watch("services", (type, service) =>
        {
            Set(_services, type, service);
            changed?.Invoke(service.NamespaceOf(), service.NameOf());
        }),
        api.Watch("discovery.k8s.io/endpointslices", (type, slice) =>
        {
            Set(_slices, type, slice);
            changed?.Invoke(slice.NamespaceOf(), ServiceOf(slice));
        }),
    ];

    /// <summary>The cluster address of a Service, or null when it has none (headless, external name) or is not there.</summary>
    public IPAddress? ClusterAddress(string ns, string name) =>
        _services.TryGetValue((ns, name), out var service) && IPAddress.TryParse(service.StringAt("spec", "clusterIP"), out var address) ? address : null;

    public bool Exists(string ns, string name) => _services.ContainsKey((ns, name));

    public IReadOnlyList<ServicePort> Ports(string ns, string name) => _services.TryGetValue((ns, name), out var service)
        ? [.. service.ObjectsAt("spec", "ports").Select(port => new ServicePort(
            port.StringAt("name") ?? string.Empty, (int)(port.LongAt("port") ?? 0), port.StringAt("protocol") ?? "TCP"))]
        : [];

    /// <summary>The ready endpoints of a Service's port, in a stable order.</summary>
    public IReadOnlyList<IPEndPoint> Ready(string ns, string name, string portName)
    {
        var found = new List<IPEndPoint>();
        foreach (var slice in _slices.Where(slice => slice.Key.Namespace == ns && ServiceOf(slice.Value) == name).OrderBy(slice => slice.Key.Name, StringComparer.Ordinal).Select(slice => slice.Value))
        {
            var port = slice.ObjectsAt("ports").FirstOrDefault(port => (port.StringAt("name") ?? string.Empty) == portName).LongAt("port");
            if (port is null)
            {
                continue;
            }

            foreach (var endpoint in slice.ObjectsAt("endpoints").Where(endpoint => endpoint.BoolAt("conditions", "ready") != false))
            {
                found.AddRange(endpoint.StringsAt("addresses").Where(address => IPAddress.TryParse(address, out _)).Select(address => new IPEndPoint(IPAddress.Parse(address), (int)port)));
            }
        }

        return found;
    }

    public void Dispose()
    {
        foreach (var watch in _watches)
        {
            watch.Dispose();
        }
    }

    private static string ServiceOf(JsonObject slice) => slice.StringAt("metadata", "labels", "kubernetes.io/service-name") ?? string.Empty;

    private static void Set(ConcurrentDictionary<(string Namespace, string Name), JsonObject> map, WatchEventType type, JsonObject obj)
    {
        var key = (obj.NamespaceOf(), obj.NameOf());
        if (type == WatchEventType.Deleted)
        {
            map.TryRemove(key, out _);
        }
        else
        {
            map[key] = obj;
        }
    }
}
