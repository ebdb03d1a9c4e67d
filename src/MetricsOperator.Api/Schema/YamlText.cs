using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MetricsOperator.Api.Schema;

/// <summary>
/// Writes JSON documents as block-style YAML: members in the order they were added, two spaces, strings quoted only where YAML would read
/// something else. The same document always gives the same bytes.
/// </summary>
public static partial class YamlText
{
    /// <summary>The document with a line end after it.</summary>
    public static string Write(JsonNode? document)
    {
        var text = new StringBuilder();
        WriteValue(text, document, 0, inline: false);
        return text.ToString();
    }

    private static void WriteValue(StringBuilder text, JsonNode? node, int indent, bool inline)
    {
        switch (node)
        {
            case JsonObject { Count: > 0 } map:
                WriteMap(text, map, indent, inline);
                break;
            case JsonArray { Count: > 0 } list:
                WriteList(text, list, indent);
                break;
            default:
                text.Append(Scalar(node, indent)).Append('\n');
                break;
        }
    }

    private static void WriteMap(StringBuilder text, JsonObject map, int indent, bool inline)
    {
        var first = inline;
        foreach (var (name, value) in map)
        {
            if (!first)
            {
                text.Append(' ', indent);
            }

            first = false;
            text.Append(Quoted(name, 0)).Append(':');
            if (value is JsonObject { Count: > 0 })
            {
                text.Append('\n');
                WriteValue(text, value, indent + 2, inline: false);
            }
            else if (value is JsonArray { Count: > 0 } list)
            {
                text.Append('\n');
                WriteList(text, list, indent);
            }
            else
            {
                text.Append(' ').Append(Scalar(value, indent)).Append('\n');
            }
        }
    }

    private static void WriteList(StringBuilder text, JsonArray list, int indent)
    {
        foreach (var item in list)
        {
            text.Append(' ', indent).Append("- ");
            if (item is JsonArray { Count: > 0 } inner)
            {
                text.Append('\n');
                WriteList(text, inner, indent + 2);
            }
            else
            {
                WriteValue(text, item, indent + 2, inline: true);
            }
        }
    }

    private static string Scalar(JsonNode? node, int indent) => node switch
    {
        null => "null",
        JsonObject => "{}",
        JsonArray => "[]",
        JsonValue value when value.GetValueKind() == JsonValueKind.String => Quoted(value.GetValue<string>(), indent),
        _ => node.ToJsonString(),
    };

    private static string Quoted(string value, int indent)
    {
        if (value.Contains('\n', StringComparison.Ordinal) && IsBlockSafe(value))
        {
            return Block(value, indent);
        }

        return PlainShape().IsMatch(value)
            && !ReservedWord().IsMatch(value)
            && !value.Contains(": ", StringComparison.Ordinal)
            && !value.Contains(" #", StringComparison.Ordinal)
            && !value.EndsWith(':')
            && !value.EndsWith(' ')
                ? value
                : DoubleQuoted(value);
    }

    private static bool IsBlockSafe(string value) =>
        !value.StartsWith(' ') && !value.StartsWith('\n') && value.EndsWith('\n') && !value.EndsWith("\n\n", StringComparison.Ordinal)
        && value.All(c => c is '\n' or (>= ' ' and not '\u007f')) && !value.Contains(" \n", StringComparison.Ordinal);

    private static string Block(string value, int indent)
    {
        var text = new StringBuilder("|");
        foreach (var line in value.TrimEnd('\n').Split('\n'))
        {
            text.Append('\n');
            if (line.Length > 0)
            {
                text.Append(' ', indent + 2).Append(line);
            }
        }

        return text.ToString();
    }

    private static string DoubleQuoted(string value)
    {
        var text = new StringBuilder("\"");
        foreach (var c in value)
        {
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                < ' ' or '\u007f' => text.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
                _ => text.Append(c),
            };
        }

        return text.Append('"').ToString();
    }

    // Starts with a character that no YAML construct starts with and holds printable ASCII only.
    [GeneratedRegex(@"^(?:[A-Za-z_/$(][\x20-\x7e]*|[0-9]+[A-DF-Za-df-wyz][A-Za-z]?)\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainShape();

    [GeneratedRegex(@"^(?:null|true|false|yes|no|on|off|y|n|\.nan|\.inf)\z", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex ReservedWord();
}
