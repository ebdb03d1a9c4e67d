using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MetricsOperator.Server.Config;

namespace MetricsOperator.Server.Scraping;

/// <summary>Makes the HTTP client of a scrape job: connections are kept, nothing is decompressed or logged behind the scraper's back.</summary>
internal static class ScrapeHttpClient
{
    public static HttpMessageInvoker Create(HttpClientConfig config) => new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = config.FollowRedirects,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(30),
            SslOptions = Tls(config.Tls),
        },
        disposeHandler: true);

    private static SslClientAuthenticationOptions Tls(TlsConfig config)
    {
        var options = new SslClientAuthenticationOptions();
        if (config.ServerName.Length > 0)
        {
            options.TargetHost = config.ServerName;
        }

        if (config.Cert.Length > 0 || config.CertFile.Length > 0)
        {
            // Read for every handshake, so that a rotated certificate is used by the next connection.
            options.LocalCertificateSelectionCallback = (_, _, _, _, _) => ClientCertificate(config);
        }

        if (config.InsecureSkipVerify)
        {
#pragma warning disable CA5359 // The configuration asks for it.
            options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (config.Ca.Length > 0 || config.CaFile.Length > 0)
        {
            options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) => IsTrusted(config, certificate, chain, errors);
        }

        return options;
    }

    private static X509Certificate2 ClientCertificate(TlsConfig config)
    {
        using var pem = X509Certificate2.CreateFromPem(Text(config.Cert, config.CertFile), Text(config.Key, config.KeyFile));
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }

    private static bool IsTrusted(TlsConfig config, X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
    {
        if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0)
        {
            return false;
        }

        var roots = new X509Certificate2Collection();
        roots.ImportFromPem(Text(config.Ca, config.CaFile));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (var element in presented?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
        {
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        }

        using var leaf = X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        return chain.Build(leaf);
    }

    private static string Text(string inline, string file) => file.Length == 0 ? inline : File.ReadAllText(file);
}
