using System.Globalization;
using System.Text;

namespace MetricsOperator.Api.Values;

/// <summary>Durations in the notation of Prometheus: <c>15s</c>, <c>1m30s</c>, <c>15d</c>; units in falling order, each at most once.</summary>
public static class MetricsDuration
{
    /// <summary>What the schema accepts for intervals and timeouts.</summary>
    public const string Pattern = "^([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";

    /// <summary>What the schema accepts for retention times, which also know years, weeks and days.</summary>
    public const string LongPattern = "^([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";

    private static readonly (string Suffix, long Milliseconds)[] Units =
    [
        ("y", 365L * 86_400_000), ("w", 7L * 86_400_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ];

    /// <summary>Reads a duration; false for anything else, an empty text included. A bare <c>0</c> is zero.</summary>
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = TimeSpan.Zero;
        if (text == "0")
        {
            return true;
        }

        if (string.IsNullOrEmpty(text))
        {
            return false;
        }

        long total = 0;
        var unitIndex = 0;
        var position = 0;
        while (position < text.Length)
        {
            var digits = position;
            while (position < text.Length && char.IsAsciiDigit(text[position]))
            {
                position++;
            }

            var letters = position;
            while (position < text.Length && char.IsAsciiLetter(text[position]))
            {
                position++;
            }

            var suffix = text[letters..position];
            while (unitIndex < Units.Length && Units[unitIndex].Suffix != suffix)
            {
                unitIndex++;
            }

            if (unitIndex == Units.Length
                || !long.TryParse(text.AsSpan(digits, letters - digits), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
                || count > (TimeSpan.MaxValue.TotalMilliseconds / Units[unitIndex].Milliseconds) - total)
            {
                return false;
            }

            total += count * Units[unitIndex].Milliseconds;
            unitIndex++;
        }

        duration = TimeSpan.FromMilliseconds(total);
        return true;
    }

    /// <summary>Reads a duration that validation has already accepted.</summary>
    /// <exception cref="FormatException">The text is not a duration.</exception>
    public static TimeSpan Parse(string text) =>
        TryParse(text, out var duration) ? duration : throw new FormatException($"cannot read duration: got \"{text}\", want for example 15s");

    /// <summary>The shortest notation of a duration, in hours, minutes, seconds and milliseconds.</summary>
    public static string Format(TimeSpan duration)
    {
        var left = (long)duration.TotalMilliseconds;
        if (left == 0)
        {
            return "0s";
        }

        var text = new StringBuilder();
        foreach (var (suffix, milliseconds) in Units.AsSpan(3))
        {
            if (left >= milliseconds)
            {
                text.Append(CultureInfo.InvariantCulture, $"{left / milliseconds}{suffix}");
                left %= milliseconds;
            }
        }

        return text.ToString();
    }
}
