using MetricsOperator.Tsdb.Chunks;

namespace MetricsOperator.Tsdb.Head;

/// <summary>One series of the head: about a hundred bytes in a table, everything of variable size in the arena.</summary>
internal struct MemSeries
{
    public ulong Reference;

    /// <summary>Start of the open chunk; meaningless without one.</summary>
    public long ChunkMinTime;

    /// <summary>Newest sample, sealed chunks included; <see cref="long.MinValue"/> without samples.</summary>
    public long LastTime;

    /// <summary>The open chunk ends before this time.</summary>
    public long NextCut;

    /// <summary>Newest sample in sealed chunks; <see cref="long.MinValue"/> without any.</summary>
    public long SealedMaxTime;

    /// <summary>Writer state of an open float chunk.</summary>
    public XorChunkState Xor;

    /// <summary>Symbols of the labels.</summary>
    public int Labels;

    /// <summary>First block of the open float chunk.</summary>
    public int Chunk;

    /// <summary>Last block of the open float chunk.</summary>
    public int ChunkTail;

    /// <summary>Descriptors of sealed chunks.</summary>
    public int Sealed;

    /// <summary>Index of the open histogram chunk.</summary>
    public int Histogram;

    public uint LabelHash;
    public ushort SealedCount;

    /// <summary>Blocks of the open float chunk.</summary>
    public byte ChunkBlocks;

    /// <summary>Encoding of the open chunk; None without one.</summary>
    public ChunkEncoding Encoding;

    /// <summary>True once the series record is in the log.</summary>
    public bool IsLogged;

    /// <summary>Round in which an appender last looked the series up; see <see cref="MemoryHead.NextRound"/>.</summary>
    public byte TouchedIn;

    /// <summary>True if the newest sample is a stale marker.</summary>
    public bool IsStale;

    public readonly bool HasSamples => LastTime != long.MinValue;
}

/// <summary>A chunk in a chunks_head file.</summary>
internal readonly record struct SealedChunk(ulong DiskRef, long MinTime, long MaxTime)
{
    /// <summary>Bytes of one in the arena.</summary>
    public const int Size = 24;
}
