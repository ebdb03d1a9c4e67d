using System.Globalization;

namespace MetricsOperator.Timeseries.Samples;

/// <content>Writing.</content>
public static partial class FloatText
{
    /// <summary>Bytes that hold any float written by <see cref="Format"/>, <see cref="FormatWithPoint"/> and <see cref="FormatForJson"/>.</summary>
    public const int MaxLength = 32;

    /// <summary>Bytes that hold any float written by <see cref="FormatPlain"/>.</summary>
    public const int MaxPlainLength = 352;

    private const double MaxExactInteger = 1L << 53;

    /// <summary>Writes the shortest text that reads back as the same float, as Go's format 'g': <c>1</c>, <c>0.25</c>, <c>1e+06</c>, <c>+Inf</c>, <c>NaN</c>.</summary>
    /// <param name="value">The float.</param>
    /// <param name="destination">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Format(double value, Span<byte> destination) => Write(value, destination, -4, 6);

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

    /// <summary>As <see cref="Format"/>, but with an exponent only below 1e-6 and from 1e21 on: sample values in answers of Prometheus.</summary>
    /// <returns>Bytes written.</returns>
    public static int FormatForJson(double value, Span<byte> destination) => Write(value, destination, -6, 21);

    /// <summary>As <see cref="Format"/>, but without an exponent: Go's format 'f'.</summary>
    /// <param name="value">The float.</param>
    /// <param name="destination">At least <see cref="MaxPlainLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int FormatPlain(double value, Span<byte> destination) => Write(value, destination, int.MinValue, int.MaxValue);

    // With an exponent below and from the given ones on.
    private static int Write(double value, Span<byte> destination, int minExponent, int maxExponent)
    {
        if (!double.IsFinite(value))
        {
            var name = double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8;
            name.CopyTo(destination);
            return name.Length;
        }

        var length = 0;
        if (double.IsNegative(value))
        {
            destination[length++] = (byte)'-';
            value = -value;
        }

        if (value == 0)
        {
            destination[length++] = (byte)'0';
            return length;
        }

        Span<byte> digits = stackalloc byte[ShortestDecimal.MaxDigits + 3];
        if (value < MaxExactInteger && Math.Truncate(value) == value)
        {
            // Fast path: a whole number that a float holds exactly has all its digits.
            ((ulong)value).TryFormat(digits, out var whole, default, CultureInfo.InvariantCulture);
            if (whole <= maxExponent)
            {
                digits[..whole].CopyTo(destination[length..]);
                return length + whole;
            }
        }

        var (number, power) = ShortestDecimal.Of(value);
        number.TryFormat(digits, out var count, default, CultureInfo.InvariantCulture);
        digits = digits[..count];
        var exponent = power + count - 1;
        destination = destination[length..];
        return length + (exponent < minExponent || exponent >= maxExponent ? WriteScientific(digits, exponent, destination) : WritePlain(digits, exponent + 1, destination));
    }

    // The point stands behind as many of the digits.
    private static int WritePlain(ReadOnlySpan<byte> digits, int point, Span<byte> destination)
    {
        if (point <= 0)
        {
            "0."u8.CopyTo(destination);
            destination.Slice(2, -point).Fill((byte)'0');
            digits.CopyTo(destination[(2 - point)..]);
            return 2 - point + digits.Length;
        }

        if (point >= digits.Length)
        {
            digits.CopyTo(destination);
            destination[digits.Length..point].Fill((byte)'0');
            return point;
        }

        digits[..point].CopyTo(destination);
        destination[point] = (byte)'.';
        digits[point..].CopyTo(destination[(point + 1)..]);
        return digits.Length + 1;
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
        Math.Abs(exponent).TryFormat(destination[length..], out var written, "00", CultureInfo.InvariantCulture);
        return length + written;
    }
}
