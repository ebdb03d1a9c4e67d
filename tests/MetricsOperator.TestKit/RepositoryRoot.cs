using System.Runtime.CompilerServices;

namespace MetricsOperator.TestKit;

/// <summary>Finds files of the source tree from a test.</summary>
public static class RepositoryRoot
{
    /// <summary>The folder with MetricsOperator.sln.</summary>
    public static string Path { get; } = Find();

    /// <summary>The folder with shared reference material beside the checkout, or null where there is none (a user's machine).</summary>
    public static string? Shared
    {
        get
        {
            var folder = System.IO.Path.GetFullPath(System.IO.Path.Combine(Path, "..", "shared"));
            return File.Exists(System.IO.Path.Combine(folder, "design.md")) ? folder : null;
        }
    }

    private static string Find([CallerFilePath] string file = "")
    {
        for (var folder = System.IO.Path.GetDirectoryName(file); folder is not null; folder = System.IO.Path.GetDirectoryName(folder))
        {
            if (File.Exists(System.IO.Path.Combine(folder, "MetricsOperator.sln")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException($"MetricsOperator.sln is not above {file}");
    }
}
