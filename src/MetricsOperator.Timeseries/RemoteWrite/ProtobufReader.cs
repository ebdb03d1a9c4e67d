using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>How a protobuf field is encoded.</summary>
internal enum WireType : byte
{
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// <summary>Walks the fields of one protobuf message. After <see cref="Next"/> the value of the field is in the property for its wire type.</summary>
internal ref struct ProtobufReader
{
    private readonly ReadOnlySpan<byte> _data;
    private readonly int _base;
    private int _position;

    /// <param name="data">The message.</param>
    /// <param name="offset">Where it starts in the request, for errors.</param>
    public ProtobufReader(ReadOnlySpan<byte> data, int offset = 0)
    {
        _data = data;
        _base = offset;
    }

    public int Field { get; private set; }

    public WireType Wire { get; private set; }

    /// <summary>Value of a varint, fixed64 or fixed32 field.</summary>
    public ulong Number { get; private set; }

    /// <summary>Value of a length-delimited field.</summary>
    public ReadOnlySpan<byte> Bytes { get; private set; }

    /// <summary>Where <see cref="Bytes"/> starts in the request.</summary>
    public int BytesOffset { get; private set; }

    /// <summary>What is wrong, once <see cref="Next"/> returned false; null at a regular end.</summary>
    public string? Error { get; private set; }

    /// <summary>Where the walk is, in the request.</summary>
    public readonly int Offset => _base + _position;

    public readonly long Int64 => (long)Number;

    public readonly double Double => BitConverter.UInt64BitsToDouble(Number);

    /// <summary>A zigzag-encoded number (sint32, sint64).</summary>
    public readonly long Signed => UnZigZag(Number);

    public static long UnZigZag(ulong number) => (long)(number >> 1) ^ -(long)(number & 1);

    /// <summary>Goes to the next field; false at the end and on an error.</summary>
    public bool Next()
    {
        if (_position >= _data.Length)
        {
            return false;
        }

        if (!TryReadVarint(_data, ref _position, out var tag))
        {
            return Fail("a field tag is not a varint");
        }

        Field = (int)Math.Min(tag >> 3, int.MaxValue);
        if (Field == 0 || tag > uint.MaxValue)
        {
            return Fail("a field has an invalid number");
        }

        Wire = (WireType)(tag & 7);
        switch (Wire)
        {
            case WireType.Varint:
                if (!TryReadVarint(_data, ref _position, out var number))
                {
                    return Fail("a number is not a varint");
                }

                Number = number;
                return true;
            case WireType.Fixed64 when _data.Length - _position >= 8:
                Number = BinaryPrimitives.ReadUInt64LittleEndian(_data[_position..]);
                _position += 8;
                return true;
            case WireType.Fixed32 when _data.Length - _position >= 4:
                Number = BinaryPrimitives.ReadUInt32LittleEndian(_data[_position..]);
                _position += 4;
                return true;
            case WireType.Bytes:
                if (!TryReadVarint(_data, ref _position, out var length) || length > (ulong)(_data.Length - _position))
                {
                    return Fail("a field is longer than its message");
                }

                Bytes = _data.Slice(_position, (int)length);
                BytesOffset = Offset;
                _position += (int)length;
                return true;
            case WireType.Fixed64 or WireType.Fixed32:
                return Fail("a field is longer than its message");
            default:
                return Fail(string.Create(CultureInfo.InvariantCulture, $"got wire type {(int)Wire}, want 0, 1, 2 or 5"));
        }
    }

    /// <summary>Checks the wire type of the current field; when it is another one, the walk ends with an error.</summary>
    public bool Expect(WireType wire)
    {
        if (Wire == wire)
        {
            return true;
        }

        _position = _data.Length;
        return Fail(string.Create(CultureInfo.InvariantCulture, $"got wire type {(int)Wire} for field {Field}, want {(int)wire}"));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryReadVarint(ReadOnlySpan<byte> data, ref int position, out ulong value)
    {
        if ((uint)position < (uint)data.Length && data[position] < 0x80)
        {
            value = data[position++];
            return true;
        }

        return TryReadLongVarint(data, ref position, out value);
    }

    private static bool TryReadLongVarint(ReadOnlySpan<byte> data, ref int position, out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64 && position < data.Length; shift += 7)
        {
            var b = data[position++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return shift < 63 || b <= 1;
            }
        }

        return false;
    }

    private bool Fail(string what)
    {
        Error = what;
        return false;
    }
}
