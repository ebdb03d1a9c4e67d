using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MetricsOperator.KubeClient.Auth;

/// <summary>Turns a cluster and a user entry into connection settings.</summary>
internal static class KubeconfigResolver
{
    public static ConnectionSettings Resolve(KubeconfigEntry cluster, KubeconfigEntry? user, string? ns, TimeProvider time)
    {
        var server = cluster.Require("server");
        if (!Uri.TryCreate(server.Contains("://", StringComparison.Ordinal) ? server : "https://" + server, UriKind.Absolute, out var uri)
            || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp))
        {
            throw new KubeConfigException($"cannot use {cluster.Where}.server: got \"{server}\", want an http or https URL");
        }

        var skipVerify = cluster.Flag("insecure-skip-tls-verify");
        var authority = Certificates(cluster, "certificate-authority");
        if (skipVerify && authority is not null)
        {
            throw new KubeConfigException($"cannot use {cluster.Where}: got both certificate-authority and insecure-skip-tls-verify, want one");
        }

        RefusePlugins(user);
        var (certificate, chain) = ClientCertificate(user);
        return new ConnectionSettings
        {
            Server = uri,
            Namespace = ns ?? "default",
            CertificateAuthority = authority,
            SkipTlsVerify = skipVerify,
            TlsServerName = cluster.Text("tls-server-name"),
            Proxy = ProxyOf(cluster),
            ClientCertificate = certificate,
            ClientCertificateChain = chain,
            Token = new BearerToken(user?.Text("token"), user?.FilePath("tokenFile"), time),
        };
    }

    private static void RefusePlugins(KubeconfigEntry? user)
    {
        foreach (var plugin in (ReadOnlySpan<string>)["exec", "auth-provider"])
        {
            if (user is not null && user.Has(plugin))
            {
                throw new KubeConfigException($"cannot use {user.Where}.{plugin}: credential plugins are not supported, want token, tokenFile or client-certificate");
            }
        }

        if (user?.Text("username") is not null)
        {
            throw new KubeConfigException($"cannot use {user.Where}.username: basic authentication is not supported, want token, tokenFile or client-certificate");
        }
    }

    private static Uri? ProxyOf(KubeconfigEntry cluster)
    {
        if (cluster.Text("proxy-url") is not { } text)
        {
            return null;
        }

        if (cluster.Text("tls-server-name") is not null)
        {
            throw new KubeConfigException($"cannot use {cluster.Where}: got both proxy-url and tls-server-name, want one");
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var proxy)
            ? proxy
            : throw new KubeConfigException($"cannot use {cluster.Where}.proxy-url: got \"{text}\", want a URL");
    }

    private static X509Certificate2Collection? Certificates(KubeconfigEntry entry, string key)
    {
        if (entry.Content(key) is not { } pem)
        {
            return null;
        }

        try
        {
            X509Certificate2Collection certificates = [];
            certificates.ImportFromPem(pem);
            return certificates.Count > 0 ? certificates : throw new KubeConfigException($"cannot use {entry.Where}.{key}: got no certificate, want PEM certificates");
        }
        catch (CryptographicException e)
        {
            throw new KubeConfigException($"cannot use {entry.Where}.{key}: {e.Message}", e);
        }
    }

    private static (X509Certificate2? Certificate, X509Certificate2Collection? Chain) ClientCertificate(KubeconfigEntry? user)
    {
        var certificate = user?.Content("client-certificate");
        var key = user?.Content("client-key");
        if (certificate is null && key is null)
        {
            return (null, null);
        }

        if (certificate is null || key is null)
        {
            throw new KubeConfigException($"cannot use {user!.Where}: got only one of client-certificate and client-key, want both");
        }

        try
        {
            var pair = X509Certificate2.CreateFromPem(certificate, key);
            X509Certificate2Collection chain = [];
            chain.ImportFromPem(certificate);
            chain.RemoveAt(0);
            return (pair, chain);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new KubeConfigException($"cannot use {user!.Where}.client-certificate with client-key: {e.Message}", e);
        }
    }
}
