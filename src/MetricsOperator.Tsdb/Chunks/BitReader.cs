using System.Buffers.Binary;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>Reads bits, most significant first. Running over the end sets <see cref="Failed"/> and returns zeros.</summary>
internal ref struct BitReader(ReadOnlySpan<byte> data, int bitPosition)
{
    private readonly ReadOnlySpan<byte> _data = data;

    public int BitPosition { get; private set; } = bitPosition;

    public bool Failed { get; private set; }

    public readonly long Remaining => (_data.Length * 8L) - BitPosition;

    public bool Bit()
    {
        var index = BitPosition >> 3;
        if (index >= _data.Length)
        {
            Failed = true;
            return false;
        }

        var bit = (_data[index] >> (7 - (BitPosition & 7))) & 1;
        BitPosition++;
        return bit != 0;
    }

    public ulong Bits(int count)
    {
        if (count > 56)
        {
            var high = Bits(count - 32);
            return (high << 32) | Bits(32);
        }

        if (count == 0)
        {
            return 0;
        }

        if (count < 0 || BitPosition + count > _data.Length * 8)
        {
            Failed = true;
            return 0;
        }

        var index = BitPosition >> 3;
        var offset = BitPosition & 7;
        BitPosition += count;

        // Fast path: eight bytes can be loaded at once; 56 bits and an offset of 7 still fit.
        if (index + 8 <= _data.Length)
        {
            return (BinaryPrimitives.ReadUInt64BigEndian(_data[index..]) << offset) >> (64 - count);
        }

        ulong value = 0;
        for (var i = index; i < _data.Length; i++)
        {
            value |= (ulong)_data[i] << (56 - ((i - index) * 8));
        }

        return (value << offset) >> (64 - count);
    }

    /// <summary>Counts one-bits up to the first zero-bit or to <paramref name="max"/>, and consumes them with the zero.</summary>
    public int Ones(int max)
    {
        var count = 0;
        while (count < max && Bit())
        {
            count++;
        }

        return count;
    }

    /// <summary>LEB128, its bytes at any bit position.</summary>
    public ulong Uvarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = Bits(8);
            value |= (b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }

        Failed = true;
        return 0;
    }

    /// <summary>Zig-zag LEB128.</summary>
    public long Varint()
    {
        var value = Uvarint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A signed field of <paramref name="bits"/> bits where 2^(bits-1) is positive.</summary>
    public long Signed(int bits)
    {
        var value = Bits(bits);
        return bits < 64 && value > 1UL << (bits - 1) ? (long)value - (1L << bits) : (long)value;
    }

    /// <summary>A signed field of <paramref name="bits"/> bits, 1 to 64, in ordinary two's complement.</summary>
    public long TwosComplement(int bits) => (long)(Bits(bits) << (64 - bits)) >> (64 - bits);
}
