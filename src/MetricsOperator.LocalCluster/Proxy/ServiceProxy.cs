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
            : table.Ports(key.Namespace, key.Name).Where(port => port.Protocol == "TCP").Select(port => (Service: key, Address: new IPEndPoint(address, port.Number))).ToHashSet();
        foreach (var gone in _forwarders.Keys.Where(have => have.Service == key && !wanted.Contains(have)).ToList())
        {
            _forwarders.Remove(gone, out var forwarder);
            _ = forwarder!.DisposeAsync().AsTask();
        }

        TimeSpan? again = null;
        foreach (var place in wanted.Where(wish => !_forwarders.ContainsKey(wish)))
        {
            try
            {
                _forwarders[place] = new PortForwarder(place.Address, () => ReadyBehind(table, key, place.Address.Port));
            }
            catch (SocketException e)
            {
                // Said once per address: another cluster on this machine may keep it for as long as this one lives.
                var level = _refused.Add(place) ? LogLevel.Warning : LogLevel.Debug;
                _logger.Log(level, "Cannot listen on {Address} for Service {Service}: {Message}", place.Address, key, e.Message);
                again = BindRetry;
            }
        }

        return again;
    }

    /// <summary>Looked up for each connection: a port may get another name while its number stays.</summary>
    private static IReadOnlyList<IPEndPoint> ReadyBehind(EndpointTable table, QueueKey service, int number) =>
        table.Ports(service.Namespace, service.Name).FirstOrDefault(port => port.Protocol == "TCP" && port.Number == number) is { } port
            ? table.Ready(service.Namespace, service.Name, port.Name)
            : [];
}
