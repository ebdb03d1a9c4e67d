using System.Text;

namespace MetricsOperator.Timeseries.Re2;

/// <summary>
/// Parses RE2 syntax as Go's regexp/syntax takes it, so that an expression means here what it means in Prometheus and what has no place
/// in RE2 (look-around, back-references, possessive quantifiers) is refused with its position.
/// </summary>
internal sealed partial class Re2Parser
{
    private const int MaxDepth = 250;
    private const int MaxRepeat = 1000;

    private readonly string _pattern;
    private readonly List<string?> _groupNames = [null];
    private int _position;
    private int _depth;
    private Flags _flags;

    private Re2Parser(string pattern, Flags flags)
    {
        _pattern = pattern;
        _flags = flags;
    }

    [Flags]
    private enum Flags : byte
    {
        None = 0,
        FoldCase = 1,
        MultiLine = 2,
        DotAll = 4,
        Ungreedy = 8,
    }

    private bool AtEnd => _position >= _pattern.Length;

    /// <summary>Parses an expression in which dot matches newline.</summary>
    /// <param name="pattern">The expression.</param>
    /// <param name="groupNames">Names of the groups by number, null where a group has none; entry 0 is the whole match.</param>
    /// <exception cref="Re2SyntaxException">The expression is not RE2.</exception>
    public static Re2Node Parse(string pattern, out IReadOnlyList<string?> groupNames)
    {
        var parser = new Re2Parser(pattern, Flags.DotAll);
        groupNames = parser._groupNames;
        var node = parser.Alternation();
        if (!parser.AtEnd)
        {
            throw parser.Error("unexpected )", pattern, parser._position);
        }

        return node;
    }

    private Re2Node Alternation()
    {
        if (++_depth > MaxDepth)
        {
            throw Error("expression nests too deeply", _pattern, _position);
        }

        var choices = new List<Re2Node> { Concatenation() };
        while (!AtEnd && _pattern[_position] == '|')
        {
            _position++;
            choices.Add(Concatenation());
        }

        _depth--;
        return choices.Count == 1 ? choices[0] : new Re2Alternate(choices);
    }

    private Re2Node Concatenation()
    {
        var parts = new List<Re2Node>();
        var lastRepeat = -1;
        while (!AtEnd && _pattern[_position] is not ('|' or ')'))
        {
            var start = _position;
            if (TryReadQuantifier(out var min, out var max, out var lazy))
            {
                // A quantifier right after a quantifier has no meaning in RE2 (x** and the possessive x*+).
                if (lastRepeat >= 0 && lastRepeat < start)
                {
                    throw Error("invalid nested repetition operator", _pattern[lastRepeat.._position], lastRepeat);
                }

                if (parts.Count == 0)
                {
                    throw Error("missing argument to repetition operator", _pattern[start.._position], start);
                }

                parts[^1] = new Re2Repeat(parts[^1], min, max, lazy);
                if (!IsRepeatBounded(parts[^1], MaxRepeat))
                {
                    throw Error("invalid repeat count", _pattern[start.._position], start);
                }

                lastRepeat = start;
                continue;
            }

            lastRepeat = -1;
            ReadAtom(parts);
        }

        return parts.Count switch
        {
            0 => new Re2Empty(),
            1 => parts[0],
            _ => new Re2Concat(MergeLiterals(parts)),
        };
    }

    // Each code point is an atom of its own while quantifiers may follow; afterwards neighbours become one literal.
    private static List<Re2Node> MergeLiterals(List<Re2Node> parts)
    {
        var merged = new List<Re2Node>(parts.Count);
        foreach (var part in parts)
        {
            if (part is Re2Literal next && merged.Count > 0 && merged[^1] is Re2Literal last && last.FoldCase == next.FoldCase)
            {
                merged[^1] = last with { Text = last.Text + next.Text };
            }
            else
            {
                merged.Add(part);
            }
        }

        return merged;
    }

    private void ReadAtom(List<Re2Node> parts)
    {
        switch (_pattern[_position])
        {
            case '(':
                if (Group() is { } group)
                {
                    parts.Add(group);
                }

                break;
            case '[':
                parts.Add(new Re2Class(Brackets(), Has(Flags.FoldCase)));
                break;
            case '.':
                _position++;
                parts.Add(new Re2Any(Has(Flags.DotAll)));
                break;
            case '^':
                _position++;
                parts.Add(new Re2Assertion(Has(Flags.MultiLine) ? Re2Place.LineStart : Re2Place.TextStart));
                break;
            case '$':
                _position++;
                parts.Add(new Re2Assertion(Has(Flags.MultiLine) ? Re2Place.LineEnd : Re2Place.TextEnd));
                break;
            case '\\' when _position + 1 < _pattern.Length && _pattern[_position + 1] == 'Q':
                ReadQuoted(parts);
                break;
            case '\\':
                parts.Add(Escape());
                break;
            default:
                parts.Add(Literal(ReadCodePoint()));
                break;
        }
    }

    private Re2Literal Literal(int codePoint) => new(new Rune(codePoint).ToString(), Has(Flags.FoldCase));

    private int ReadCodePoint()
    {
        if (!Rune.TryGetRuneAt(_pattern, _position, out var rune))
        {
            throw Error("invalid UTF-8", "", _position);
        }

        _position += rune.Utf16SequenceLength;
        return rune.Value;
    }

    private bool Has(Flags flag) => (_flags & flag) != 0;

    private Re2SyntaxException Error(string reason, string where, int offset) => new(reason, where, offset);
}
