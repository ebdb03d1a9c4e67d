using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>Which executable stands for which container image. Names are compared as a container runtime reads them: <c>busybox</c> is <c>docker.io/library/busybox:latest</c>.</summary>
internal sealed class ImageMap
{
    private readonly Dictionary<string, string> _executables;

    public ImageMap(IReadOnlyDictionary<string, string> images) =>
        _executables = images.ToDictionary(image => FullName(image.Key), image => Path.GetFullPath(image.Value), StringComparer.Ordinal);

    /// <summary>The absolute path of the image's executable, or null for an image this node does not have.</summary>
    public string? Find(string image) => _executables.GetValueOrDefault(FullName(image));

    /// <summary>An identity that changes when the executable changes, in the form of an image digest: <c>sha256:</c> and 64 hex digits.</summary>
    public static string Digest(string executable)
    {
        var file = new FileInfo(executable);
        var identity = file.Exists
            ? string.Create(CultureInfo.InvariantCulture, $"{executable}\n{file.Length}\n{file.LastWriteTimeUtc.Ticks}")
            : executable;
        return "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)));
    }

    /// <summary>The name with registry, namespace and tag written out; a digest is left out, since executables have none.</summary>
    internal static string FullName(string image)
    {
        var name = image.Split('@')[0];
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var first = slash < 0 ? string.Empty : name[..slash];
        var hasRegistry = first.Contains('.', StringComparison.Ordinal) || first.Contains(':', StringComparison.Ordinal) || first == "localhost";
        if (!hasRegistry)
        {
            name = slash < 0 ? "docker.io/library/" + name : "docker.io/" + name;
        }

        return name.LastIndexOf(':') > name.LastIndexOf('/') ? name : name + ":latest";
    }
}
