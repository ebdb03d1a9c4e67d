using System.Globalization;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Recovery;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>
/// Makes a damaged data directory readable without losing what is readable. Nothing is deleted: originals stay beside their
/// replacements as <c>(name).damaged-(n)</c>, blocks go to <c>quarantine</c>. A crash between any two steps leaves a directory that opens.
/// </summary>
/// <param name="path">The data directory.</param>
/// <param name="time">Names new blocks.</param>
public sealed class DirectoryRepair(string path, TimeProvider time)
{
    private const string Quarantine = "quarantine";

    private readonly FileLayer _files = DiskFiles.Instance;
    private readonly List<string> _steps = [];
    private bool _isDryRun;

    /// <summary>Called with each step, before it is done.</summary>
    public Action<string>? Step { get; init; }

    /// <summary>Finds what is damaged and repairs it.</summary>
    /// <param name="isDryRun">True to only tell the steps; no lock is taken then.</param>
    /// <param name="cancellation">Stops between two steps.</param>
    /// <returns>The steps; empty when nothing is damaged.</returns>
    /// <exception cref="StorageException">A server uses the directory, or the disk refuses.</exception>
    public IReadOnlyList<string> Run(bool isDryRun, CancellationToken cancellation)
    {
        if (!Directory.Exists(path))
        {
            throw new StorageException($"cannot repair {path}: there is no such directory");
        }

        _isDryRun = isDryRun;
        using var directoryLock = isDryRun ? null : new DirectoryLock(_files, path);
        try
        {
            foreach (var block in BlockFolders.List(path).ToList())
            {
                RepairBlock(block, cancellation);
            }

            foreach (var name in new[] { "wal", "wbl" })
            {
                var directory = Path.Combine(path, name);
                foreach (var (_, checkpoint) in WalDirectory.Checkpoints(directory).OrderBy(c => c.Number).ToList())
                {
                    RepairLog(checkpoint, LogKind.Checkpoint, cancellation);
                }

                RepairLog(directory, name == "wal" ? LogKind.Wal : LogKind.Wbl, cancellation);
            }

            RepairHeadChunks(cancellation);
            if (HeadStateScan.Run(path, cancellation) is { Damages.Count: > 0 })
            {
                Do($"{HeadStateFormat.FileName}: set aside; the log has what is in it", () => MoveAside(Path.Combine(path, HeadStateFormat.FileName)));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"cannot repair {path}: {e.Message}", e);
        }

        return _steps;
    }

    private static string Aside(string file)
    {
        for (var i = 1; ; i++)
        {
            var name = $"{file}.damaged-{i.ToString(CultureInfo.InvariantCulture)}";
            if (!File.Exists(name))
            {
                return name;
            }
        }
    }

    // The copy is durable before anything happens to the original.
    private void CopyAside(string file)
    {
        var aside = Aside(file);
        var temporary = aside + ".tmp";
        using (var source = DataFiles.OpenRead(file))
        using (var copy = _files.CreateOrEmpty(temporary))
        {
            var buffer = new byte[1 << 16];
            long offset = 0;
            for (int read; (read = DataFiles.ReadFully(source, buffer, offset)) > 0; offset += read)
            {
                _files.Write(copy, buffer.AsSpan(0, read), offset);
            }

            _files.Sync(copy);
        }

        _files.MoveFile(temporary, aside);
        _files.SyncDirectory(Path.GetDirectoryName(file)!);
    }

    private void MoveAside(string file)
    {
        _files.MoveFile(file, Aside(file));
        _files.SyncDirectory(Path.GetDirectoryName(file)!);
    }

    private string Name(string file) => Path.GetRelativePath(path, file);

    private void Do(string what, Action act)
    {
        _steps.Add(what);
        Step?.Invoke(what);
        if (!_isDryRun)
        {
            act();
        }
    }

    private void RepairBlock(string directory, CancellationToken cancellation)
    {
        var symbols = new SortedSet<uint>();
        long series = 0;
        var scan = new BlockScan(path, directory);
        var reports = scan.Run(
            null,
            (_, _, labels, chunks) =>
            {
                if (chunks.Count > 0)
                {
                    series++;
                    labels.ForEach(p => symbols.UnionWith([p.Name, p.Value]));
                }
            },
            cancellation);
        var damaged = reports.Where(r => r.Damages.Count > 0).Select(r => Path.GetRelativePath(Name(directory), r.File)).ToList();
        if (damaged.Count == 0)
        {
            return;
        }

        var hasMeta = !damaged.Contains(BlockMetaFile.Name);
        var hasTombstones = !damaged.Contains(Tombstones.FileName);
        if (damaged.TrueForAll(f => f is BlockMetaFile.Name or Tombstones.FileName))
        {
            if (!hasTombstones)
            {
                Do($"{Name(directory)}: set tombstones aside and write a file without deletions", () => ReplaceTombstones(directory));
            }

            if (!hasMeta && scan.Content.Chunks > 0)
            {
                Do($"{Name(directory)}: build meta.json anew from the index", () => ReplaceMeta(directory, scan.Content));
            }

            return;
        }

        if (!scan.Content.HasSymbols || scan.Content.Chunks == 0)
        {
            Do($"{Name(directory)}: cannot be repaired (no labels or no samples are left); it stays as it is and a server leaves it out", () => { });
            return;
        }

        var meta = hasMeta ? BlockMetaFile.Read(directory) : Rebuilt(Path.GetFileName(directory), scan.Content);
        var deleted = hasTombstones ? Tombstones.Read(Path.Combine(directory, Tombstones.FileName)) : new Tombstones();
        Do(
            $"{Name(directory)}: write a new block with the {series} series and {scan.Content.Chunks} chunks that are intact, move the old one to {Quarantine}/",
            () =>
            {
                // Named as parents, the old block would be deleted by the next start.
                var description = meta with { Compaction = meta.Compaction with { Parents = null } };
                new BlockRewriter(_files, path, directory, time).Write(symbols, description, deleted, cancellation);
                MoveToQuarantine(directory);
            });
    }

