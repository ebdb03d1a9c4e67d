using System.Globalization;
using System.Text;

namespace MetricsOperator.Cli.Tsdb;

/// <summary>How the tsdb commands write tables, times and sizes.</summary>
internal static class TableText
{
    /// <summary>Writes rows in columns as wide as their longest cell; the first row is the heading.</summary>
    public static void Write(TextWriter output, IReadOnlyList<string[]> rows)
    {
        var widths = new int[rows[0].Length];
        foreach (var row in rows)
        {
            for (var i = 0; i < row.Length; i++)
            {
                widths[i] = Math.Max(widths[i], row[i].Length);
            }
        }

        foreach (var row in rows)
        {
            output.WriteLine(string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
        }
    }

    /// <summary>Milliseconds since 1970 as UTC; a number outside the calendar.</summary>
    public static string Time(long milliseconds) => milliseconds is < -62135596800000 or > 253402300799999
        ? milliseconds.ToString(CultureInfo.InvariantCulture)
        : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>Milliseconds as Go writes a duration: <c>2h0m0s</c>, <c>1m59.677s</c>.</summary>
    public static string Duration(long milliseconds)
    {
        if (milliseconds < 0)
        {
            return "-" + Duration(-milliseconds);
        }

        if (milliseconds is > 0 and < 1000)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{milliseconds}ms");
        }

        var text = new StringBuilder();
        var (hours, rest) = Math.DivRem(milliseconds, 3_600_000);
        var (minutes, inMinute) = Math.DivRem(rest, 60_000);
        if (hours > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{hours}h");
        }

        if (hours > 0 || minutes > 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"{minutes}m");
        }

        return text.Append((inMinute / 1000m).ToString("0.###", CultureInfo.InvariantCulture)).Append('s').ToString();
    }

    /// <summary>Bytes with a binary unit.</summary>
    public static string Size(long bytes) => bytes switch
    {
        < 1 << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
        < 1 << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1073741824.0:0.0} GiB"),
    };

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
