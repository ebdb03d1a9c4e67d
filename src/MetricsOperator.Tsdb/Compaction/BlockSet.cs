using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Compaction;

/// <summary>The open blocks of a data directory, and those that could not be opened. Thread-safe.</summary>
internal sealed class BlockSet(FileLayer files, string dataDirectory, ILogger logger) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<(string Ulid, BlockMeta? Meta, string Message)> _broken = [];
    private List<Block> _blocks = [];

    /// <summary>Blocks that were replaced and whose directories still exist.</summary>
    private readonly List<Block> _doomed = [];

    /// <summary>Descriptions of the open blocks, oldest first.</summary>
    public IReadOnlyList<BlockMeta> Metas
    {
        get
        {
            lock (_gate)
            {
                return _blocks.ConvertAll(b => b.Meta);
            }
        }
    }

    public int BrokenCount
    {
        get
        {
            lock (_gate)
            {
                return _broken.Count;
            }
        }
    }

    /// <summary>Blocks that could not be opened, and open ones in which a query has met damage since.</summary>
    public int DamagedCount
    {
        get
        {
            lock (_gate)
            {
                return _broken.Count + _blocks.Count(b => b.IsDamaged);
            }
        }
    }

    /// <summary>Bytes of the open blocks.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate)
            {
                return _blocks.Sum(b => b.Bytes);
            }
        }
    }

    /// <summary>The log may hold samples from this time on: the end of the newest block that has all series.</summary>
    public long MinValidTime => MinValidTimeWithout([]);

    /// <summary>True if the log would be needed from an earlier time on without these blocks: samples it still has would come back.</summary>
    public bool AreEndOfLog(IReadOnlyList<BlockMeta> metas) => MinValidTimeWithout(metas.Select(m => m.Ulid).ToHashSet(StringComparer.Ordinal)) < MinValidTime;

    /// <summary>Opens all blocks; deletes those that a finished merge replaces.</summary>
    public void Load()
    {
        // The process that made the newest one may have ended before its name was durable, and the log will be cut by what is here.
        files.SyncDirectory(dataDirectory);
        BlockFolders.DeleteUnfinished(files, dataDirectory);
        foreach (var directory in BlockFolders.List(dataDirectory))
        {
            BlockMeta? meta = null;
            try
            {
                meta = BlockMetaFile.Read(directory);
                _blocks.Add(Block.Open(directory));
            }
            catch (StorageException e)
            {
                logger.LogError("Block {Block} cannot be opened and is left out of answers: {Why}", directory, e.Message);
                _broken.Add((Path.GetFileName(directory), meta, e.Message));
            }
        }

        Sort();
        var parents = _blocks.SelectMany(b => b.Meta.Compaction.Parents ?? []).Select(p => p.Ulid).ToHashSet(StringComparer.Ordinal);
        Replace(null, _blocks.Where(b => parents.Contains(b.Meta.Ulid)).Select(b => b.Meta).ToList());
        DeleteUnused();
    }

    /// <summary>Takes the blocks of a time range into use, and says which could not be opened; the caller releases them.</summary>
    public List<Block> Use(long minTime, long maxTime, out List<string> warnings)
    {
        lock (_gate)
        {
            warnings = _broken
                .Where(b => b.Meta is null || (b.Meta.MinTime <= maxTime && minTime < b.Meta.MaxTime))
                .Select(b => $"block {b.Ulid} is left out: {b.Message}")
                .ToList();
            return _blocks.FindAll(b => b.Overlaps(minTime, maxTime) && b.TryUse());
        }
    }

    /// <summary>All open blocks, in use.</summary>
    public List<Block> UseAll()
    {
        lock (_gate)
        {
            return _blocks.FindAll(b => b.TryUse());
        }
    }

    /// <summary>The open blocks with these names, in use.</summary>
    public List<Block> Use(IReadOnlyList<BlockMeta> metas)
    {
        var names = metas.Select(m => m.Ulid).ToHashSet(StringComparer.Ordinal);
        lock (_gate)
        {
            return _blocks.FindAll(b => names.Contains(b.Meta.Ulid) && b.TryUse());
        }
    }

    /// <summary>Opens a new block and, in the same step, takes others out; <see cref="DeleteUnused"/> deletes those once nobody uses them.</summary>
    public void Replace(string? newDirectory, IReadOnlyList<BlockMeta> replaced)
    {
        var opened = newDirectory is null ? null : Block.Open(newDirectory);
        var names = replaced.Select(m => m.Ulid).ToHashSet(StringComparer.Ordinal);
        List<Block> gone;
        lock (_gate)
        {
            gone = _blocks.FindAll(b => names.Contains(b.Meta.Ulid));
            _blocks = _blocks.FindAll(b => !names.Contains(b.Meta.Ulid));
            if (opened is not null)
            {
                _blocks.Add(opened);
            }

            _doomed.AddRange(gone);
            Sort();
        }

        foreach (var block in gone)
        {
            block.Release();
        }
    }

    /// <summary>Deletes replaced blocks that no query uses any more.</summary>
    /// <exception cref="IOException">The disk refuses; what is left is deleted by the next call.</exception>
    public void DeleteUnused()
    {
        List<Block> unused;
        lock (_gate)
        {
            unused = _doomed.FindAll(b => b.IsUnused);
        }

        foreach (var block in unused)
        {
            BlockFolders.Delete(files, block.Directory);
            lock (_gate)
            {
                _doomed.Remove(block);
            }
        }
    }

    /// <summary>Blocks that retention no longer keeps.</summary>
    /// <param name="retentionMs">Longest distance between the ends of the newest and of a kept block; 0 for no limit.</param>
    /// <param name="retentionBytes">Most bytes of head and blocks; 0 for no limit.</param>
    /// <param name="headBytes">Bytes that the head's files use.</param>
    public IReadOnlyList<BlockMeta> Expired(long retentionMs, long retentionBytes, long headBytes)
    {
        lock (_gate)
        {
            var newestFirst = _blocks.OrderByDescending(b => b.Meta.MaxTime).ToList();
            var total = headBytes;
            for (var i = 0; i < newestFirst.Count; i++)
            {
                total += newestFirst[i].Bytes;
                var isOld = retentionMs > 0 && i > 0 && newestFirst[0].Meta.MaxTime - newestFirst[i].Meta.MaxTime >= retentionMs;
                var isTooMuch = retentionBytes > 0 && total > retentionBytes;
                if (isOld || isTooMuch)
                {
                    return newestFirst.Skip(i).Select(b => b.Meta).ToList();
                }
            }

            return [];
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var block in _blocks)
            {
                block.Release();
            }

            _blocks = [];
        }
    }

    private long MinValidTimeWithout(HashSet<string> names)
    {
        lock (_gate)
        {
            var metas = _blocks.Select(b => b.Meta).Concat(_broken.Select(b => b.Meta).OfType<BlockMeta>());
            return metas.Where(m => m.CoversAllSeries && !names.Contains(m.Ulid)).Select(m => m.MaxTime).DefaultIfEmpty(long.MinValue).Max();
        }
    }

    private void Sort() => _blocks.Sort((a, b) => a.Meta.MinTime.CompareTo(b.Meta.MinTime));
}