    private void MoveToQuarantine(string directory)
    {
        var root = Path.Combine(path, Quarantine);
        _files.CreateDirectory(root);
        var target = Path.Combine(root, Path.GetFileName(directory));
        for (var i = 1; Directory.Exists(target); i++)
        {
            target = Path.Combine(root, $"{Path.GetFileName(directory)}.{i}");
        }

        _files.MoveDirectory(directory, target);
        _files.SyncDirectory(root);
        _files.SyncDirectory(path);
    }

    private void ReplaceTombstones(string directory)
    {
        var file = Path.Combine(directory, Tombstones.FileName);
        var empty = file + ".tmp";
        CopyAside(file);
        _files.DeleteFile(empty);
        Tombstones.WriteEmpty(_files, empty);
        _files.MoveFile(empty, file);
        _files.SyncDirectory(directory);
    }

    private void ReplaceMeta(string directory, BlockContent content)
    {
        var file = Path.Combine(directory, BlockMetaFile.Name);
        if (File.Exists(file))
        {
            CopyAside(file);
        }

        BlockMetaFile.Write(_files, directory, Rebuilt(Path.GetFileName(directory), content));
    }

    // Whether the block held all series of its range is not known any more. With the hint the log is replayed beside it, so nothing of
    // the log is lost; samples in both are merged.
    private static BlockMeta Rebuilt(string ulid, BlockContent content) => new()
    {
        Ulid = ulid,
        MinTime = content.MinTime,
        MaxTime = content.MaxTime + 1,
        Stats = new BlockStats
        {
            NumSamples = content.Floats + content.Histograms,
            NumFloatSamples = content.Floats,
            NumHistogramSamples = content.Histograms,
            NumSeries = content.Series,
            NumChunks = content.Chunks,
        },
        Compaction = new BlockCompaction { Level = 1, Sources = [ulid], Hints = [BlockMeta.FromOutOfOrder] },
    };

    private void RepairLog(string directory, LogKind kind, CancellationToken cancellation)
    {
        foreach (var segment in DataFiles.Numbered(directory))
        {
            var report = new LogScan(segment.Path, Name(segment.Path), kind).Run(null, cancellation);
            if (report.Damages.Count > 0)
            {
                Do(
                    $"{Name(segment.Path)}: write the segment anew without {report.Damages.Count} damaged places ({report.Content} stay), keep the original beside it",
                    () => RewriteSegment(directory, segment, kind, cancellation));
            }
        }
    }

    private void RewriteSegment(string directory, NumberedFile segment, LogKind kind, CancellationToken cancellation)
    {
        var temporary = Path.Combine(directory, "repair.tmp");
        if (Directory.Exists(temporary))
        {
            _files.DeleteDirectory(temporary);
        }

        using (var writer = new WalWriter(_files, temporary, segment.Number, int.MaxValue / WalFormat.PageSize * WalFormat.PageSize, compress: true))
        {
            new LogScan(segment.Path, Name(segment.Path), kind).Run(
                record =>
                {
                    writer.Add(record);
                    writer.Write();
                },
                cancellation);
        }

        CopyAside(segment.Path);
        _files.MoveFile(Path.Combine(temporary, WalFormat.SegmentName(segment.Number)), segment.Path);
        _files.SyncDirectory(directory);
        _files.DeleteDirectory(temporary);
    }

    private void RepairHeadChunks(CancellationToken cancellation)
    {
        var newest = new Dictionary<ulong, long>();
        var files = DataFiles.Numbered(Path.Combine(path, "chunks_head"));
        for (var i = 0; i < files.Count; i++)
        {
            var file = files[i].Path;
            var scan = new HeadChunkFileScan(file, Name(file), newest);
            if (scan.Run(cancellation).Damages.Count == 0)
            {
                continue;
            }

            if (!scan.EndsEarly)
            {
                Do($"{Name(file)}: write it anew with zeros where nothing is, keep the original beside it", () => CutHeadChunks(file, scan.GoodLength));
                continue;
            }

            // Newest first: a crash in between leaves no gap.
            for (var later = files.Count - 1; later > i; later--)
            {
                var path = files[later].Path;
                Do($"{Name(path)}: set aside, as it follows damage; the log has its samples", () => MoveAside(path));
            }

            if (scan.GoodLength == 0)
            {
                Do($"{Name(file)}: set aside; the log has its samples", () => MoveAside(file));
            }
            else
            {
                Do($"{Name(file)}: cut at offset {scan.GoodLength}, keep the original beside it; the log has what follows", () => CutHeadChunks(file, scan.GoodLength));
            }

            return;
        }
    }

    private void CutHeadChunks(string file, long length)
    {
        var content = new byte[length];
        using (var source = DataFiles.OpenRead(file))
        {
            if (DataFiles.ReadFully(source, content, 0) != length)
            {
                throw new StorageException($"cannot repair {file}: it became shorter than {length} bytes");
            }
        }

        // Magic number and version take five bytes of the header; the rest of it is padding.
        content.AsSpan(5, 3).Clear();
        CopyAside(file);
        _files.WriteAtomically(file, content);
    }
}
