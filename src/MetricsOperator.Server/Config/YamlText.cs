using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace MetricsOperator.Server.Config;

/// <summary>Writes block-style YAML line by line: mappings, lists of mappings, lists of scalars.</summary>
internal sealed class YamlText
{
    private readonly StringBuilder _text = new();
    private int _indent;
    private bool _firstOfItem;

    public override string ToString() => _text.ToString();

    /// <summary>Writes <c>key: value</c>.</summary>
    public YamlText Field(string key, string value) => Line($"{Scalar(key)}: {Scalar(value)}");

    public YamlText Field(string key, bool value) => Line($"{Scalar(key)}: {(value ? "true" : "false")}");

    public YamlText Field(string key, long value) => Line(string.Create(CultureInfo.InvariantCulture, $"{Scalar(key)}: {value}"));

    public YamlText Field(string key, TimeSpan value) => Line($"{Scalar(key)}: {DurationText.Format(value)}");

    /// <summary>Writes the field only if it says something.</summary>
    public YamlText FieldIf(string key, string value) => value.Length == 0 ? this : Field(key, value);

    public YamlText FieldIf(string key, long value) => value == 0 ? this : Field(key, value);

    public YamlText FieldIf(string key, bool value) => value ? Field(key, value) : this;

    /// <summary>Writes a list of scalars, unless it is empty.</summary>
    public YamlText List(string key, IEnumerable<string> values)
    {
        var items = values.ToList();
        if (items.Count > 0)
        {
            Line($"{Scalar(key)}:");
            items.ForEach(v => Line($"- {Scalar(v)}"));
        }

        return this;
    }

    /// <summary>Writes a nested mapping.</summary>
    public YamlText Map(string key, Action<YamlText> body)
    {
        Line($"{Scalar(key)}:");
        return Nested(body);
    }

    /// <summary>Writes a list of mappings, unless it is empty.</summary>
    public YamlText List<T>(string key, IReadOnlyCollection<T> items, Action<YamlText, T> body)
    {
        if (items.Count > 0)
        {
            Line($"{Scalar(key)}:");
            foreach (var item in items)
            {
                Item(t => body(t, item));
            }
        }

        return this;
    }

    /// <summary>Writes one element of a list, whose fields follow the dash.</summary>
    public YamlText Item(Action<YamlText> body)
    {
        _firstOfItem = true;
        return Nested(body);
    }

    private static string Scalar(string value)
    {
        if (PlainText.IsMatch(value) && !LooksTyped.IsMatch(value))
        {
            return value;
        }

        return value.Any(char.IsControl)
            ? "\"" + string.Concat(value.Select(c => c is '"' or '\\' ? $"\\{c}" : char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString())) + "\""
            : "'" + value.Replace("'", "''", StringComparison.Ordinal) + "'";
    }

    private static readonly Regex PlainText = new(@"^[A-Za-z0-9_/.$(<][A-Za-z0-9_/.$()+*|=;<>@-]*(:[A-Za-z0-9_/.$()+*|=;<>@-]+)*$", RegexOptions.CultureInvariant);

    private static readonly Regex LooksTyped = new(
        "^(null|true|false|yes|no|on|off|y|n|[-+.]?[0-9].*|\\.inf|\\.nan)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase);

    private YamlText Nested(Action<YamlText> body)
    {
        _indent += 2;
        body(this);
        _indent -= 2;
        return this;
    }

    private YamlText Line(string line)
    {
        _text.Append(' ', _firstOfItem ? _indent - 2 : _indent).Append(_firstOfItem ? "- " : string.Empty).Append(line).Append('\n');
        _firstOfItem = false;
        return this;
    }
}
