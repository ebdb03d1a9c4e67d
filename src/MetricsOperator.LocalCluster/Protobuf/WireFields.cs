using System.Globalization;
using System.Reflection;

namespace MetricsOperator.LocalCluster.Protobuf;

/// <summary>One field of a protobuf message: its JSON name (empty for an inlined struct), its kind and, for messages, its type.</summary>
/// <param name="Name">JSON name.</param>
/// <param name="Kind">s, i, b, y, t (time), u (time with microseconds), q (quantity), o (int or string), : (message).</param>
/// <param name="Repeated">A list of the kind.</param>
/// <param name="Map">A map from string to the kind.</param>
/// <param name="Optional">Set when present, even to a zero value.</param>
/// <param name="Message">Type of a message.</param>
internal sealed record WireField(string Name, char Kind, bool Repeated, bool Map, bool Optional, string Message);

/// <summary>The messages of wire.fields by type name and field number.</summary>
internal static class WireFields
{
    private static readonly Dictionary<string, Dictionary<int, WireField>> Messages = Load();

    /// <summary>The fields of a message, or null when the type is not known.</summary>
    public static IReadOnlyDictionary<int, WireField>? Of(string type) => Messages.GetValueOrDefault(type);

    private static Dictionary<string, Dictionary<int, WireField>> Load()
    {
        var messages = new Dictionary<string, Dictionary<int, WireField>>(StringComparer.Ordinal);
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("wire.fields")!);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            messages[words[0]] = words[1..].Select(Parse).ToDictionary(f => f.Number, f => f.Field);
        }

        return messages;
    }

    private static (int Number, WireField Field) Parse(string word)
    {
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        var digits = word[(equals + 1)..].TakeWhile(char.IsDigit).Count();
        var kind = word[(equals + 1 + digits)..].TrimEnd('^');
        var repeated = kind[0] == 'r';
        var map = kind[0] == 'm';
        kind = repeated || map ? kind[1..] : kind;
        return (
            int.Parse(word.AsSpan(equals + 1, digits), CultureInfo.InvariantCulture),
            new WireField(word[..equals], kind[0], repeated, map, word.EndsWith('^'), kind[0] == ':' ? kind[1..] : string.Empty));
    }
}
