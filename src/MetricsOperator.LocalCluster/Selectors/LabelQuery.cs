using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Selectors;

/// <summary>A label selector in its text form: <c>a=b,c!=d,e in (f,g),h notin (i),j,!k</c>; empty selects everything.</summary>
public sealed class LabelQuery
{
    private readonly List<(string Key, string Operator, HashSet<string> Values)> _requirements = [];

    private LabelQuery()
    {
    }

    /// <exception cref="ApiStatusException">400 when the text is no selector.</exception>
    public static LabelQuery Parse(string? text)
    {
        var query = new LabelQuery();
        foreach (var part in Split(text ?? string.Empty))
        {
            query._requirements.Add(Requirement(part.Trim(), text!));
        }

        return query;
    }

    /// <summary>From matchLabels and matchExpressions; null selects nothing, an empty object everything.</summary>
    public static LabelQuery? FromSelector(JsonObject? selector)
    {
        if (selector is null)
        {
            return null;
        }

        var query = new LabelQuery();
        foreach (var (key, value) in selector.ObjectAt("matchLabels") ?? [])
        {
            query._requirements.Add((key, "In", [value.AsString() ?? string.Empty]));
        }

        foreach (var expression in selector.ObjectsAt("matchExpressions"))
        {
            query._requirements.Add((expression.StringAt("key") ?? string.Empty, expression.StringAt("operator") ?? string.Empty, [.. expression.StringsAt("values")]));
        }

        return query;
    }

    /// <summary>Whether the labels (a metadata.labels object, or null for none) satisfy every requirement.</summary>
    public bool Matches(JsonObject? labels) => _requirements.TrueForAll(r =>
    {
        var value = labels.StringAt(r.Key);
        return r.Operator switch
        {
            "In" => value is not null && r.Values.Contains(value),
            "NotIn" => value is null || !r.Values.Contains(value),
            "Exists" => value is not null,
            _ => value is null,
        };
    });

    private static (string Key, string Operator, HashSet<string> Values) Requirement(string part, string text)
    {
        if (part.StartsWith('!'))
        {
            return (part[1..].Trim(), "DoesNotExist", []);
        }

        foreach (var (sign, operation) in new[] { ("!=", "NotIn"), ("==", "In"), ("=", "In") })
        {
            if (part.IndexOf(sign, StringComparison.Ordinal) is var at and > 0 && !part.Contains('('))
            {
                return (part[..at].Trim(), operation, [part[(at + sign.Length)..].Trim()]);
            }
        }

        if (part.IndexOf('(', StringComparison.Ordinal) is var open and > 0 && part.EndsWith(')'))
        {
            var words = part[..open].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words is [var key, "in" or "notin"])
            {
                return (key, words[1] == "in" ? "In" : "NotIn", [.. part[(open + 1)..^1].Split(',').Select(v => v.Trim())]);
            }
        }

        if (part.Length == 0 || part.AsSpan().IndexOfAny(" ()<>") >= 0)
        {
            throw ApiErrors.BadRequest($"unable to parse requirement: found '{part}' in '{text}'");
        }

        return (part, "Exists", []);
    }

    private static IEnumerable<string> Split(string text)
    {
        var depth = 0;
        var start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            depth += text[i] switch { '(' => 1, ')' => -1, _ => 0 };
            if (text[i] == ',' && depth == 0)
            {
                yield return text[start..i];
                start = i + 1;
            }
        }

        if (text.Length > start)
        {
            yield return text[start..];
        }
    }
}
