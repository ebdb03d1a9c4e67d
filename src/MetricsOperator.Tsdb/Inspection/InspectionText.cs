using System.Globalization;
using System.Text;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>How reports write times and series.</summary>
internal static class InspectionText
{
    /// <summary>A time in ms as UTC text, or as a number when no calendar has it.</summary>
    public static string Time(long milliseconds)
    {
        const long FirstMs = -62135596800000;
        const long LastMs = 253402300799999;
        return milliseconds is < FirstMs or > LastMs
            ? milliseconds.ToString(CultureInfo.InvariantCulture)
            : DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
    }

    public static string Range(long minTime, long maxTime) => $"{Time(minTime)} to {Time(maxTime)}";

    /// <summary>Labels as a log record has them: per label two texts.</summary>
    public static string Labels(ReadOnlySpan<byte> encoded)
    {
        var text = new StringBuilder("{");
        var reader = new ByteReader(encoded);
        while (reader.Remaining > 0)
        {
            text.Append(text.Length > 1 ? ", " : string.Empty)
                .Append(Encoding.UTF8.GetString(reader.Text()))
                .Append('=')
                .Append(LabelNames.Quote(Encoding.UTF8.GetString(reader.Text())));
        }

        return text.Append('}').ToString();
    }
}
