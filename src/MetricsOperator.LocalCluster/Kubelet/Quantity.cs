using System.Globalization;

namespace MetricsOperator.LocalCluster.Kubelet;

/// <summary>Reads Kubernetes quantities: <c>512Mi</c>, <c>1G</c>, <c>250m</c>, <c>1e3</c>.</summary>
internal static class Quantity
{
    private static readonly (string Suffix, decimal Factor)[] Suffixes =
    [
        ("Ki", 1024m), ("Mi", 1048576m), ("Gi", 1073741824m), ("Ti", 1099511627776m), ("Pi", 1125899906842624m), ("Ei", 1152921504606846976m),
        ("n", 0.000000001m), ("u", 0.000001m), ("m", 0.001m), ("k", 1e3m), ("M", 1e6m), ("G", 1e9m), ("T", 1e12m), ("P", 1e15m), ("E", 1e18m),
    ];

    /// <summary>The value in base units, or null for text that is no quantity.</summary>
    public static decimal? Parse(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return null;
        }

        foreach (var (suffix, factor) in Suffixes)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal) && ParseNumber(text[..^suffix.Length]) is { } number)
            {
                return number * factor;
            }
        }

        return ParseNumber(text);
    }

    /// <summary>The value rounded up to whole units (bytes, pods), or null.</summary>
    public static long? ParseWhole(string? text) => Parse(text) is { } value ? (long)Math.Ceiling(value) : null;

    private static decimal? ParseNumber(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
}
