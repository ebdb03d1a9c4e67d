using System.Buffers.Binary;

namespace MetricsOperator.Tsdb.Files;

/// <summary>
/// Reads the integers of the on-disk formats (big-endian, LEB128) one after another. Running over the end or a malformed varint sets
/// <see cref="Failed"/> and makes every further read return zero, so that callers check once per record.
/// </summary>
internal ref struct ByteReader(ReadOnlySpan<byte> data)
{
    private readonly ReadOnlySpan<byte> _data = data;

    public int Position { get; private set; }

    public bool Failed { get; private set; }

    public readonly int Remaining => _data.Length - Position;

    public byte U8() => Take(1, out var bytes) ? bytes[0] : (byte)0;

    public ushort Be16() => Take(2, out var bytes) ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : (ushort)0;

    public uint Be32() => Take(4, out var bytes) ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : 0;

    public ulong Be64() => Take(8, out var bytes) ? BinaryPrimitives.ReadUInt64BigEndian(bytes) : 0;

    public long BeI64() => (long)Be64();

    public double F64() => BitConverter.UInt64BitsToDouble(Be64());

    public ulong Uvarint()
    {
        // Fast path: most integers are small.
        if ((uint)Position < (uint)_data.Length && _data[Position] < 0x80)
        {
            return _data[Position++];
        }

        return LongUvarint();
    }

    private ulong LongUvarint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (Position >= _data.Length)
            {
                Fail();
                return 0;
            }

            var b = _data[Position++];
            if (shift == 63 && b > 1)
            {
                Fail();
                return 0;
            }

            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }

        Fail();
        return 0;
    }

    /// <summary>Zig-zag LEB128.</summary>
    public long Varint()
    {
        var value = Uvarint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }

    /// <summary>A uvarint that counts things of at least <paramref name="bytesEach"/> bytes; fails when so many cannot follow.</summary>
    public int Count(int bytesEach)
    {
        var value = Uvarint();
        if (value > (ulong)(Remaining / Math.Max(1, bytesEach)))
        {
            Fail();
            return 0;
        }

        return (int)value;
    }

    public ReadOnlySpan<byte> Bytes(int count) => Take(count, out var bytes) ? bytes : default;

    /// <summary>A uvarint length and so many bytes.</summary>
    public ReadOnlySpan<byte> Text() => Bytes(Count(1));

    public void Fail()
    {
        Failed = true;
        Position = _data.Length;
    }

    private bool Take(int count, out ReadOnlySpan<byte> bytes)
    {
        if ((uint)count > (uint)Remaining)
        {
            Fail();
            bytes = default;
            return false;
        }

        bytes = _data.Slice(Position, count);
        Position += count;
        return true;
    }
}
