using System.Globalization;

namespace MetricsOperator.Server.Http;

/// <summary>Numbers as Prometheus writes them in JSON.</summary>
internal static class NumberText
{
    /// <summary>Longest text that <see cref="WriteValue"/> and <see cref="WriteTimestamp"/> produce, in bytes.</summary>
    public const int MaxLength = 40;

    private const double MaxExactInteger = 1L << 53;

    /// <summary>
    /// Writes a sample value: the shortest digits that read back to the same number, plain from 1e-6 to below 1e21, else with an exponent
    /// of at least two digits; NaN, +Inf, -Inf.
    /// </summary>
    /// <returns>Bytes written.</returns>
    public static int WriteValue(Span<byte> destination, double value)
    {
        if (!double.IsFinite(value))
        {
            var name = double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8;
            name.CopyTo(destination);
            return name.Length;
        }

        if (value == 0)
        {
            var zero = double.IsNegative(value) ? "-0"u8 : "0"u8;
            zero.CopyTo(destination);
            return zero.Length;
        }

        // Fast paths: whole numbers that a double holds exactly, and what the base library writes without an exponent.
        if (Math.Abs(value) < MaxExactInteger && Math.Truncate(value) == value)
        {
            ((long)value).TryFormat(destination, out var whole, default, CultureInfo.InvariantCulture);
            return whole;
        }

        if (value.TryFormat(destination, out var plain, "R", CultureInfo.InvariantCulture) && !destination[..plain].Contains((byte)'E'))
        {
            return plain;
        }

        Span<byte> digits = stackalloc byte[32];
        var (count, exponent) = ShortestDigits(Math.Abs(value), digits);
        digits = digits[..count];
        var length = 0;
        if (value < 0)
        {
            destination[length++] = (byte)'-';
        }

        var magnitude = Math.Abs(value);
        return magnitude is < 1e-6 or >= 1e21
            ? length + WriteExponential(destination[length..], digits, exponent)
            : length + WritePlain(destination[length..], digits, exponent);
    }

    /// <summary>Writes milliseconds as seconds, with no or exactly three decimals.</summary>
    /// <returns>Bytes written.</returns>
    public static int WriteTimestamp(Span<byte> destination, long milliseconds)
    {
        var length = 0;
        var absolute = (ulong)milliseconds;
        if (milliseconds < 0)
        {
            destination[length++] = (byte)'-';
            absolute = 0UL - absolute;
        }

        (absolute / 1000).TryFormat(destination[length..], out var written, default, CultureInfo.InvariantCulture);
        length += written;
        if (absolute % 1000 is > 0 and var rest)
        {
            destination[length++] = (byte)'.';
            rest.TryFormat(destination[length..], out written, "000", CultureInfo.InvariantCulture);
            length += written;
        }

        return length;
    }

    /// <summary>The value as text, for where a string is needed.</summary>
    public static string Value(double value)
    {
        Span<byte> text = stackalloc byte[MaxLength];
        return System.Text.Encoding.ASCII.GetString(text[..WriteValue(text, value)]);
    }

    /// <summary>Digits d1 d2 d3... and the exponent e of d1.d2d3... x 10^e.</summary>
    private static (int Count, int Exponent) ShortestDigits(double value, Span<byte> digits)
    {
        Span<byte> text = stackalloc byte[32];

        // R is the shortest form; it comes with or without an exponent, which is normalised here.
        value.TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
        var exponent = 0;
        var mantissa = text[..length];
        var e = mantissa.IndexOf((byte)'E');
        if (e >= 0)
        {
            exponent = int.Parse(mantissa[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            mantissa = mantissa[..e];
        }

        var point = mantissa.IndexOf((byte)'.');
        var integerDigits = point < 0 ? mantissa.Length : point;
        var count = 0;
        var leadingZeros = 0;
        foreach (var b in mantissa)
        {
            if (b == '.')
            {
                continue;
            }

            if (count == 0 && b == '0')
            {
                leadingZeros++;
                continue;
            }

            digits[count++] = b;
        }

        while (count > 1 && digits[count - 1] == '0')
        {
            count--;
        }

        return (count, exponent + integerDigits - 1 - leadingZeros);
    }

    private static int WritePlain(Span<byte> destination, ReadOnlySpan<byte> digits, int exponent)
    {
        var length = 0;
        if (exponent < 0)
        {
            "0."u8.CopyTo(destination);
            length = 2;
            destination.Slice(length, -exponent - 1).Fill((byte)'0');
            length += -exponent - 1;
            digits.CopyTo(destination[length..]);
            return length + digits.Length;
        }

        for (var i = 0; i < Math.Max(digits.Length, exponent + 1); i++)
        {
            if (i == exponent + 1)
            {
                destination[length++] = (byte)'.';
            }

            destination[length++] = i < digits.Length ? digits[i] : (byte)'0';
        }

        return length;
    }

    private static int WriteExponential(Span<byte> destination, ReadOnlySpan<byte> digits, int exponent)
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
        Math.Abs(exponent).TryFormat(destination[length..], out var written, "00", CultureInfo.InvariantCulture);
        return length + written;
    }
}
