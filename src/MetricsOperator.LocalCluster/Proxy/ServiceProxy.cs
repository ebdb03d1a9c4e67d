using System.Net;
using System.Net.Sockets;
using MetricsOperator.LocalCluster.Controllers;
using MetricsOperator.LocalCluster.Hosting;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Proxy;

/// <summary>Makes cluster addresses work: a userspace TCP proxy per Service port on the Service's loopback address. UDP is not forwarded.</summary>
public sealed class ServiceProxy(ClusterServices services) : IClusterPart
{
    private static readonly TimeSpan BindRetry = TimeSpan.FromSeconds(5);

    private readonly ILogger _logger = services.Logs.CreateLogger("service-proxy");
    private readonly Dictionary<(QueueKey Service, IPEndPoint Address), PortForwarder> _forwarders = [];
    private readonly HashSet<(QueueKey Service, IPEndPoint Address)> _refused = [];
    private EndpointTable? _table;
    private ControlLoop? _loop;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken stop)
    {
        _loop = new ControlLoop("service-proxy", Reconcile, services.Time, _logger);
        _loop.Start();
        _table = new EndpointTable(services.Api, (ns, name) => _loop.Enqueue(new QueueKey(ns, name)));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _table?.Dispose();
        if (_loop is not null)
        {
            await _loop.DisposeAsync();
        }

        foreach (var forwarder in _forwarders.Values)
        {
            await forwarder.DisposeAsync();
        }
    }

    private TimeSpan? Reconcile(QueueKey key)
    {
        var table = _table!;
        var address = table.ClusterAddress(key.Namespace, key.Name);
        var wanted = address is null
            ? []
            : table.Ports(key.Namespace, key.Name).Where(port => port.Protocol == "TCP").ToDictionary(port => (key, new IPEndPoint(address, port.Number)));
        foreach (var gone in _forwarders.Keys.Where(have => have.Service == key && !wanted.ContainsKey(have)).ToList())
        {
            _forwarders.Remove(gone, out var forwarder);
            _ = forwarder!.DisposeAsync().AsTask();
        }

        TimeSpan? again = null;
        foreach (var (place, port) in wanted.Where(wish => !_forwarders.ContainsKey(wish.Key)))
        {
            try
            {
                _forwarders[place] = new PortForwarder(place.Item2, () => table.Ready(key.Namespace, key.Name, port.Name));
            }
            catch (SocketException e)
            {
                // Said once per address: another cluster on this machine may keep it for as long as this one lives.
                var level = _refused.Add(place) ? LogLevel.Warning : LogLevel.Debug;
                _logger.Log(level, "Cannot listen on {Address} for Service {Service}: {Message}", place.Item2, key, e.Message);
                again = BindRetry;
            }
        }

        return again;
    }
}
