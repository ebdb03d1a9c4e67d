using System.Buffers.Binary;

namespace MetricsOperator.Tsdb.Files;

/// <summary>A growing buffer for the integers of the on-disk formats; reused, so that a steady state allocates nothing.</summary>
internal sealed class ByteWriter(int capacity = 256)
{
    private byte[] _buffer = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    public ReadOnlyMemory<byte> WrittenMemory => _buffer.AsMemory(0, Length);

    /// <summary>Forgets what was written; gives memory back that exceeds <paramref name="keep"/> bytes.</summary>
    public void Clear(int keep = int.MaxValue)
    {
        Length = 0;
        if (_buffer.Length > keep)
        {
            _buffer = new byte[keep];
        }
    }

    /// <summary>Shortens what was written.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Room for exactly <paramref name="count"/> bytes, counted as written.</summary>
    public Span<byte> Take(int count)
    {
        var span = Room(count)[..count];
        Length += count;
        return span;
    }

    /// <summary>At least <paramref name="count"/> writable bytes after what was written; <see cref="Advance"/> counts them.</summary>
    public Span<byte> Room(int count)
    {
        if (_buffer.Length - Length < count)
        {
            Array.Resize(ref _buffer, checked((int)Math.Min(Array.MaxLength, Math.Max((long)_buffer.Length * 2, (long)Length + count))));
        }

        return _buffer.AsSpan(Length);
    }

    public void Advance(int count) => Length += count;

    public void U8(byte value) => Take(1)[0] = value;

    public void Be16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    public void Be32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

    public void Be64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Take(8), value);

    public void BeI64(long value) => Be64((ulong)value);

    public void F64(double value) => Be64(BitConverter.DoubleToUInt64Bits(value));

    public void Uvarint(ulong value)
    {
        var room = Room(10);
        var count = 0;
        while (value >= 0x80)
        {
            room[count++] = (byte)(value | 0x80);
            value >>= 7;
        }

        room[count++] = (byte)value;
        Length += count;
    }

    /// <summary>Zig-zag LEB128.</summary>
    public void Varint(long value) => Uvarint((ulong)((value << 1) ^ (value >> 63)));

    public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>A uvarint length and the bytes.</summary>
    public void Text(ReadOnlySpan<byte> text)
    {
        Uvarint((uint)text.Length);
        Bytes(text);
    }

    /// <summary>Overwrites four bytes that were written before.</summary>
    public void PatchBe32(int position, uint value) => BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(position, 4), value);
}
