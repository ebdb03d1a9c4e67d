using System.Security.Cryptography.X509Certificates;

namespace MetricsOperator.KubeClient.Auth;

/// <summary>All that is needed to open a connection, with files already read except the token's.</summary>
internal sealed record ConnectionSettings
{
    public required Uri Server { get; init; }
    public string Namespace { get; init; } = "default";

    /// <summary>The only roots that are trusted; null trusts the machine's.</summary>
    public X509Certificate2Collection? CertificateAuthority { get; init; }

    /// <summary>No check of the server's certificate at all.</summary>
    public bool SkipTlsVerify { get; init; }

    /// <summary>Name that the server's certificate must carry instead of the host in <see cref="Server"/>.</summary>
    public string? TlsServerName { get; init; }
    public Uri? Proxy { get; init; }
    public X509Certificate2? ClientCertificate { get; init; }

    /// <summary>Certificates that are sent after the client's own.</summary>
    public X509Certificate2Collection? ClientCertificateChain { get; init; }
    public required BearerToken Token { get; init; }
}
