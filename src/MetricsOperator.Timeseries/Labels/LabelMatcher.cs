using System.Text;

namespace MetricsOperator.Timeseries.Labels;

/// <summary>How a matcher compares a label value.</summary>
public enum MatchType : byte
{
    Equal,
    NotEqual,
    RegexMatch,
    RegexNoMatch,
}

/// <summary>Matches one label of a series: <c>=</c>, <c>!=</c>, <c>=~</c>, <c>!~</c>; a label that does not exist has the empty value.</summary>
public sealed class LabelMatcher
{
    private readonly byte[] _value;
    private readonly AnchoredRegex? _regex;

    /// <summary>Compiles the matcher.</summary>
    /// <exception cref="ArgumentException">The regular expression is not valid RE2; the message says where.</exception>
    public LabelMatcher(MatchType type, string name, string value)
    {
        Type = type;
        Name = name;
        NameUtf8 = Encoding.UTF8.GetBytes(name);
        Value = value;
        _value = Encoding.UTF8.GetBytes(value);
        _regex = type is MatchType.RegexMatch or MatchType.RegexNoMatch ? new AnchoredRegex(value) : null;
        MatchesEmpty = Matches(default(ReadOnlySpan<byte>));
    }

    public MatchType Type { get; }

    public string Name { get; }

    /// <summary>The name as UTF-8; not to be changed.</summary>
    public byte[] NameUtf8 { get; }

    /// <summary>The value or regular expression as written.</summary>
    public string Value { get; }

    /// <summary>True if a series without this label matches.</summary>
    public bool MatchesEmpty { get; }

    /// <summary>True for <c>!=</c> and <c>!~</c>.</summary>
    public bool IsNegative => Type is MatchType.NotEqual or MatchType.RegexNoMatch;

    /// <summary>For a regular expression that is an alternation of literals (<c>a|b|c</c>): those values; otherwise null.</summary>
    public IReadOnlyList<string>? LiteralAlternatives => _regex?.Literals;

    /// <summary>True if a label value (UTF-8) satisfies the matcher.</summary>
    public bool Matches(ReadOnlySpan<byte> value) => Type switch
    {
        MatchType.Equal => value.SequenceEqual(_value),
        MatchType.NotEqual => !value.SequenceEqual(_value),
        MatchType.RegexMatch => _regex!.IsMatch(value),
        _ => !_regex!.IsMatch(value),
    };

    /// <inheritdoc cref="Matches(ReadOnlySpan{byte})"/>
    public bool Matches(string value) => Matches(Encoding.UTF8.GetBytes(value));

    /// <summary>True if the series' label satisfies the matcher.</summary>
    public bool Matches(LabelSet labels) => Matches(labels.GetUtf8(NameUtf8));

    public override string ToString() => Name + Operator(Type) + LabelNames.Quote(Value);

    private static string Operator(MatchType type) => type switch
    {
        MatchType.Equal => "=",
        MatchType.NotEqual => "!=",
        MatchType.RegexMatch => "=~",
        _ => "!~",
    };
}
