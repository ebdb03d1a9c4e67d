using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace MetricsOperator.Timeseries.Samples;

/// <summary>Floats as text the way Go's strconv reads and writes them, on UTF-8, without allocating.</summary>
public static class FloatText
{
    /// <summary>Bytes that hold any float written by <see cref="Format"/>.</summary>
    public const int MaxLength = 32;

    private const ulong MaxExactMantissa = 1UL << 53;

    private static readonly double[] PowersOfTen =
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ];

    private static readonly SearchValues<byte> DecimalBytes = SearchValues.Create("0123456789+-.eE"u8);

    /// <summary>
    /// Reads a sample value: decimal floats, <c>NaN</c>, <c>Inf</c> and <c>Infinity</c> in any case with a sign where Go takes one. Refuses what a
    /// scrape refuses: hexadecimal, underscores, white space, and magnitudes beyond the largest float. NaN has the bits of <see cref="StaleMarker.NormalNaN"/>.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out double value)
    {
        // Fast path: [sign] digits [. digits] [e digits], when the digits fit 2^53 and the power of ten is exact, so that one
        // multiplication or division rounds correctly.
        var position = 0;
        var negative = false;
        if (text.Length > 0 && (text[0] == '-' || text[0] == '+'))
        {
            negative = text[0] == '-';
            position = 1;
        }

        ulong mantissa = 0;
        var digits = 0;
        var exponent = 0;
        for (; position < text.Length && (uint)(text[position] - '0') <= 9; position++)
        {
            mantissa = (mantissa * 10) + (uint)(text[position] - '0');
            digits++;
        }

        if (position < text.Length && text[position] == '.')
        {
            for (position++; position < text.Length && (uint)(text[position] - '0') <= 9; position++)
            {
                mantissa = (mantissa * 10) + (uint)(text[position] - '0');
                digits++;
                exponent--;
            }
        }

        // 19 digits cannot overflow 64 bits.
        if (digits is 0 or > 19)
        {
            return TryParseSlowly(text, out value);
        }

        if (position < text.Length)
        {
            if (!TryReadExponent(text[position..], out var written))
            {
                return TryParseSlowly(text, out value);
            }

            exponent += written;
        }

        if (mantissa > MaxExactMantissa || exponent < -22 || exponent > 22)
        {
            return TryParseSlowly(text, out value);
        }

        value = exponent < 0 ? mantissa / PowersOfTen[-exponent] : mantissa * PowersOfTen[exponent];
        if (negative)
        {
            value = -value;
        }

        return true;
    }

    /// <summary>Writes the shortest text that reads back as the same float, as Go's format 'g': <c>1</c>, <c>0.25</c>, <c>1e+06</c>, <c>+Inf</c>, <c>NaN</c>.</summary>
    /// <param name="value">The float.</param>
    /// <param name="destination">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Format(double value, Span<byte> destination)
    {
        if (double.IsNaN(value))
        {
            "NaN"u8.CopyTo(destination);
            return 3;
        }

        if (double.IsInfinity(value))
        {
            (value > 0 ? "+Inf"u8 : "-Inf"u8).CopyTo(destination);
            return 4;
        }

        Span<byte> digits = stackalloc byte[24];
        var (count, point) = ShortestDigits(value, digits);
        var length = 0;
        if (double.IsNegative(value))
        {
            destination[length++] = (byte)'-';
        }

        digits = digits[..count];

        // Go's rule for the shortest form: an exponent below 1e-4 and from 1e6 on.
        var scientific = point - 1;
        if (value != 0 && scientific is < -4 or >= 6)
        {
            return length + WriteScientific(digits, scientific, destination[length..]);
        }

        return length + WritePlain(digits, point, destination[length..]);
    }

    /// <summary>As <see cref="Format"/>, with a decimal point or exponent always (<c>1.0</c>): the canonical form of <c>le</c> and <c>quantile</c> values.</summary>
    public static int FormatWithPoint(double value, Span<byte> destination)
    {
        var length = Format(value, destination);
        if (double.IsFinite(value) && destination[..length].IndexOfAny((byte)'.', (byte)'e') < 0)
        {
            ".0"u8.CopyTo(destination[length..]);
            length += 2;
        }

        return length;
    }

    private static bool TryReadExponent(ReadOnlySpan<byte> text, out int exponent)
    {
        exponent = 0;
        if (text.Length < 2 || (text[0] | 0x20) != 'e')
        {
            return false;
        }

        var position = 1;
        var negative = text[1] == '-';
        if (negative || text[1] == '+')
        {
            position = 2;
        }

        var count = text.Length - position;
        if (count is 0 or > 3)
        {
            return false;
        }

        for (; position < text.Length; position++)
        {
            var digit = text[position] - '0';
            if ((uint)digit > 9)
            {
                return false;
            }

            exponent = (exponent * 10) + digit;
        }

        exponent = negative ? -exponent : exponent;
        return true;
    }

    private static bool TryParseSlowly(ReadOnlySpan<byte> text, out double value)
    {
        if (TryParseSpecial(text, out value))
        {
            return true;
        }

        if (text.IsEmpty || text.ContainsAnyExcept(DecimalBytes))
        {
            return false;
        }

        const NumberStyles style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        return double.TryParse(text, style, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }

    private static bool TryParseSpecial(ReadOnlySpan<byte> text, out double value)
    {
        value = StaleMarker.NormalNaN;
        if (Ascii.EqualsIgnoreCase(text, "nan"u8))
        {
            return true;
        }

        value = double.PositiveInfinity;
        if (text.Length > 0 && (text[0] == '-' || text[0] == '+'))
        {
            value = text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            text = text[1..];
        }

        return Ascii.EqualsIgnoreCase(text, "inf"u8) || Ascii.EqualsIgnoreCase(text, "infinity"u8);
    }

    // The shortest digits that read back as the magnitude of the value, and where the decimal point stands relative to the first digit.
    private static (int Count, int Point) ShortestDigits(double value, Span<byte> digits)
    {
        Span<byte> text = stackalloc byte[MaxLength];
        Math.Abs(value).TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
        text = text[..length];

        var exponent = 0;
        var mark = text.IndexOf((byte)'E');
        if (mark >= 0)
        {
            exponent = int.Parse(text[(mark + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            text = text[..mark];
        }

        var point = text.IndexOf((byte)'.');
        var count = 0;
        var leadingZeros = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (i == point)
            {
                continue;
            }

            if (count == 0 && text[i] == '0')
            {
                leadingZeros++;
                continue;
            }

            digits[count++] = text[i];
        }

        var integerDigits = (point < 0 ? text.Length : point) - leadingZeros;
        while (count > 0 && digits[count - 1] == '0')
        {
            count--;
        }

        return (count, integerDigits + exponent);
    }

    private static int WritePlain(ReadOnlySpan<byte> digits, int point, Span<byte> destination)
    {
        var length = 0;
        if (point <= 0)
        {
            destination[length++] = (byte)'0';
        }

        for (var i = 0; i < point; i++)
        {
            destination[length++] = i < digits.Length ? digits[i] : (byte)'0';
        }

        if (digits.Length > Math.Max(point, 0))
        {
            destination[length++] = (byte)'.';
            for (var i = point; i < 0; i++)
            {
                destination[length++] = (byte)'0';
            }

            var fraction = digits[Math.Max(point, 0)..];
            fraction.CopyTo(destination[length..]);
            length += fraction.Length;
        }

        return length;
    }

    private static int WriteScientific(ReadOnlySpan<byte> digits, int exponent, Span<byte> destination)
    {
        var length = 0;
        destination[length++] = digits[0];
        if (digits.Length > 1)
        {
            destination[length++] = (byte)'.';
            digits[1..].CopyTo(destination[length..]);
            length += digits.Length - 1;
        }

        destination[length++] = (byte)'e';
        destination[length++] = exponent < 0 ? (byte)'-' : (byte)'+';
        Utf8Formatter.TryFormat(Math.Abs(exponent), destination[length..], out var written, new StandardFormat('D', 2));
        return length + written;
    }
}
