using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Blocks;

/// <summary>An immutable time range on disk. Shared by queriers: the files are closed after the last one is done.</summary>
internal sealed class Block : ChunkSource
{
    private static int _opened;

    private readonly ChunkSegments _chunks;
    private int _users = 1;
    private volatile Tombstones _tombstones;
    private volatile BlockMeta _meta;

    private Block(string directory, BlockMeta meta, IndexReader index, ChunkSegments chunks, Tombstones tombstones)
    {
        Directory = directory;
        Index = index;
        _chunks = chunks;
        _tombstones = tombstones;
        _meta = WithTombstones(meta, tombstones);
        Postings = new BlockPostings(index);
        Bytes = DataFiles.SizeOf(directory);
    }

    public string Directory { get; }

    /// <summary>Unique among the blocks that this process has opened.</summary>
    public int Number { get; } = Interlocked.Increment(ref _opened);

    public BlockMeta Meta => _meta;

    public IndexReader Index { get; }

    public BlockPostings Postings { get; }

    /// <summary>Samples that were deleted and are still in the chunks. A later deletion makes a new object.</summary>
    public Tombstones Tombstones => _tombstones;

    /// <summary>Bytes of all files.</summary>
    public long Bytes { get; }

    /// <summary>True once a reader has met damage in the block's files.</summary>
    public bool IsDamaged { get; private set; }

    /// <summary>Remembers that a reader has met damage.</summary>
    public void NoteDamage() => IsDamaged = true;

    /// <exception cref="StorageException">A file is missing or damaged.</exception>
    public static Block Open(string directory)
    {
        var meta = BlockMetaFile.Read(directory);
        var tombstones = Tombstones.Read(Path.Combine(directory, Tombstones.FileName));
        var index = new IndexReader(Path.Combine(directory, "index"));
        try
        {
            return new Block(directory, meta, index, new ChunkSegments(Path.Combine(directory, "chunks")), tombstones);
        }
        catch
        {
            index.Dispose();
            throw;
        }
    }

    /// <summary>True if the block has samples in a closed time range.</summary>
    public bool Overlaps(long minTime, long maxTime) => Meta.MinTime <= maxTime && minTime < Meta.MaxTime;

    /// <summary>Counts one more user; false when the block is being closed.</summary>
    public bool TryUse()
    {
        while (true)
        {
            var users = Volatile.Read(ref _users);
            if (users == 0)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
            {
                return true;
            }
        }
    }

    /// <summary>Takes a use back; the last one closes the files.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) > 0)
        {
            return;
        }

        Index.Dispose();
        _chunks.Dispose();
    }

    /// <summary>True once the last user is done.</summary>
    public bool IsUnused => Volatile.Read(ref _users) == 0;

    /// <summary>Replaces the deletions, on the disk first: after a crash either the old or the new ones are there.</summary>
    /// <exception cref="StorageException">The disk refuses; the old ones stay.</exception>
    public void Replace(FileLayer files, Tombstones tombstones)
    {
        var path = Path.Combine(Directory, Tombstones.FileName);
        var temporary = path + ".tmp";
        files.DeleteFile(temporary);
        tombstones.Write(files, temporary);
        files.MoveFile(temporary, path);
        files.SyncDirectory(Directory);

        // The count in meta.json is for others to see: a crash before it is written is mended when the block is opened.
        _tombstones = tombstones;
        _meta = WithTombstones(_meta, tombstones);
        BlockMetaFile.Write(files, Directory, _meta);
    }

    public override ChunkData Load(ChunkRef chunk, ref byte[] buffer)
    {
        try
        {
            return _chunks.Read(chunk.Location);
        }
        catch (StorageException)
        {
            NoteDamage();
            throw;
        }
    }

    public override string Describe(ChunkRef chunk) => $"chunk {ChunkSegments.Describe(chunk.Location)} of block {Meta.Ulid}";

    private static BlockMeta WithTombstones(BlockMeta meta, Tombstones tombstones) =>
        meta.Stats.NumTombstones == tombstones.Count ? meta : meta with { Stats = meta.Stats with { NumTombstones = tombstones.Count } };
}

/// <summary>The index of a block as the selector sees it.</summary>
internal sealed class BlockPostings(IndexReader index) : PostingsSource
{
    public override void All(List<uint> into) => Read(Find([], default), into);

    public override int SeriesCost => 150;

    public override PostingsList Find(byte[] name, ReadOnlySpan<byte> value) => List(index.Postings.Find(name, value));

    public override int ValueCountOf(byte[] name) => index.Postings.CountOf(name);

    public override void Find(LabelMatcher matcher, bool wanted, List<PostingsList> into, CancellationToken cancellation) =>
        index.Postings.ForEachValue(matcher.NameUtf8, (value, postings) =>
        {
            cancellation.ThrowIfCancellationRequested();
            if (matcher.Matches(value) == wanted)
            {
                into.Add(List(postings));
            }

            return true;
        });

    public override void Read(PostingsList list, List<uint> into)
    {
        if (list.Reference > 0)
        {
            index.ReadPostings(list.Reference, into);
        }
    }

    public override void RemoveUnmatched(List<uint> series, LabelMatcher matcher, CancellationToken cancellation)
    {
        var known = new Dictionary<long, bool>();
        uint? nameSymbol = null;
        series.RemoveAll(number =>
        {
            cancellation.ThrowIfCancellationRequested();
            return index.ValueSymbolOf(number, matcher.NameUtf8, ref nameSymbol) is { } value
                ? !Matches(known, value, index.Symbol(value), matcher)
                : !matcher.MatchesEmpty;
        });
    }

    private PostingsList List(long offset) => new(offset, index.PostingsCount(offset));
}
