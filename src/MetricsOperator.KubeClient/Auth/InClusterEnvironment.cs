using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MetricsOperator.KubeClient.Auth;

/// <summary>What a pod finds about its API server: two variables and a folder with token, ca.crt and namespace.</summary>
internal static class InClusterEnvironment
{
    private const string DefaultFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    public static bool IsPod(Func<string, string?> variable)
        => !string.IsNullOrEmpty(variable("KUBERNETES_SERVICE_HOST")) && File.Exists(Path.Combine(Folder(variable), "token"));

    public static ConnectionSettings Settings(Func<string, string?> variable, TimeProvider time)
    {
        var host = variable("KUBERNETES_SERVICE_HOST");
        var port = variable("KUBERNETES_SERVICE_PORT");
        if (string.IsNullOrEmpty(host) || !ushort.TryParse(port, out var portNumber))
        {
            throw new KubeConfigException($"cannot use the pod's service account: got KUBERNETES_SERVICE_HOST=\"{host}\" KUBERNETES_SERVICE_PORT=\"{port}\", want host and port");
        }

        var folder = Folder(variable);
        var token = Path.Combine(folder, "token");
        if (!File.Exists(token))
        {
            throw new KubeConfigException($"cannot use the pod's service account: got no file {token}, want the service account token");
        }

        var ns = Path.Combine(folder, "namespace");
        return new ConnectionSettings
        {
            Server = new UriBuilder(Uri.UriSchemeHttps, host, portNumber).Uri,
            Namespace = File.Exists(ns) ? File.ReadAllText(ns).Trim() : "default",
            CertificateAuthority = Roots(Path.Combine(folder, "ca.crt")),
            Token = new BearerToken(null, token, time),
        };
    }

    private static string Folder(Func<string, string?> variable)
    {
        var folder = variable("KUBERNETES_SERVICE_ACCOUNT_DIR");
        return string.IsNullOrEmpty(folder) ? DefaultFolder : folder;
    }

    private static X509Certificate2Collection Roots(string file)
    {
        try
        {
            X509Certificate2Collection roots = [];
            roots.ImportFromPemFile(file);
            return roots.Count > 0 ? roots : throw new KubeConfigException($"cannot use {file}: got no certificate, want PEM certificates");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new KubeConfigException($"cannot read {file}: {e.Message}", e);
        }
    }
}
