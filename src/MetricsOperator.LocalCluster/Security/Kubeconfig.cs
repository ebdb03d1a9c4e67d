using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MetricsOperator.LocalCluster.Security;

/// <summary>Writes the administrator's kubeconfig, readable by the owner alone.</summary>
internal static class Kubeconfig
{
    public static void Write(string path, Uri url, ClusterCertificates certificates)
    {
        using var key = certificates.Admin.GetECDsaPrivateKey()!;
        var text = $"""
            apiVersion: v1
            kind: Config
            current-context: local
            clusters:
            - name: local
              cluster:
                server: {url.GetLeftPart(UriPartial.Authority)}
                certificate-authority-data: {Base64(certificates.AuthorityPem)}
            contexts:
            - name: local
              context:
                cluster: local
                user: admin
                namespace: default
            users:
            - name: admin
              user:
                client-certificate-data: {Base64(certificates.Admin.ExportCertificatePem() + "\n")}
                client-key-data: {Base64(key.ExportPkcs8PrivateKeyPem() + "\n")}

            """;
        var temporary = path + ".tmp";
        using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
        {
            file.Write(Encoding.UTF8.GetBytes(text));
        }

        File.Move(temporary, path, overwrite: true);
    }

    private static string Base64(string pem) => Convert.ToBase64String(Encoding.ASCII.GetBytes(pem));
}
