using System.Globalization;
using System.Text;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>Durations in Prometheus' notation: <c>1h30m</c>; units y w d h m s ms, longest first, each at most once.</summary>
public static class Durations
{
    private static readonly (string Unit, long Ms)[] Units =
    [
        ("y", 365L * 24 * 3600 * 1000), ("w", 7L * 24 * 3600 * 1000), ("d", 24L * 3600 * 1000), ("h", 3600L * 1000), ("m", 60L * 1000), ("s", 1000), ("ms", 1),
    ];

    /// <summary>Reads a duration; null when the text is none or too long for 63 bits of nanoseconds.</summary>
    public static long? TryParse(ReadOnlySpan<char> text)
    {
        var total = Read(text);
        return total > long.MaxValue / 1_000_000 ? null : (long?)total;
    }

    /// <summary>True for a duration of any length.</summary>
    public static bool IsWellFormed(ReadOnlySpan<char> text) => Read(text) is not null;

    private static decimal? Read(ReadOnlySpan<char> text)
    {
        if (text is "0")
        {
            return 0;
        }

        if (text.IsEmpty)
        {
            return null;
        }

        decimal total = 0;
        var next = 0;
        while (!text.IsEmpty)
        {
            var digits = 0;
            while (digits < text.Length && char.IsAsciiDigit(text[digits]))
            {
                digits++;
            }

            if (digits is 0 or > 18)
            {
                return null;
            }

            var count = long.Parse(text[..digits], NumberStyles.None, CultureInfo.InvariantCulture);
            text = text[digits..];
            var letters = 0;
            while (letters < text.Length && char.IsAsciiLetter(text[letters]))
            {
                letters++;
            }

            while (next < Units.Length && !text[..letters].SequenceEqual(Units[next].Unit))
            {
                next++;
            }

            if (next == Units.Length)
            {
                return null;
            }

            total += (decimal)count * Units[next].Ms;
            next++;
            text = text[letters..];
        }

        return total;
    }

    /// <summary>Writes a duration as Prometheus does; years and weeks only when nothing smaller remains.</summary>
    public static string Format(long ms)
    {
        if (ms == 0)
        {
            return "0s";
        }

        var text = new StringBuilder();
        if (ms < 0)
        {
            text.Append('-');
            ms = -ms;
        }

        foreach (var (unit, size) in Units)
        {
            if (unit is "y" or "w" && ms % size != 0)
            {
                continue;
            }

            if (ms >= size)
            {
                text.Append(CultureInfo.InvariantCulture, $"{ms / size}{unit}");
                ms %= size;
            }
        }

        return text.ToString();
    }
}
