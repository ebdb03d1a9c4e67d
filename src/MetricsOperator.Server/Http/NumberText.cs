using System.Globalization;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Server.Http;

/// <summary>Numbers as Prometheus writes them in JSON.</summary>
internal static class NumberText
{
    /// <summary>Longest text that <see cref="WriteValue"/> and <see cref="WriteTimestamp"/> produce, in bytes.</summary>
    public const int MaxLength = 40;

    /// <summary>
    /// Writes a sample value: the shortest digits that read back to the same number, plain from 1e-6 to below 1e21, else with an exponent
    /// of at least two digits; NaN, +Inf, -Inf.
    /// </summary>
    /// <returns>Bytes written.</returns>
    public static int WriteValue(Span<byte> destination, double value) => FloatText.FormatForJson(value, destination);

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
}
