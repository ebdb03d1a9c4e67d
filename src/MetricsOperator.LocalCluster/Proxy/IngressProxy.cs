using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Controllers;
using MetricsOperator.LocalCluster.Hosting;
using MetricsOperator.LocalCluster.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Proxy;

/// <summary>
/// The ingress controller: an HTTP reverse proxy on 127.0.0.1 that serves every Ingress whatever its class. TLS sections are ignored. Requests that no
/// rule wants get 404, Services without a ready endpoint 503, both as plain text.
/// </summary>
public sealed class IngressProxy(ClusterServices services) : IClusterPart
{
    private const string Resource = "networking.k8s.io/ingresses";

    private readonly ConcurrentDictionary<QueueKey, JsonObject> _ingresses = new();
    private readonly IngressForwarder _forwarder = new();
    private volatile IngressRoutes _routes = new([]);
    private EndpointTable? _table;
    private IDisposable? _watch;
    private IngressStatusController? _status;
    private WebApplication? _server;

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken stop)
    {
        _table = new EndpointTable(services.Api);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(services.Logs);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, services.Options.IngressPort);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
        });
        _server = builder.Build();
        _server.Run(HandleAsync);
        await _server.StartAsync(stop);
        var address = _server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        services.IngressUrl = new Uri(address);
        _watch = services.Api.Watch(Resource, OnIngress);
        _status = new IngressStatusController(new ControllerContext(services.Api, services.Time, services.Logs), services.IngressUrl);
        _status.Start();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _watch?.Dispose();
        if (_status is not null)
        {
            await _status.DisposeAsync();
        }

        if (_server is not null)
        {
            // Open streams do not hold the shutdown up.
            using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await _server.StopAsync(now.Token);
            await _server.DisposeAsync();
        }

        _table?.Dispose();
        _forwarder.Dispose();
    }

    private void OnIngress(WatchEventType type, JsonObject ingress)
    {
        if (type == WatchEventType.Deleted)
        {
            _ingresses.TryRemove(QueueKey.Of(ingress), out _);
        }
        else
        {
            _ingresses[QueueKey.Of(ingress)] = ingress;
        }

        _routes = new IngressRoutes(_ingresses.Values);
    }

    private async Task HandleAsync(HttpContext context)
    {
        var table = _table!;
        if (_routes.Find(context.Request.Host.Host, context.Request.Path.Value ?? "/") is not { } backend)
        {
            await RefuseAsync(context, StatusCodes.Status404NotFound, $"no Ingress rule for http://{context.Request.Host}{context.Request.Path}");
            return;
        }

        var port = table.Ports(backend.Namespace, backend.Service)
            .FirstOrDefault(port => backend.PortName is null ? port.Number == backend.PortNumber : port.Name == backend.PortName);
        if (port is null)
        {
            var what = table.Exists(backend.Namespace, backend.Service) ? $"has no port {backend.PortName ?? backend.PortNumber?.ToString(System.Globalization.CultureInfo.InvariantCulture)}" : "does not exist";
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, $"Service {backend.Namespace}/{backend.Service} {what}");
            return;
        }

        var endpoints = table.Ready(backend.Namespace, backend.Service, port.Name);
        if (endpoints.Count == 0)
        {
            await RefuseAsync(context, StatusCodes.Status503ServiceUnavailable, $"Service {backend.Namespace}/{backend.Service} has no ready endpoint");
            return;
        }

        await _forwarder.ForwardAsync(context, endpoints);
    }

    private static Task RefuseAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(message + "\n", context.RequestAborted);
    }
}
