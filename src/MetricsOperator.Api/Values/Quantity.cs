using System.Globalization;

namespace MetricsOperator.Api.Values;

/// <summary>Kubernetes quantities of bytes: <c>512Mi</c>, <c>2Gi</c>, <c>1500M</c>, <c>1073741824</c>.</summary>
public static class Quantity
{
    /// <summary>What the schema accepts; a sign or a CPU unit is refused there already.</summary>
    public const string Pattern = "^[0-9]+(\\.[0-9]+)?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$";

    private static readonly (string Suffix, decimal Factor)[] Units =
    [
        ("Ki", 1L << 10), ("Mi", 1L << 20), ("Gi", 1L << 30), ("Ti", 1L << 40), ("Pi", 1L << 50), ("Ei", 1L << 60),
        ("k", 1_000m), ("M", 1_000_000m), ("G", 1_000_000_000m), ("T", 1_000_000_000_000m), ("P", 1_000_000_000_000_000m),
        ("E", 1_000_000_000_000_000_000m),
    ];

    /// <summary>Bytes of a non-negative quantity, rounded up; false when the text is not one or does not fit in 63 bits.</summary>
    public static bool TryParseBytes(string? text, out long bytes)
    {
        bytes = 0;
        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        var factor = 1m;
        var number = text.AsSpan();
        foreach (var unit in Units)
        {
            if (text.EndsWith(unit.Suffix, StringComparison.Ordinal))
            {
                factor = unit.Factor;
                number = text.AsSpan(0, text.Length - unit.Suffix.Length);
                break;
            }
        }

        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            || value > long.MaxValue / factor)
        {
            return false;
        }

        bytes = (long)Math.Ceiling(value * factor);
        return true;
    }

    /// <summary>Bytes of a quantity that validation has already accepted.</summary>
    /// <exception cref="FormatException">The text is not a quantity.</exception>
    public static long ParseBytes(string text) =>
        TryParseBytes(text, out var bytes) ? bytes : throw new FormatException($"cannot read quantity: got \"{text}\", want for example 512Mi");

    /// <summary>Bytes for people: <c>160Mi</c>, <c>1.5Gi</c>.</summary>
    public static string Describe(long bytes)
    {
        string[] suffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
        double value = bytes;
        var i = 0;
        while (value >= 1024 && i < suffixes.Length - 1)
        {
            value /= 1024;
            i++;
        }

        return value.ToString(value < 10 && i > 0 ? "0.#" : "0", CultureInfo.InvariantCulture) + suffixes[i];
    }
}
