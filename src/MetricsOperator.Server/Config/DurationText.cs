using System.Globalization;
using System.Text;

namespace MetricsOperator.Server.Config;

/// <summary>Prometheus' duration notation: <c>1h30m</c>, units y w d h m s ms, longest first, integers only.</summary>
public static class DurationText
{
    private static readonly (string Unit, long Milliseconds, bool OnlyExact)[] Units =
    [
        ("y", 365L * 24 * 60 * 60 * 1000, true),
        ("w", 7L * 24 * 60 * 60 * 1000, true),
        ("d", 24L * 60 * 60 * 1000, false),
        ("h", 60L * 60 * 1000, false),
        ("m", 60L * 1000, false),
        ("s", 1000L, false),
        ("ms", 1L, false),
    ];

    /// <summary>Reads a duration; <c>0</c> needs no unit.</summary>
    /// <returns>False with a reason when the text is not a duration.</returns>
    public static bool TryParse(string text, out TimeSpan duration, out string problem)
    {
        duration = TimeSpan.Zero;
        problem = string.Empty;
        if (text.Length == 0)
        {
            problem = "empty duration string";
            return false;
        }

        if (text == "0")
        {
            return true;
        }

        var total = 0L;
        var position = 0;
        var nextUnit = 0;
        while (position < text.Length)
        {
            var digits = position;
            while (position < text.Length && char.IsAsciiDigit(text[position]))
            {
                position++;
            }

            var letters = position;
            while (position < text.Length && char.IsAsciiLetterLower(text[position]))
            {
                position++;
            }

            var unit = Array.FindIndex(Units, nextUnit, u => text.AsSpan(letters, position - letters).SequenceEqual(u.Unit));
            if (digits == letters || unit < 0 || !long.TryParse(text.AsSpan(digits, letters - digits), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
            {
                problem = $"not a valid duration string: {Quoted(text)}";
                return false;
            }

            if (count > (TimeSpan.MaxValue.Ticks / TimeSpan.TicksPerMillisecond / Units[unit].Milliseconds) - (total / Units[unit].Milliseconds) - 1)
            {
                problem = "duration out of range";
                return false;
            }

            total += count * Units[unit].Milliseconds;
            nextUnit = unit + 1;
        }

        duration = TimeSpan.FromMilliseconds(total);
        return true;
    }

    /// <summary>Reads a duration that is known to be valid.</summary>
    /// <exception cref="FormatException">It is not.</exception>
    public static TimeSpan Parse(string text) => TryParse(text, out var duration, out var problem) ? duration : throw new FormatException(problem);

    /// <summary>Writes a duration as Prometheus does: <c>15d</c>, <c>1w</c>, <c>1h30m</c>, <c>0s</c>.</summary>
    public static string Format(TimeSpan duration)
    {
        var rest = (long)duration.TotalMilliseconds;
        if (rest == 0)
        {
            return "0s";
        }

        var text = new StringBuilder();
        foreach (var (unit, milliseconds, onlyExact) in Units)
        {
            if (onlyExact && rest % milliseconds != 0)
            {
                continue;
            }

            if (rest / milliseconds is > 0 and var count)
            {
                text.Append(CultureInfo.InvariantCulture, $"{count}{unit}");
                rest -= count * milliseconds;
            }
        }

        return text.ToString();
    }

    private static string Quoted(string text) => Timeseries.Labels.LabelNames.Quote(text);
}
