using MetricsOperator.TestKit;

namespace MetricsOperator.Fuzz.Corpus;

/// <summary>Files that Prometheus has written, where they are at hand.</summary>
internal static class Fixtures
{
    /// <summary>Contents of the files below a folder name, the shortest first; none without fixtures.</summary>
    public static IEnumerable<byte[]> Files(string folderOrName)
    {
        var root = RepositoryRoot.Shared is { } shared ? Path.Combine(shared, "fixtures", "prometheus-data") : null;
        return root is null || !Directory.Exists(root)
            ? []
            : Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
                .Where(f => Path.GetFileName(f) == folderOrName || Path.GetFileName(Path.GetDirectoryName(f)) == folderOrName)
                .OrderBy(f => new FileInfo(f).Length).ThenBy(f => f, StringComparer.Ordinal)
                .Select(File.ReadAllBytes);
    }
}
