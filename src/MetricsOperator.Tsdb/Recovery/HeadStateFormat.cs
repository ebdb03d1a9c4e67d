using System.Runtime.InteropServices;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Head;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>
/// The file <c>head_state</c>: what the head held at a place of its log, so that a start reads the log from there only. A header of eight bytes,
/// blocks (length, checksum and content, whose first byte is the kind), and eight bytes with the offset of the last block. Little-endian.
/// </summary>
internal static class HeadStateFormat
{
    public const string FileName = "head_state";

    /// <summary>End of the name of a state that is being written.</summary>
    public const string TemporarySuffix = ".tmp";

    /// <summary>"MOHS" and the version.</summary>
    public static ReadOnlySpan<byte> Magic => "MOHS\x02\x00\x00\x00"u8;

    /// <summary>Length and checksum in front of a block.</summary>
    public const int BlockHeader = 8;

    /// <summary>Blocks are closed beyond this length.</summary>
    public const int BlockBytes = 256 * 1024;

    /// <summary>No block is longer than this.</summary>
    public const int MaxBlockBytes = 64 * 1024 * 1024;

    /// <summary>Bytes of the log before the position that identify it, at most.</summary>
    public const int FingerprintBytes = 4096;

    /// <summary>Bytes at the start of a file of head chunks that identify it, at most.</summary>
    public const int ChunkFileFingerprintBytes = 64;

    /// <summary>Kinds of blocks: first all symbols, then all postings, then all series.</summary>
    public const byte Symbols = 1;
    public const byte Series = 2;
    public const byte Record = 3;
    public const byte Aliases = 4;
    public const byte End = 5;
    public const byte Postings = 6;
}

/// <summary>A place in the log.</summary>
/// <param name="Segment">Number of the segment.</param>
/// <param name="Offset">Offset in it, between two records.</param>
internal readonly record struct LogPosition(int Segment, long Offset);

/// <summary>One series in a block of series; its label symbols, closed chunks and open chunk follow.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct SeriesState
{
    public ulong Reference;
    public long ChunkMinTime;
    public long LastTime;
    public long NextCut;
    public long SealedMaxTime;

    /// <summary>Writer state of an open float chunk.</summary>
    public long XorTimestamp;
    public long XorDelta;
    public ulong XorBits;
    public int XorBitLength;
    public uint LabelHash;

    /// <summary>Bytes of the label list, and of the open chunk with its sample count in front.</summary>
    public int LabelBytes;
    public int ChunkBytes;
    public ushort XorCount;
    public ushort SealedCount;
    public byte XorLeading;
    public byte XorTrailing;
    public ChunkEncoding Encoding;
    public byte Flags;

    public const byte IsLogged = 1;
    public const byte IsStale = 2;
}

/// <summary>One series in a block of series.</summary>
internal unsafe ref struct SeriesEntry
{
    /// <summary>In the block, which the caller keeps in place.</summary>
    public SeriesState* State;

    /// <summary>Name and value symbols.</summary>
    public ReadOnlySpan<byte> Labels;

    /// <summary>Closed chunks.</summary>
    public SealedChunk* Sealed;

    /// <summary>The open chunk.</summary>
    public ReadOnlySpan<byte> Open;

    /// <summary>Reads the series at an offset of a block and moves the offset behind it. Plain pointers: generic helpers of the framework over types of
    /// this project are compiled at each start, slowly at first.</summary>
    /// <returns>False when there is none, or none that fits into the block.</returns>
    public static bool Next(byte* block, int length, ref int at, out SeriesEntry entry)
    {
        entry = default;
        if (length - at < sizeof(SeriesState))
        {
            return false;
        }

        var state = (SeriesState*)(block + at);
        var rest = block + at + sizeof(SeriesState);
        var sealedBytes = state->SealedCount * SealedChunk.Size;
        if (state->LabelBytes < 1 || state->ChunkBytes < 0
            || (long)state->LabelBytes + sealedBytes + state->ChunkBytes > length - at - sizeof(SeriesState))
        {
            return false;
        }

        entry.State = state;
        entry.Labels = new ReadOnlySpan<byte>(rest, state->LabelBytes);
        entry.Sealed = (SealedChunk*)(rest + state->LabelBytes);
        entry.Open = new ReadOnlySpan<byte>(rest + state->LabelBytes + sealedBytes, state->ChunkBytes);
        at += sizeof(SeriesState) + state->LabelBytes + sealedBytes + state->ChunkBytes;
        return true;
    }
}

/// <summary>The last block of a state: what it belongs to.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct StateEnd
{
    public int Segment;
    public long Offset;
    public uint Fingerprint;
    public int FingerprintBytes;
    public long MinTime;
    public long MaxTime;
    public ulong LastReference;
    public int Series;
    public int SymbolLimit;
    public int ChunkFiles;

    /// <summary>Label pairs, at most.</summary>
    public int Pairs;

    /// <summary>Offsets of the first block of postings and of the first behind those.</summary>
    public long PostingsStart;
    public long PostingsEnd;
}

/// <summary>A file of head chunks that a state refers to.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct ChunkFileState
{
    public int Number;
    public long Length;
    public long MaxTime;
    public uint Fingerprint;
}
