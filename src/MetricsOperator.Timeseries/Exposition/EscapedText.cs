using System.Text;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>Undoes the escapes of label values and help texts: <c>\\</c>, <c>\n</c> and <c>\"</c>; any other backslash stays.</summary>
internal static class EscapedText
{
    /// <summary>Writes the text without escapes; needs no more room than the text itself.</summary>
    public static int Unescape(ReadOnlySpan<byte> text, bool quotes, Span<byte> destination)
    {
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var b = text[i];
            if (b == '\\' && i + 1 < text.Length)
            {
                var next = text[i + 1];
                if (next == '\\' || (quotes && next == '"'))
                {
                    b = next;
                    i++;
                }
                else if (next == 'n')
                {
                    b = (byte)'\n';
                    i++;
                }
            }

            destination[length++] = b;
        }

        return length;
    }

    public static string ToString(ReadOnlySpan<byte> text, bool quotes)
    {
        if (!text.Contains((byte)'\\'))
        {
            return Encoding.UTF8.GetString(text);
        }

        var plain = new byte[text.Length];
        return Encoding.UTF8.GetString(plain, 0, Unescape(text, quotes, plain));
    }
}
