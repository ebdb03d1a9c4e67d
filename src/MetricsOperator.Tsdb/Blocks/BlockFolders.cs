using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Blocks;

/// <summary>Names and removal of block directories, in steps that a crash may interrupt anywhere.</summary>
internal static class BlockFolders
{
    public const string CreationSuffix = ".tmp-for-creation";
    public const string DeletionSuffix = ".tmp-for-deletion";

    /// <summary>Directories of finished blocks.</summary>
    public static IEnumerable<string> List(string dataDirectory) =>
        Directory.EnumerateDirectories(dataDirectory).Where(d => Ulid.IsValid(Path.GetFileName(d.AsSpan()))).Order(StringComparer.Ordinal);

    /// <summary>Removes what an earlier process did not finish writing or deleting.</summary>
    public static void DeleteUnfinished(FileLayer files, string dataDirectory)
    {
        foreach (var directory in Directory.EnumerateDirectories(dataDirectory))
        {
            var name = Path.GetFileName(directory);
            if (name.EndsWith(CreationSuffix, StringComparison.Ordinal)
                || name.EndsWith(DeletionSuffix, StringComparison.Ordinal)
                || (name.EndsWith(".tmp", StringComparison.Ordinal) && Ulid.IsValid(Path.GetFileNameWithoutExtension(name))))
            {
                files.DeleteDirectory(directory);
            }
        }
    }

    /// <summary>Deletes a block: renamed first, so that a half-deleted one is never taken for a block. Can be tried again when it failed.</summary>
    public static void Delete(FileLayer files, string directory)
    {
        var doomed = directory + DeletionSuffix;
        if (Directory.Exists(directory))
        {
            files.MoveDirectory(directory, doomed);
        }

        if (Directory.Exists(doomed))
        {
            files.SyncDirectory(Path.GetDirectoryName(directory)!);
            files.DeleteDirectory(doomed);
        }
    }
}
