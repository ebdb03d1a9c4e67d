using MetricsOperator.Api.V1alpha1;

namespace MetricsOperator.Planning.Scraping;

/// <summary>A file beside the server's configuration that holds one key of a user's Secret.</summary>
/// <param name="FileName">Name of the file and key of the stack's own Secret.</param>
/// <param name="Source">Where it comes from.</param>
/// <param name="Path">Field of the spec that asks for it.</param>
public sealed record CredentialFile(string FileName, SecretKeyRef Source, string Path);

/// <summary>
/// The credentials a stack needs. They travel in one Secret of the stack that is mounted into the same directory as the configuration:
/// both change together, and a new credential needs no new pod.
/// </summary>
public static class CredentialFiles
{
    /// <summary>Token of the stack's service account, projected by the kubelet into the configuration directory.</summary>
    public const string ServiceAccountToken = "token";

    /// <summary>CA of the API server, projected by the kubelet into the configuration directory.</summary>
    public const string ClusterCa = "ca.crt";

    /// <summary>All files, in the order of the spec.</summary>
    public static IReadOnlyList<CredentialFile> Of(MetricsStackSpec spec)
    {
        var files = new List<CredentialFile>();
        for (var i = 0; i < spec.Scrape.Jobs.Count; i++)
        {
            var job = spec.Scrape.Jobs[i];
            var path = $"spec.scrape.jobs[{i}]";
            Add(files, job, "credentials", job.Authorization?.Credentials, $"{path}.authorization.credentials");
            Add(files, job, "ca", job.Tls?.Ca, $"{path}.tls.ca");
            Add(files, job, "cert", job.Tls?.Cert, $"{path}.tls.cert");
            Add(files, job, "key", job.Tls?.Key, $"{path}.tls.key");
        }

        return files;
    }

    /// <summary>Name of the file for one use of a job.</summary>
    internal static string Name(ScrapeJob job, string use) => $"job.{job.Name.Replace('/', '.')}.{use}";

    private static void Add(List<CredentialFile> files, ScrapeJob job, string use, SecretKeyRef? source, string path)
    {
        if (source is not null)
        {
            files.Add(new(Name(job, use), source, path));
        }
    }
}
