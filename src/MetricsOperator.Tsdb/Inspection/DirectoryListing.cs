using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>A block of a data directory.</summary>
/// <param name="Ulid">Its name.</param>
/// <param name="Meta">Its description; null when that cannot be read.</param>
/// <param name="Bytes">Bytes of all its files.</param>
/// <param name="Problem">Why the description cannot be read; null when it can.</param>
public sealed record ListedBlock(string Ulid, BlockMeta? Meta, long Bytes, string? Problem);

/// <summary>Files of one part of a data directory.</summary>
/// <param name="Name">wal, checkpoint, wbl, chunks_head or head_state.</param>
/// <param name="Files">How many.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="First">Number of the first; -1 without any.</param>
/// <param name="Last">Number of the last; -1 without any.</param>
public sealed record ListedFiles(string Name, int Files, long Bytes, int First, int Last);

/// <summary>What a data directory holds, told from names, sizes and descriptions only.</summary>
/// <param name="Blocks">Oldest first.</param>
/// <param name="Head">The parts that the head is made of.</param>
public sealed record DirectoryListing(IReadOnlyList<ListedBlock> Blocks, IReadOnlyList<ListedFiles> Head)
{
    /// <summary>Lists a directory.</summary>
    /// <exception cref="StorageException">It does not exist or cannot be read.</exception>
    public static DirectoryListing Of(string path)
    {
        if (!Directory.Exists(path))
        {
            throw new StorageException($"cannot read {path}: there is no such directory");
        }

        try
        {
            var blocks = BlockFolders.List(path).Select(List).Where(b => b.Bytes > 0 || b.Meta is not null).ToList();
            blocks.Sort((a, b) => (a.Meta?.MinTime ?? long.MaxValue).CompareTo(b.Meta?.MinTime ?? long.MaxValue));
            var wal = Path.Combine(path, "wal");
            var checkpoint = Wal.WalDirectory.Checkpoints(wal).OrderBy(c => c.Number).LastOrDefault();
            return new DirectoryListing(
                blocks,
                [
                    Count("wal", DataFiles.Numbered(wal)),
                    Count("checkpoint", checkpoint.Path is null ? [] : DataFiles.Numbered(checkpoint.Path)),
                    Count("wbl", DataFiles.Numbered(Path.Combine(path, "wbl"))),
                    Count("chunks_head", DataFiles.Numbered(Path.Combine(path, "chunks_head"))),
                    CountOne(path, Recovery.HeadStateFormat.FileName),
                ]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"cannot read {path}: {e.Message}", e);
        }
    }

    private static ListedBlock List(string directory)
    {
        BlockMeta? meta = null;
        string? problem = null;
        try
        {
            meta = BlockMetaFile.Read(directory);
        }
        catch (StorageException e)
        {
            problem = e.Message;
        }

        return new ListedBlock(Path.GetFileName(directory), meta, DataFiles.SizeOf(directory), problem);
    }

    private static ListedFiles CountOne(string directory, string name)
    {
        var file = new FileInfo(Path.Combine(directory, name));
        return new ListedFiles(name, file.Exists ? 1 : 0, file.Exists ? file.Length : 0, -1, -1);
    }

    private static ListedFiles Count(string name, List<NumberedFile> files)
    {
        var bytes = files.Select(f => new FileInfo(f.Path)).Where(f => f.Exists).Sum(f => f.Length);
        return new ListedFiles(name, files.Count, bytes, files.Count == 0 ? -1 : files[0].Number, files.Count == 0 ? -1 : files[^1].Number);
    }
}
