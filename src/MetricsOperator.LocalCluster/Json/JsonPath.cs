using System.Globalization;
using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Json;

/// <summary>The part of JSONPath that printer columns use: fields, indexes, <c>[*]</c> and filters such as <c>[?(@.type=="Ready")]</c>.</summary>
internal static class JsonPath
{
    /// <summary>The values at the path; empty when there is none or the path cannot be read.</summary>
    public static IEnumerable<JsonNode?> Select(JsonNode? root, string path)
    {
        IEnumerable<JsonNode?> current = [root];
        var i = 0;
        while (i < path.Length)
        {
            switch (path[i])
            {
                case '.':
                    var start = ++i;
                    while (i < path.Length && path[i] is not ('.' or '['))
                    {
                        // A backslash keeps a dot inside a name (labels and annotations).
                        i += path[i] == '\\' && i + 1 < path.Length ? 2 : 1;
                    }

                    var name = path[start..i].Replace("\\", string.Empty, StringComparison.Ordinal);
                    if (name.Length > 0)
                    {
                        current = current.SelectMany(n => Field(n, name));
                    }

                    break;
                case '[':
                    var end = path.IndexOf(']', path[i..].StartsWith("[?(", StringComparison.Ordinal) ? path.IndexOf(')', i) is var c and > 0 ? c : i : i);
                    if (end < 0)
                    {
                        return [];
                    }

                    var inside = path[(i + 1)..end];
                    current = current.SelectMany(n => Bracket(n, inside));
                    i = end + 1;
                    break;
                default:
                    return [];
            }
        }

        return current;
    }

    private static IEnumerable<JsonNode?> Field(JsonNode? node, string name) => node is JsonObject obj && obj.TryGetPropertyValue(name, out var value) ? [value] : [];

    private static IEnumerable<JsonNode?> Bracket(JsonNode? node, string inside)
    {
        if (inside == "*")
        {
            return node switch
            {
                JsonArray all => all,
                JsonObject obj => obj.Select(p => p.Value),
                _ => [],
            };
        }

        if (inside.StartsWith('\'') || inside.StartsWith('"'))
        {
            return Field(node, inside.Trim('\'', '"'));
        }

        if (inside.StartsWith("?(", StringComparison.Ordinal))
        {
            return node is JsonArray array ? array.Where(item => Holds(item, inside[2..].TrimEnd(')'))) : [];
        }

        if (node is JsonArray list && int.TryParse(inside, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
        {
            index = index < 0 ? list.Count + index : index;
            return index >= 0 && index < list.Count ? [list[index]] : [];
        }

        return [];
    }

    private static bool Holds(JsonNode? item, string condition)
    {
        foreach (var sign in new[] { "==", "!=" })
        {
            var at = condition.IndexOf(sign, StringComparison.Ordinal);
            if (at > 0)
            {
                var left = Select(item, condition[..at].Trim().TrimStart('@')).FirstOrDefault();
                var text = left.AsString() ?? (left is null ? null : JsonDocuments.ToText(left));
                return (text == condition[(at + 2)..].Trim().Trim('"', '\'')) == (sign == "==");
            }
        }

        return Select(item, condition.Trim().TrimStart('@')).Any();
    }
}
