using System.Globalization;

namespace MetricsOperator.Server.Config;

/// <summary>Byte counts as Prometheus writes them (<c>512MB</c>, powers of two) and as Kubernetes does (<c>512Mi</c>, <c>512M</c>).</summary>
public static class ByteSize
{
    private const string Prefixes = "KMGTPE";

    /// <summary>Reads Prometheus' notation: a number and B, KB, MB, ... or KiB, MiB, ...; 1KB is 1024 bytes. <c>0</c> needs no unit.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        if (text == "0")
        {
            return true;
        }

        var unit = text.AsSpan().TrimStart("0123456789.");
        var number = text.AsSpan(0, text.Length - unit.Length);
        if (unit.Length == 0 || unit[^1] != 'B')
        {
            return false;
        }

        var prefix = unit[..^1];
        if (prefix.Length == 2 && prefix[1] == 'i')
        {
            prefix = prefix[..1];
        }

        return TryScale(number, prefix, 1024, out bytes);
    }

    /// <summary>Reads a Kubernetes quantity: <c>268435456</c>, <c>256Mi</c> (powers of two), <c>256M</c> or <c>256k</c> (powers of ten).</summary>
    public static bool TryParseQuantity(string text, out long bytes)
    {
        var unit = text.AsSpan().TrimStart("0123456789.");
        var number = text.AsSpan(0, text.Length - unit.Length);
        if (unit is [var binary, 'i'])
        {
            return TryScale(number, [binary], 1024, out bytes);
        }

        return TryScale(number, unit is "k" ? "K" : unit, 1000, out bytes);
    }

    /// <summary>Writes the shortest exact form in Prometheus' notation: <c>0B</c>, <c>512B</c>, <c>10MiB</c>.</summary>
    public static string Format(long bytes)
    {
        var unit = -1;
        while (bytes != 0 && bytes % 1024 == 0 && unit + 1 < Prefixes.Length)
        {
            bytes /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{bytes}{(unit < 0 ? "" : $"{Prefixes[unit]}i")}B");
    }

    private static bool TryScale(ReadOnlySpan<char> number, ReadOnlySpan<char> prefix, long step, out long bytes)
    {
        bytes = 0;
        var power = prefix.IsEmpty ? 0 : prefix.Length == 1 ? Prefixes.IndexOf(prefix[0], StringComparison.Ordinal) + 1 : 0;
        if ((!prefix.IsEmpty && power == 0) || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        for (; power > 0; power--)
        {
            if (value > long.MaxValue)
            {
                return false;
            }

            value *= step;
        }

        if (value > long.MaxValue)
        {
            return false;
        }

        bytes = (long)value;
        return true;
    }
}
