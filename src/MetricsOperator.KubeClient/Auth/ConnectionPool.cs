using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace MetricsOperator.KubeClient.Auth;

/// <summary>Builds the HTTP handler of a connection: trust, client certificate, and keep-alive that finds dead peers while a watch is silent.</summary>
internal static class ConnectionPool
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan KeepAliveAnswer = TimeSpan.FromSeconds(15);

    /// <summary>The address requests are sent to. With a TLS server name it carries that name, and the handler dials the real host.</summary>
    public static Uri RequestBase(ConnectionSettings settings)
        => settings.TlsServerName is null ? settings.Server : new UriBuilder(settings.Server) { Host = settings.TlsServerName }.Uri;

    public static SocketsHttpHandler CreateHandler(ConnectionSettings settings) => new()
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.GZip,
        UseProxy = settings.Proxy is not null,
        Proxy = settings.Proxy is null ? null : new WebProxy(settings.Proxy),
        ConnectTimeout = TimeSpan.FromSeconds(10),
        PooledConnectionLifetime = Timeout.InfiniteTimeSpan,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(90),
        EnableMultipleHttp2Connections = true,
        KeepAlivePingDelay = KeepAlive,
        KeepAlivePingTimeout = KeepAliveAnswer,
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        SslOptions = TlsOptions(settings),
        ConnectCallback = (context, cancellation) => ConnectAsync(settings, context, cancellation),
    };

    private static SslClientAuthenticationOptions TlsOptions(ConnectionSettings settings)
    {
        var tls = new SslClientAuthenticationOptions();
        if (settings.SkipTlsVerify)
        {
#pragma warning disable CA5359 // The kubeconfig asks for it by name: insecure-skip-tls-verify.
            tls.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (settings.CertificateAuthority is not null)
        {
            var policy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            };
            policy.CustomTrustStore.AddRange(settings.CertificateAuthority);
            tls.CertificateChainPolicy = policy;
        }

        if (settings.ClientCertificate is not null)
        {
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(settings.ClientCertificate, settings.ClientCertificateChain, offline: true);
        }

        return tls;
    }

    private static async ValueTask<Stream> ConnectAsync(ConnectionSettings settings, SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var target = settings.TlsServerName is null || settings.Proxy is not null
            ? context.DnsEndPoint
            : new DnsEndPoint(settings.Server.IdnHost, settings.Server.Port);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)KeepAlive.TotalSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 5);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, 3);
            await socket.ConnectAsync(target, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
