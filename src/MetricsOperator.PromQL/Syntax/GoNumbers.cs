using System.Globalization;
using System.Text;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>Numbers as Go reads and writes them, because messages and printed queries follow Prometheus to the letter.</summary>
public static class GoNumbers
{
    /// <summary>Formats as Go's 'g' with the shortest precision: an exponent below 1e-4 and from 1e6 on.</summary>
    public static string Format(double value)
    {
        Span<byte> text = stackalloc byte[FloatText.MaxLength];
        return Encoding.ASCII.GetString(text[..FloatText.Format(value, text)]);
    }

    /// <summary>Formats without an exponent, as Go's 'f' with the shortest precision.</summary>
    public static string FormatPlain(double value)
    {
        Span<byte> text = stackalloc byte[FloatText.MaxPlainLength];
        return Encoding.ASCII.GetString(text[..FloatText.FormatPlain(value, text)]);
    }

    /// <summary>
    /// Parses a number as strconv.ParseInt with base 0 and then ParseFloat do: 0x, 0b, 0o and leading-zero octal, underscores, Inf, NaN.
    /// Null when it is none; infinite when the value is out of range.
    /// </summary>
    public static double? TryParse(string text)
    {
        var negative = text.StartsWith('-');
        var body = text.StartsWith('-') || text.StartsWith('+') ? text[1..] : text;
        if (body.Equals("inf", StringComparison.OrdinalIgnoreCase) || body.Equals("infinity", StringComparison.OrdinalIgnoreCase))
        {
            return negative ? double.NegativeInfinity : double.PositiveInfinity;
        }

        if (body.Equals("nan", StringComparison.OrdinalIgnoreCase))
        {
            return double.NaN;
        }

        body = body.Replace("_", string.Empty, StringComparison.Ordinal);
        if (body.Length == 0 || (!char.IsAsciiDigit(body[0]) && body[0] != '.'))
        {
            return null;
        }

        var integer = TryParseInteger(body);
        if (integer is not null)
        {
            return negative ? -integer.Value : integer.Value;
        }

        return double.TryParse(body, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var value)
            ? negative ? -value : value
            : null;
    }

    /// <summary>Parses as strconv.ParseFloat: decimal, hexadecimal with exponent is not supported, Inf, NaN. Null when it is none.</summary>
    public static double? TryParseFloat(string text)
    {
        var body = text.StartsWith('-') || text.StartsWith('+') ? text[1..] : text;
        if (body.Length > 1 && body[0] == '0' && char.IsAsciiLetter(body[1]) && body[1] is not ('e' or 'E'))
        {
            return null;
        }

        var sign = text.StartsWith('-') ? "-" : string.Empty;
        return body.Length > 1 && body[0] == '0' && char.IsAsciiDigit(body[1]) ? TryParseFloat(sign + body[1..]) : TryParse(text);
    }

    private static double? TryParseInteger(string body)
    {
        if (body.Length > 1 && body[0] == '0')
        {
            var (numberBase, digits) = body[1] switch
            {
                'x' or 'X' => (16, body[2..]),
                'b' or 'B' => (2, body[2..]),
                'o' or 'O' => (8, body[2..]),
                _ => (8, body[1..]),
            };
            decimal value = 0;
            foreach (var c in digits)
            {
                var digit = char.IsAsciiHexDigit(c) ? Convert.ToInt32(c.ToString(), 16) : 99;
                if (digit >= numberBase || value > long.MaxValue)
                {
                    return null;
                }

                value = (value * numberBase) + digit;
            }

            return digits.Length == 0 || value > long.MaxValue ? null : (double)value;
        }

        return long.TryParse(body, NumberStyles.None, CultureInfo.InvariantCulture, out var integer) ? integer : null;
    }
}
