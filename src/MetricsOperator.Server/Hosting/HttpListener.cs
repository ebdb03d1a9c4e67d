using System.Globalization;
using System.Net;
using MetricsOperator.Server.Config;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MetricsOperator.Server.Hosting;

/// <summary>
/// Kestrel with one request delegate and nothing else: no generic host, no dependency injection, no middleware. That is all the API needs, and it keeps
/// the idle process small.
/// </summary>
internal sealed class HttpListener : IAsyncDisposable
{
    private readonly KestrelServer _server;
    private readonly RequestDelegate _handler;

    public HttpListener(ServerFlags flags, RequestDelegate handler, ILoggerFactory loggers)
    {
        _handler = handler;
        var options = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false };
        options.Limits.MaxConcurrentConnections = flags.MaxConnections;
        options.Limits.RequestHeadersTimeout = flags.ReadTimeout;
        options.Limits.KeepAliveTimeout = flags.ReadTimeout;
        options.Limits.MaxRequestBodySize = 64 * 1024 * 1024;
        foreach (var address in flags.ListenAddresses)
        {
            options.Listen(ParseEndpoint(address));
        }

        _server = new KestrelServer(
            Options.Create(options), new SocketTransportFactory(Options.Create(new SocketTransportOptions()), loggers), loggers);
    }

    /// <summary>Addresses that are listened on, with the ports that the system chose.</summary>
    public IReadOnlyList<Uri> Addresses => [.. _server.Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a))];

    /// <exception cref="IOException">An address is in use.</exception>
    public Task StartAsync(CancellationToken cancellation) => _server.StartAsync(new Application(_handler), cancellation);

    /// <summary>Stops taking requests and waits for those under way until cancelled.</summary>
    public Task StopAsync(CancellationToken cancellation) => _server.StopAsync(cancellation);

    public ValueTask DisposeAsync()
    {
        _server.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Reads <c>host:port</c>, <c>:port</c> or <c>[v6]:port</c>.</summary>
    /// <exception cref="ArgumentException">It is not an address.</exception>
    internal static IPEndPoint ParseEndpoint(string address)
    {
        var colon = address.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
        {
            throw new ArgumentException($"--web.listen-address: got {address}, want host:port", nameof(address));
        }

        var host = address[..colon].Trim('[', ']');
        if (host.Length == 0)
        {
            return new IPEndPoint(IPAddress.Any, port);
        }

        if (IPAddress.TryParse(host, out var ip))
        {
            return new IPEndPoint(ip, port);
        }

        try
        {
            return new IPEndPoint(Dns.GetHostAddresses(host)[0], port);
        }
        catch (System.Net.Sockets.SocketException e)
        {
            throw new ArgumentException($"--web.listen-address: cannot resolve {host}: {e.Message}", nameof(address), e);
        }
    }

    private sealed class Application(RequestDelegate handler) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public Task ProcessRequestAsync(HttpContext context) => handler(context);

        public void DisposeContext(HttpContext context, Exception? exception) => ((DefaultHttpContext)context).Uninitialize();
    }
}
