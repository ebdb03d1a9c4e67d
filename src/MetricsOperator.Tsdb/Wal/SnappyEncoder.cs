using System.Buffers.Binary;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>Compresses to the snappy block format without allocating, which library encoders do not offer.</summary>
internal sealed class SnappyEncoder
{
    private const int BlockSize = 1 << 16;
    private const int TableBits = 14;

    /// <summary>Position within the block by hash of four bytes.</summary>
    private readonly ushort[] _table = new ushort[1 << TableBits];

    public void Encode(ReadOnlySpan<byte> source, ByteWriter into)
    {
        into.Uvarint((uint)source.Length);
        while (!source.IsEmpty)
        {
            var block = source[..Math.Min(BlockSize, source.Length)];
            EncodeBlock(block, into);
            source = source[block.Length..];
        }
    }

    private void EncodeBlock(ReadOnlySpan<byte> block, ByteWriter into)
    {
        Array.Clear(_table);
        var literalStart = 0;
        var position = 1;

        // The last bytes are always literals, so that four bytes can be loaded at every candidate.
        var limit = block.Length - 15;
        var misses = 32;
        while (position < limit)
        {
            var word = BinaryPrimitives.ReadUInt32LittleEndian(block[position..]);
            var hash = (word * 0x1E35A7BD) >> (32 - TableBits);
            int candidate = _table[hash];
            _table[hash] = (ushort)position;
            if (BinaryPrimitives.ReadUInt32LittleEndian(block[candidate..]) != word || candidate >= position)
            {
                // Data that does not repeat is stepped over faster and faster.
                position += misses++ >> 5;
                continue;
            }

            Literal(block[literalStart..position], into);
            var length = 4 + block[(position + 4)..].CommonPrefixLength(block[(candidate + 4)..]);
            Copy(position - candidate, length, into);
            position += length;
            literalStart = position;
            misses = 32;
        }

        Literal(block[literalStart..], into);
    }

    private static void Literal(ReadOnlySpan<byte> bytes, ByteWriter into)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        var n = bytes.Length - 1;
        if (n < 60)
        {
            into.U8((byte)(n << 2));
        }
        else if (n < 256)
        {
            into.U8(60 << 2);
            into.U8((byte)n);
        }
        else
        {
            into.U8(61 << 2);
            into.U8((byte)n);
            into.U8((byte)(n >> 8));
        }

        into.Bytes(bytes);
    }

    private static void Copy(int offset, int length, ByteWriter into)
    {
        // A remainder below four bytes could not be written as the short form, so the last long copy leaves at least four.
        while (length >= 68)
        {
            LongCopy(offset, 64, into);
            length -= 64;
        }

        if (length > 64)
        {
            LongCopy(offset, 60, into);
            length -= 60;
        }

        if (length >= 12 || offset >= 2048)
        {
            LongCopy(offset, length, into);
        }
        else
        {
            into.U8((byte)(((offset >> 8) << 5) | ((length - 4) << 2) | 1));
            into.U8((byte)offset);
        }
    }

    private static void LongCopy(int offset, int length, ByteWriter into)
    {
        into.U8((byte)(((length - 1) << 2) | 2));
        into.U8((byte)offset);
        into.U8((byte)(offset >> 8));
    }
}
