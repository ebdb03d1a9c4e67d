using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MetricsOperator.LocalCluster.Security;

/// <summary>The cluster's certificate authority and what it signed: the API's certificate and the administrator's. Kept below DIR/pki, readable by the owner alone.</summary>
internal sealed class ClusterCertificates : IDisposable
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    private ClusterCertificates(X509Certificate2 authority, X509Certificate2 server, X509Certificate2 admin, ECDsa tokenKey)
    {
        Authority = authority;
        Server = server;
        Admin = admin;
        TokenKey = tokenKey;
    }

    public X509Certificate2 Authority { get; }

    public X509Certificate2 Server { get; }

    /// <summary>Client certificate of user <c>admin</c> in group <c>system:masters</c>.</summary>
    public X509Certificate2 Admin { get; }

    /// <summary>Signs service account tokens.</summary>
    public ECDsa TokenKey { get; }

    public string AuthorityPem => Authority.ExportCertificatePem() + "\n";

    public static ClusterCertificates OpenOrCreate(string directory, TimeProvider time)
    {
        Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
        var authority = LoadOrCreate(directory, "ca", time, CreateAuthority);
        var server = LoadOrCreate(directory, "apiserver", time, now => CreateLeaf(authority, "CN=kube-apiserver", "1.3.6.1.5.5.7.3.1", now, ServerNames()));
        var admin = LoadOrCreate(directory, "admin", time, now => CreateLeaf(authority, "CN=admin, O=system:masters", "1.3.6.1.5.5.7.3.2", now, null));
        return new ClusterCertificates(authority, server, admin, LoadTokenKey(Path.Combine(directory, "sa.key")));
    }

    /// <summary>Whether this cluster's authority signed the client certificate and it is in force.</summary>
    public bool Trusts(X509Certificate2 client, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        return chain.Build(client);
    }

    public void Dispose()
    {
        Authority.Dispose();
        Server.Dispose();
        Admin.Dispose();
        TokenKey.Dispose();
    }

    private static X509Certificate2 LoadOrCreate(string directory, string name, TimeProvider time, Func<DateTimeOffset, X509Certificate2> create)
    {
        var certificatePath = Path.Combine(directory, name + ".crt");
        var keyPath = Path.Combine(directory, name + ".key");
        var now = time.GetUtcNow();
        if (File.Exists(certificatePath) && File.Exists(keyPath))
        {
            var existing = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
            if (existing.NotAfter.ToUniversalTime() > (now + RenewBefore).UtcDateTime)
            {
                return existing;
            }

            existing.Dispose();
        }

        using var created = create(now);
        using var key = created.GetECDsaPrivateKey()!;
        WriteOwnerOnly(keyPath, key.ExportPkcs8PrivateKeyPem() + "\n");
        WriteOwnerOnly(certificatePath, created.ExportCertificatePem() + "\n");
        return X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
    }

    private static X509Certificate2 CreateAuthority(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=metricsoperator-local-ca", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(now.AddHours(-1), now.AddYears(10));
    }

    private static X509Certificate2 CreateLeaf(X509Certificate2 authority, string subject, string usage, DateTimeOffset now, X509Extension? names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        if (names is not null)
        {
            request.CertificateExtensions.Add(names);
        }

        using var signed = request.Create(authority, now.AddHours(-1), now.AddYears(2), RandomNumberGenerator.GetBytes(16));
        return signed.CopyWithPrivateKey(key);
    }

    private static X509Extension ServerNames()
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in new[] { "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local" })
        {
            names.AddDnsName(name);
        }

        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.Parse(Bootstrap.ClusterObjects.ApiServiceAddress));
        return names.Build();
    }

    private static ECDsa LoadTokenKey(string path)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (File.Exists(path))
        {
            key.ImportFromPem(File.ReadAllText(path));
        }
        else
        {
            WriteOwnerOnly(path, key.ExportPkcs8PrivateKeyPem() + "\n");
        }

        return key;
    }

    private static void WriteOwnerOnly(string path, string text)
    {
        using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
        file.Write(Encoding.ASCII.GetBytes(text));
    }
}
