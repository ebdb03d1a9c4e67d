using System.Net;
using System.Security.Authentication;
using MetricsOperator.LocalCluster.Hosting;
using MetricsOperator.LocalCluster.Metrics;
using MetricsOperator.LocalCluster.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Http;

/// <summary>The API on TLS, on 127.0.0.1 alone.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly CancellationTokenSource _stopping;
    private readonly PodEndpoints _pods;
    private readonly PlainEndpoints _plain;

    private ApiServer(WebApplication application, CancellationTokenSource stopping, PodEndpoints pods, PlainEndpoints plain)
    {
        _application = application;
        _stopping = stopping;
        _pods = pods;
        _plain = plain;
    }

    public Uri Url => new(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Starts listening.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<ApiServer> StartAsync(ClusterCore core, ClusterCertificates certificates, ServiceAccountTokens tokens, int port, TimeProvider time, ILoggerFactory logs)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.Http2.MaxStreamsPerConnection = 1000;
            kestrel.Listen(IPAddress.Loopback, port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(new HttpsConnectionAdapterOptions
                {
                    ServerCertificate = certificates.Server,
                    SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                    ClientCertificateMode = ClientCertificateMode.AllowCertificate,

                    // Judged by the authenticator, which answers 401 instead of breaking the connection.
                    ClientCertificateValidation = (_, _, _) => true,
                });
            });
        });

        var stopping = new CancellationTokenSource();
        var metrics = new ApiMetrics(core.Store);
        var responses = new ResponseWriter(time);
        var reads = new ReadEndpoints(core.Store, responses);
        var authorizer = new RbacAuthorizer(core.Store);
        var pods = new PodEndpoints(core.Store, core.Writer, core.Catalog, tokens);
        var plain = new PlainEndpoints(core.Catalog, metrics);
        var endpoints = new ResourceEndpoints(
            reads,
            new WatchEndpoint(core.Store, responses, time),
            new WriteEndpoints(core.Store, core.Writer, reads, responses),
            new ScaleEndpoint(core.Store, core.Writer),
            pods,
            new ReviewEndpoints(authorizer, tokens),
            stopping.Token);
        var authenticator = new Authenticator(certificates, tokens, time);
        var dispatcher = new ApiDispatcher(core.Catalog, authenticator, authorizer, endpoints, plain, metrics, core.Audit, time, logs.CreateLogger<ApiDispatcher>());

        var application = builder.Build();
        application.Run(dispatcher.HandleAsync);
        await application.StartAsync(stopping.Token);
        return new ApiServer(application, stopping, pods, plain);
    }

    /// <summary>Connects log requests with the kubelet and says that the cluster is ready.</summary>
    public void BecomeReady(ClusterServices services)
    {
        _pods.Logs = services.PodLogs;
        _plain.Ready = true;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(3));
        await _application.StopAsync(limit.Token);
        await _application.DisposeAsync();
        _stopping.Dispose();
    }
}
