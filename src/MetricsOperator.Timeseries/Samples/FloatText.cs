using System.Buffers;
using System.Globalization;
using System.Text;

namespace MetricsOperator.Timeseries.Samples;

/// <summary>Floats as text the way Go's strconv reads and writes them, on UTF-8, without allocating.</summary>
public static partial class FloatText
{
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
}
