using System.Buffers.Binary;

namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>Appends protobuf fields to a growing buffer. A field with the default value may be written; readers do not care.</summary>
internal sealed class ProtobufWriter
{
    private byte[] _buffer = new byte[256];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    public void Reset() => Length = 0;

    public void Varint(int field, ulong value)
    {
        RawVarint((ulong)field << 3);
        RawVarint(value);
    }

    public void Signed(int field, long value) => Varint(field, ZigZag(value));

    public void Fixed64(int field, double value)
    {
        RawVarint(((ulong)field << 3) | (ulong)WireType.Fixed64);
        RawDouble(value);
    }

    public void Bytes(int field, ReadOnlySpan<byte> value)
    {
        RawVarint(((ulong)field << 3) | (ulong)WireType.Bytes);
        RawVarint((ulong)value.Length);
        Raw(value);
    }

    public void PackedDoubles(int field, ReadOnlySpan<double> values)
    {
        if (values.IsEmpty)
        {
            return;
        }

        RawVarint(((ulong)field << 3) | (ulong)WireType.Bytes);
        RawVarint((ulong)values.Length * 8);
        foreach (var value in values)
        {
            RawDouble(value);
        }
    }

    public void RawVarint(ulong value)
    {
        var room = Reserve(10);
        var size = 0;
        while (value >= 0x80)
        {
            room[size++] = (byte)(value | 0x80);
            value >>= 7;
        }

        room[size++] = (byte)value;
        Length += size;
    }

    public void Raw(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
    }

    public static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private void RawDouble(double value)
    {
        BinaryPrimitives.WriteDoubleLittleEndian(Reserve(8), value);
        Length += 8;
    }

    private Span<byte> Reserve(int size)
    {
        if (_buffer.Length - Length < size)
        {
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, Length + size));
        }

        return _buffer.AsSpan(Length);
    }
}
