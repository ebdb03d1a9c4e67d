using System.Buffers.Binary;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>Writes bits, most significant first, into memory that needs no clearing. The caller guarantees the room.</summary>
internal ref struct BitWriter(Span<byte> data, int bitPosition)
{
    private readonly Span<byte> _data = data;

    public int BitPosition { get; private set; } = bitPosition;

    /// <summary>Writes the low <paramref name="count"/> bits of <paramref name="value"/>.</summary>
    public void Bits(ulong value, int count)
    {
        if (count == 0)
        {
            return;
        }

        value <<= 64 - count;
        if (TryWriteWord(value, count))
        {
            return;
        }

        while (count > 0)
        {
            var index = BitPosition >> 3;
            var offset = BitPosition & 7;
            var kept = offset == 0 ? 0 : _data[index] & (0xFF00 >> offset);
            _data[index] = (byte)(kept | (int)(value >> (56 + offset)));
            var written = Math.Min(count, 8 - offset);
            value <<= written;
            count -= written;
            BitPosition += written;
        }
    }

    // Where there is room, all bits are written at once, and zeros behind them.
    private bool TryWriteWord(ulong value, int count)
    {
        var index = BitPosition >> 3;
        var offset = BitPosition & 7;
        if (count > 64 - offset || index > _data.Length - sizeof(ulong))
        {
            return false;
        }

        var kept = offset == 0 ? 0 : (ulong)(byte)(_data[index] & (0xFF00 >> offset)) << 56;
        BinaryPrimitives.WriteUInt64BigEndian(_data[index..], kept | (value >> offset));
        BitPosition += count;
        return true;
    }

    public void Uvarint(ulong value)
    {
        while (value >= 0x80)
        {
            Bits((value & 0x7F) | 0x80, 8);
            value >>= 7;
        }

        Bits(value, 8);
    }

    /// <summary>Zig-zag LEB128.</summary>
    public void Varint(long value) => Uvarint((ulong)((value << 1) ^ (value >> 63)));
}
