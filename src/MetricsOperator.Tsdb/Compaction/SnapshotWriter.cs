using System.Globalization;
using System.Security.Cryptography;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;

namespace MetricsOperator.Tsdb.Compaction;

/// <summary>
/// Writes a copy of the database below <c>snapshots/</c>: hard links to the files of blocks, which never change, and the head as blocks of
/// its own. It gets its name once everything is durable. Runs while no block is cut or merged.
/// </summary>
internal sealed class SnapshotWriter(FileLayer files, MemoryHead head, BlockSet blocks, string dataDirectory, TimeProvider time)
{
    private const string TemporarySuffix = ".tmp";

    private readonly string _directory = DirectoryOf(dataDirectory);

    /// <summary>Removes what an earlier process did not finish.</summary>
    public static void DeleteUnfinished(FileLayer files, string dataDirectory)
    {
        var directory = DirectoryOf(dataDirectory);
        if (Directory.Exists(directory))
        {
            foreach (var unfinished in Directory.EnumerateDirectories(directory, "*" + TemporarySuffix))
            {
                files.DeleteDirectory(unfinished);
            }
        }
    }

    /// <summary>Writes a snapshot.</summary>
    /// <param name="skipHead">Leave out what is not in blocks yet.</param>
    /// <param name="cancellation">Stops; nothing remains then.</param>
    /// <returns>Name of its directory.</returns>
    /// <exception cref="StorageException">The disk refuses, or cannot link files.</exception>
    public string Write(bool skipHead, CancellationToken cancellation)
    {
        var name = string.Create(
            CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyyMMdd'T'HHmmss'Z'}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}");
        var final = Path.Combine(_directory, name);
        var temporary = final + TemporarySuffix;
        if (!Directory.Exists(_directory))
        {
            files.CreateDirectory(_directory);
            files.SyncDirectory(dataDirectory);
        }

        files.CreateDirectory(temporary);
        try
        {
            LinkBlocks(temporary, cancellation);
            if (!skipHead)
            {
                WriteHead(temporary, cancellation);
            }

            files.SyncDirectory(temporary);
            files.MoveDirectory(temporary, final);
            files.SyncDirectory(_directory);
            return name;
        }
        finally
        {
            if (Directory.Exists(temporary))
            {
                files.DeleteDirectory(temporary);
            }
        }
    }

    private static string DirectoryOf(string dataDirectory) => Path.Combine(dataDirectory, "snapshots");

    private void LinkBlocks(string target, CancellationToken cancellation)
    {
        var used = blocks.UseAll();
        try
        {
            foreach (var block in used)
            {
                cancellation.ThrowIfCancellationRequested();
                var copy = Path.Combine(target, Path.GetFileName(block.Directory));
                var chunks = Path.Combine(copy, "chunks");
                files.CreateDirectory(chunks);
                foreach (var name in (ReadOnlySpan<string>)[BlockMetaFile.Name, "index", Tombstones.FileName])
                {
                    var file = Path.Combine(block.Directory, name);
                    if (File.Exists(file))
                    {
                        files.Link(file, Path.Combine(copy, name));
                    }
                }

                foreach (var file in DataFiles.Numbered(Path.Combine(block.Directory, "chunks")))
                {
                    files.Link(file.Path, Path.Combine(chunks, Path.GetFileName(file.Path)));
                }

                files.SyncDirectory(chunks);
                files.SyncDirectory(copy);
            }
        }
        finally
        {
            foreach (var block in used)
            {
                block.Release();
            }
        }
    }

    private void WriteHead(string target, CancellationToken cancellation)
    {
        var writer = new HeadBlockWriter(files, head, target, time);
        if (head.MaxTime != long.MinValue && head.MinTime <= head.MaxTime)
        {
            writer.Write(head.MinTime, head.MaxTime + 1, cancellation);
        }

        foreach (var start in head.Read(h => h.OutOfOrder.Starts(h.ChunkRangeMs)))
        {
            writer.WriteLate(start, start + head.ChunkRangeMs, cancellation);
        }
    }
}
