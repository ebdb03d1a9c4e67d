using System.Globalization;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>Which bytes make an unquoted name, and how a byte is shown in an error.</summary>
internal static class NameBytes
{
    public static bool StartsMetricName(byte b) => char.IsAsciiLetter((char)b) || b is (byte)'_' or (byte)':';

    public static bool ContinuesMetricName(byte b) => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'_' or (byte)':';

    public static bool StartsLabelName(byte b) => char.IsAsciiLetter((char)b) || b == '_';

    public static bool ContinuesLabelName(byte b) => char.IsAsciiLetterOrDigit((char)b) || b == '_';

    /// <summary>The byte at a position for an error message: <c>"x"</c>, <c>0x00</c>, <c>end of line</c>, <c>end of body</c>.</summary>
    public static string Show(ReadOnlySpan<byte> body, int position)
    {
        if (position >= body.Length)
        {
            return "end of body";
        }

        var b = body[position];
        return b switch
        {
            (byte)'\n' => "end of line",
            > 0x20 and < 0x7F => $"\"{(char)b}\"",
            (byte)' ' => "a space",
            _ => string.Create(CultureInfo.InvariantCulture, $"0x{b:x2}"),
        };
    }
}
