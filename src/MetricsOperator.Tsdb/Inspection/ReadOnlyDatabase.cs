using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Querying;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Extensions.Logging;
using IQueryable = MetricsOperator.Timeseries.Contracts.IQueryable;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>
/// A data directory opened to be read only, also while a server runs on it: no lock, no write. The log is replayed from a temporary
/// directory of links, in which a torn end can be cut and closed chunks be written as a server would.
/// </summary>
public sealed class ReadOnlyDatabase : IQueryable, IDisposable
{
    private const int MaxAttempts = 5;

    private readonly List<Block> _blocks = [];
    private readonly List<(string Ulid, BlockMeta? Meta, string Message)> _broken = [];
    private readonly LabelCache _labels = new(0);
    private MemoryHead? _head;
    private string? _sandbox;

    private ReadOnlyDatabase(string path) => Path = path;

    public string Path { get; }

    /// <summary>Blocks that are open, oldest first.</summary>
    public IReadOnlyList<BlockMeta> Blocks => _blocks.ConvertAll(b => b.Meta);

    /// <summary>Blocks that could not be opened, and why.</summary>
    public IReadOnlyList<string> Problems => _broken.ConvertAll(b => $"block {b.Ulid} is left out: {b.Message}");

    internal MemoryHead? Head => _head;

    internal Block? Find(string ulid) => _blocks.Find(b => b.Meta.Ulid == ulid);

    /// <summary>Opens the directory.</summary>
    /// <param name="path">The data directory.</param>
    /// <param name="withHead">True to replay the log too; the samples of the head are in memory then, as in a server.</param>
    /// <param name="temporaryRoot">Where the temporary directory is made; null for the system's place.</param>
    /// <param name="logger">Told what a server would log at its start.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="StorageException">The directory does not exist, or its log cannot be replayed.</exception>
    public static ReadOnlyDatabase Open(string path, bool withHead, string? temporaryRoot, ILogger logger, CancellationToken cancellation)
    {
        if (!Directory.Exists(path))
        {
            throw new StorageException($"cannot read {path}: there is no such directory");
        }

        for (var attempt = 1; ; attempt++)
        {
            var database = new ReadOnlyDatabase(path);
            try
            {
                database.OpenBlocks();
                if (withHead)
                {
                    database.Replay(temporaryRoot, logger, cancellation);
                }

                return database;
            }
            catch (Exception e)
            {
                database.Dispose();

                // A server that runs on the directory may have truncated its log just now.
                if (e is FileNotFoundException or DirectoryNotFoundException && attempt < MaxAttempts)
                {
                    continue;
                }

                if (e is IOException or UnauthorizedAccessException)
                {
                    throw new StorageException($"cannot read {path}: {e.Message}", e);
                }

                throw;
            }
        }
    }

    public ISeriesQuerier OpenQuerier(long minMs, long maxMs)
    {
        var warnings = _broken
            .Where(b => b.Meta is null || (b.Meta.MinTime <= maxMs && minMs < b.Meta.MaxTime))
            .Select(b => $"block {b.Ulid} is left out: {b.Message}")
            .ToList();
        return new DbQuerier(_head?.OpenView(minMs, maxMs), _blocks.FindAll(b => b.Overlaps(minMs, maxMs) && b.TryUse()), _labels, warnings, minMs, maxMs);
    }

    public void Dispose()
    {
        _head?.Dispose();
        _head = null;
        foreach (var block in _blocks)
        {
            block.Release();
        }

        _blocks.Clear();
        if (_sandbox is not null)
        {
            DiskFiles.Instance.DeleteDirectory(_sandbox);
            _sandbox = null;
        }
    }

    private void OpenBlocks()
    {
        foreach (var directory in BlockFolders.List(Path))
        {
            BlockMeta? meta = null;
            try
            {
                meta = BlockMetaFile.Read(directory);
                _blocks.Add(Block.Open(directory));
            }
            catch (StorageException e)
            {
                if (Directory.Exists(directory))
                {
                    _broken.Add((System.IO.Path.GetFileName(directory), meta, e.Message));
                }
            }
        }

        // A block whose successor is there is as good as deleted.
        var parents = _blocks.SelectMany(b => b.Meta.Compaction.Parents ?? []).Select(p => p.Ulid).ToHashSet(StringComparer.Ordinal);
        foreach (var replaced in _blocks.FindAll(b => parents.Contains(b.Meta.Ulid)))
        {
            _blocks.Remove(replaced);
            replaced.Release();
        }

        _blocks.Sort((a, b) => a.Meta.MinTime.CompareTo(b.Meta.MinTime));
    }

    private void Replay(string? temporaryRoot, ILogger logger, CancellationToken cancellation)
    {
        var root = temporaryRoot ?? System.IO.Path.GetTempPath();
        _sandbox = System.IO.Path.GetFullPath(System.IO.Path.Combine(root, "tsdb-read-" + Ulid.New(TimeProvider.System)));
        DiskFiles.Instance.CreateDirectory(_sandbox);
        foreach (var name in new[] { "wal", "wbl" })
        {
            var source = System.IO.Path.Combine(Path, name);
            var log = WalDirectory.List(source);
            LinkFiles(log.Segments, System.IO.Path.Combine(_sandbox, name));
            if (log.Checkpoint is not null)
            {
                LinkFiles(log.CheckpointSegments, System.IO.Path.Combine(_sandbox, name, WalFormat.CheckpointName(log.CheckpointNumber)));
            }
        }

        LinkFiles(DataFiles.Numbered(System.IO.Path.Combine(Path, "chunks_head")), System.IO.Path.Combine(_sandbox, "chunks_head"));
        var metas = Blocks.Concat(_broken.Select(b => b.Meta).OfType<BlockMeta>());
        var minValidTime = metas.Where(m => m.CoversAllSeries).Select(m => m.MaxTime).DefaultIfEmpty(long.MinValue).Max();
        var options = new TsdbOptions { Path = _sandbox, Logger = logger };
        var files = new HeadChunkFiles(DiskFiles.Instance, System.IO.Path.Combine(_sandbox, "chunks_head"), logger) { LeavesFilesAsTheyAre = true };
        _head = new MemoryHead(files, options.MinBlockDurationMs);
        _head.RefuseBefore(minValidTime);
        new HeadReplay(_head, options, minValidTime, null, cancellation)
            .Run(System.IO.Path.Combine(_sandbox, "wal"), System.IO.Path.Combine(_sandbox, "wbl"));
    }

    private static void LinkFiles(IReadOnlyList<NumberedFile> files, string target)
    {
        DiskFiles.Instance.CreateDirectory(target);
        foreach (var file in files)
        {
            DiskFiles.SymbolicLink(System.IO.Path.GetFullPath(file.Path), System.IO.Path.Combine(target, System.IO.Path.GetFileName(file.Path)));
        }
    }
}
