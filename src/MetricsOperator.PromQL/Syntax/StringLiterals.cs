using System.Globalization;
using System.Text;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>
/// Quoting rules of string literals. A byte written as an escape that is not part of valid UTF-8 is kept as the lone surrogate
/// U+DC00 + byte, so that it can be shown again and is never a valid label name.
/// </summary>
internal static class StringLiterals
{
    /// <summary>Reads over an escape sequence whose backslash precedes <paramref name="position"/>; returns what is wrong with it, or null.</summary>
    public static string? CheckEscape(string text, char quote, ref int position)
    {
        if (position >= text.Length)
        {
            return "escape sequence not terminated";
        }

        var c = text[position];
        if (c is 'a' or 'b' or 'f' or 'n' or 'r' or 't' or 'v' or '\\' || c == quote)
        {
            position++;
            return null;
        }

        int digits;
        int numberBase;
        switch (c)
        {
            case >= '0' and <= '7':
                (digits, numberBase) = (3, 8);
                break;
            case 'x':
                (digits, numberBase) = (2, 16);
                position++;
                break;
            case 'u':
                (digits, numberBase) = (4, 16);
                position++;
                break;
            case 'U':
                (digits, numberBase) = (8, 16);
                position++;
                break;
            default:
                return "unknown escape sequence " + Describe(text, position);
        }

        var value = 0L;
        for (var i = 0; i < digits; i++, position++)
        {
            if (position >= text.Length)
            {
                return "escape sequence not terminated";
            }

            var digit = char.IsAsciiHexDigit(text[position]) ? Convert.ToInt32(text[position].ToString(), 16) : 99;
            if (digit >= numberBase)
            {
                return $"illegal character {Describe(text, position)} in escape sequence";
            }

            value = (value * numberBase) + digit;
        }

        var max = c is 'u' or 'U' ? 0x10FFFF : 255;
        return value > max || value is >= 0xD800 and < 0xE000 ? "escape sequence is an invalid Unicode code point" : null;
    }

    /// <summary>The text of a literal that the lexer has accepted.</summary>
    public static string Unquote(string literal)
    {
        var quote = literal[0];
        var body = literal[1..^1];
        if (quote == '`' || !body.Contains('\\', StringComparison.Ordinal))
        {
            return body;
        }

        var bytes = new List<byte>(body.Length);
        Span<byte> utf8 = stackalloc byte[4];
        for (var i = 0; i < body.Length;)
        {
            if (body[i] != '\\')
            {
                Rune.DecodeFromUtf16(body.AsSpan(i), out var rune, out var consumed);
                bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
                i += consumed;
                continue;
            }

            var c = body[i + 1];
            i += 2;
            switch (c)
            {
                case 'a': bytes.Add(7); break;
                case 'b': bytes.Add(8); break;
                case 'f': bytes.Add(12); break;
                case 'n': bytes.Add(10); break;
                case 'r': bytes.Add(13); break;
                case 't': bytes.Add(9); break;
                case 'v': bytes.Add(11); break;
                case 'x':
                    bytes.Add(Convert.ToByte(body.Substring(i, 2), 16));
                    i += 2;
                    break;
                case >= '0' and <= '7':
                    bytes.Add((byte)Convert.ToInt32(body.Substring(i - 1, 3), 8));
                    i += 2;
                    break;
                case 'u' or 'U':
                    var length = c == 'u' ? 4 : 8;
                    bytes.AddRange(utf8[..new Rune(Convert.ToInt32(body.Substring(i, length), 16)).EncodeToUtf8(utf8)]);
                    i += length;
                    break;
                default: bytes.Add((byte)c); break;
            }
        }

        return Decode(bytes.ToArray());
    }

    /// <summary>Quotes as Go's strconv.Quote does; kept bytes come out as <c>\xNN</c>.</summary>
    public static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        for (var i = 0; i < text.Length; i++)
        {
            AppendQuoted(quoted, text, ref i, '"');
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>Quotes one character as Go's %q does: <c>'x'</c>.</summary>
    public static string QuoteRune(string text, int position)
    {
        if (position >= text.Length)
        {
            return "'�'";
        }

        var quoted = new StringBuilder("'");
        AppendQuoted(quoted, text, ref position, '\'');
        return quoted.Append('\'').ToString();
    }

    /// <summary>True if the text is valid as UTF-8, that is, has no kept byte.</summary>
    public static bool IsValidUtf8(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return false;
            }
        }

        return true;
    }

    private static string Decode(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var consumed) == System.Buffers.OperationStatus.Done)
            {
                text.Append(rune.ToString());
                bytes = bytes[consumed..];
            }
            else
            {
                text.Append((char)(0xDC00 + bytes[0]));
                bytes = bytes[1..];
            }
        }

        return text.ToString();
    }

    private static void AppendQuoted(StringBuilder into, string text, ref int index, char quote)
    {
        var c = text[index];
        if (c == quote || c == '\\')
        {
            into.Append('\\').Append(c);
            return;
        }

        switch (c)
        {
            case '\n': into.Append("\\n"); return;
            case '\r': into.Append("\\r"); return;
            case '\t': into.Append("\\t"); return;
            case '\a': into.Append("\\a"); return;
            case '\b': into.Append("\\b"); return;
            case '\f': into.Append("\\f"); return;
            case '\v': into.Append("\\v"); return;
        }

        if (char.IsHighSurrogate(c) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]))
        {
            into.Append(c).Append(text[++index]);
        }
        else if (char.IsSurrogate(c))
        {
            into.Append(CultureInfo.InvariantCulture, $"\\x{c - 0xDC00:x2}");
        }
        else if (c is < ' ' or '\x7F')
        {
            into.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
        }
        else if (char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned)
        {
            into.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        }
        else
        {
            into.Append(c);
        }
    }

    private static string Describe(string text, int position)
    {
        Rune.DecodeFromUtf16(text.AsSpan(position), out var rune, out _);
        return string.Create(CultureInfo.InvariantCulture, $"U+{rune.Value:X4} '{rune}'");
    }
}
