using System.Globalization;
using System.Text;

namespace MetricsOperator.Tsdb.Tests.Encoders;

/// <summary>
/// Bits as text, most significant first. The encoders beside it are written from the description of the formats, as plain as can be, and
/// share nothing with the code under test.
/// </summary>
internal sealed class BitString
{
    private readonly StringBuilder _bits = new();

    public int Bytes => (_bits.Length + 7) / 8;

    /// <summary>Adds the low bits of a number.</summary>
    public BitString Bits(ulong value, int count)
    {
        for (var i = count - 1; i >= 0; i--)
        {
            _bits.Append((value >> i) & 1);
        }

        return this;
    }

    /// <summary>Adds zeros and ones as they are written.</summary>
    public BitString Code(string bits)
    {
        _bits.Append(bits);
        return this;
    }

    public BitString U8(int value) => Bits((ulong)value, 8);

    public BitString Be16(int value) => Bits((ulong)value, 16);

    public BitString Be32(uint value) => Bits(value, 32);

    public BitString Be64(ulong value) => Bits(value, 64);

    public BitString F64(double value) => Bits(BitConverter.DoubleToUInt64Bits(value), 64);

    public BitString Raw(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            U8(b);
        }

        return this;
    }

    public BitString Text(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        return Uvarint((ulong)bytes.Length).Raw(bytes);
    }

    public BitString Uvarint(ulong value)
    {
        while (value > 127)
        {
            U8((int)(value % 128) + 128);
            value /= 128;
        }

        return U8((int)value);
    }

    public BitString Varint(long value) => Uvarint(value >= 0 ? (ulong)value * 2 : ((ulong)~value * 2) + 1);

    /// <summary>Signed variable bits: a field of k bits holds -(2^(k-1) - 1) to 2^(k-1).</summary>
    public BitString Varbit(long value) => value switch
    {
        0 => Code("0"),
        >= -3 and <= 4 => Code("10").Bits((ulong)value, 3),
        >= -31 and <= 32 => Code("110").Bits((ulong)value, 6),
        >= -255 and <= 256 => Code("1110").Bits((ulong)value, 9),
        >= -2047 and <= 2048 => Code("11110").Bits((ulong)value, 12),
        >= -131071 and <= 131072 => Code("111110").Bits((ulong)value, 18),
        >= -16777215 and <= 16777216 => Code("1111110").Bits((ulong)value, 25),
        >= -36028797018963967 and <= 36028797018963968 => Code("11111110").Bits((ulong)value, 56),
        _ => Code("11111111").Bits((ulong)value, 64),
    };

    /// <summary>Unsigned variable bits.</summary>
    public BitString Uvarbit(ulong value) => value switch
    {
        0 => Code("0"),
        < 8 => Code("10").Bits(value, 3),
        < 64 => Code("110").Bits(value, 6),
        < 512 => Code("1110").Bits(value, 9),
        < 4096 => Code("11110").Bits(value, 12),
        < 262144 => Code("111110").Bits(value, 18),
        < 33554432 => Code("1111110").Bits(value, 25),
        < 72057594037927936 => Code("11111110").Bits(value, 56),
        _ => Code("11111111").Bits(value, 64),
    };

    /// <summary>The bits as bytes, the last one filled with zeros.</summary>
    public byte[] ToBytes()
    {
        var padded = _bits.ToString().PadRight(Bytes * 8, '0');
        var bytes = new byte[Bytes];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = byte.Parse(padded.AsSpan(i * 8, 8), NumberStyles.BinaryNumber, CultureInfo.InvariantCulture);
        }

        return bytes;
    }
}
