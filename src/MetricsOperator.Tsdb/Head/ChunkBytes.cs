using System.Buffers.Binary;
using MetricsOperator.Tsdb.Chunks;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Bytes of open float chunks: chains of small blocks of one size, so that chunks grow without being moved and what one chunk gives back
/// fits every other. The sample count at the start of a chunk is not stored but added on reading.
/// </summary>
internal sealed class ChunkBytes(ByteArena arena)
{
    /// <summary>Bytes of one block.</summary>
    public const int BlockBytes = 64;

    private const int LinkBytes = 4;
    private const int PayloadBytes = BlockBytes - LinkBytes;

    /// <summary>Appends a sample to the series' open chunk.</summary>
    public void Append(ref MemSeries series, long timestamp, double value)
    {
        // A sample begins in the partly used last byte of the chunk.
        var first = Math.Max(series.Xor.BitLength, XorChunkWriter.HeaderBytes * 8) >> 3;
        var offset = OffsetInBlock(first);
        if (offset <= BlockBytes - XorChunkWriter.MaxSampleBytes && IsAllocated(in series, first))
        {
            XorChunkWriter.Encode(arena.Get(series.ChunkTail)[offset..BlockBytes], ref series.Xor, timestamp, value);
            return;
        }

        // It may not fit into the block; it is encoded aside, with that byte in front.
        Span<byte> scratch = stackalloc byte[XorChunkWriter.MaxSampleBytes + 1];
        if ((series.Xor.BitLength & 7) != 0)
        {
            scratch[0] = arena.Get(series.ChunkTail)[offset];
        }

        var left = scratch[..XorChunkWriter.Encode(scratch, ref series.Xor, timestamp, value)];
        while (!left.IsEmpty)
        {
            offset = OffsetInBlock(first);
            if (offset == LinkBytes && !IsAllocated(in series, first))
            {
                AddBlock(ref series);
            }

            var part = left[..Math.Min(left.Length, BlockBytes - offset)];
            part.CopyTo(arena.Get(series.ChunkTail)[offset..]);
            left = left[part.Length..];
            first += part.Length;
        }
    }

    /// <summary>Copies the chunk, its sample count in front; the target has room for its length.</summary>
    public void CopyTo(in MemSeries series, Span<byte> target)
    {
        var length = series.Xor.ByteLength;
        BinaryPrimitives.WriteUInt16BigEndian(target, series.Xor.Count);
        var position = XorChunkWriter.HeaderBytes;
        for (var block = series.Chunk; position < length;)
        {
            var bytes = arena.Get(block);
            var part = Math.Min(PayloadBytes, length - position);
            bytes.Slice(LinkBytes, part).CopyTo(target[position..]);
            position += part;
            block = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        }
    }

    /// <summary>Gives a series without blocks those of a chunk that <see cref="CopyTo"/> copied.</summary>
    public void Restore(ref MemSeries series, ReadOnlySpan<byte> chunk)
    {
        for (var left = chunk[XorChunkWriter.HeaderBytes..]; !left.IsEmpty;)
        {
            var part = left[..Math.Min(left.Length, PayloadBytes)];
            AddBlock(ref series);
            part.CopyTo(arena.Get(series.ChunkTail)[LinkBytes..]);
            left = left[part.Length..];
        }
    }

    /// <summary>Gives the blocks back.</summary>
    public void Free(ref MemSeries series)
    {
        for (var block = series.Chunk; block != 0;)
        {
            var next = BinaryPrimitives.ReadInt32LittleEndian(arena.Get(block));
            arena.Free(block, HeadMemoryUse.Chunks);
            block = next;
        }

        series.Chunk = 0;
        series.ChunkTail = 0;
        series.ChunkBlocks = 0;
    }

    private static int OffsetInBlock(int position) => LinkBytes + ((position - XorChunkWriter.HeaderBytes) % PayloadBytes);

    private static bool IsAllocated(in MemSeries series, int position) =>
        (position - XorChunkWriter.HeaderBytes) / PayloadBytes < series.ChunkBlocks;

    private void AddBlock(ref MemSeries series)
    {
        var block = arena.Allocate(BlockBytes, HeadMemoryUse.Chunks);
        BinaryPrimitives.WriteInt32LittleEndian(arena.Get(block), 0);
        if (series.ChunkTail == 0)
        {
            series.Chunk = block;
        }
        else
        {
            BinaryPrimitives.WriteInt32LittleEndian(arena.Get(series.ChunkTail), block);
        }

        series.ChunkTail = block;
        series.ChunkBlocks++;
    }
}
