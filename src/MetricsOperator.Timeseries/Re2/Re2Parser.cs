using System.Globalization;
using System.Text;

namespace MetricsOperator.Timeseries.Re2;

/// <summary>
/// Parses RE2 syntax as Go's regexp/syntax takes it, so that an expression means here what it means in Prometheus and what has no place
/// in RE2 (look-around, back-references, possessive quantifiers) is refused with its position.
/// </summary>
internal sealed class Re2Parser
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

    private bool TryReadQuantifier(out int min, out int max, out bool lazy)
    {
        (min, max, lazy) = (0, -1, false);
        var start = _position;
        switch (_pattern[_position])
        {
            case '*':
                _position++;
                break;
            case '+':
                min = 1;
                _position++;
                break;
            case '?':
                max = 1;
                _position++;
                break;
            case '{' when TryReadCounts(out min, out max):
                if (min > MaxRepeat || max > MaxRepeat || (max >= 0 && min > max))
                {
                    throw Error("invalid repeat count", _pattern[start.._position], start);
                }

                break;
            default:
                return false;
        }

        lazy = (_flags & Flags.Ungreedy) != 0;
        if (!AtEnd && _pattern[_position] == '?')
        {
            lazy = !lazy;
            _position++;
        }

        return true;
    }

    // {n}, {n,} and {n,m}; anything else in braces is text.
    private bool TryReadCounts(out int min, out int max)
    {
        max = -1;
        var position = _position + 1;
        if (!TryReadCount(ref position, out min))
        {
            return false;
        }

        if (position < _pattern.Length && _pattern[position] == ',')
        {
            position++;
            if (position < _pattern.Length && _pattern[position] != '}' && !TryReadCount(ref position, out max))
            {
                return false;
            }
        }
        else
        {
            max = min;
        }

        if (position >= _pattern.Length || _pattern[position] != '}')
        {
            return false;
        }

        _position = position + 1;
        return true;
    }

    private bool TryReadCount(ref int position, out int count)
    {
        var start = position;
        count = 0;
        while (position < _pattern.Length && char.IsAsciiDigit(_pattern[position]))
        {
            count = Math.Min((count * 10) + (_pattern[position] - '0'), 1_000_000);
            position++;
        }

        // "{01}" is text, as in Go.
        return position > start && (position == start + 1 || _pattern[start] != '0');
    }

    // Repetitions inside of repetitions multiply; the product is bounded as well.
    private static bool IsRepeatBounded(Re2Node node, int limit)
    {
        switch (node)
        {
            case Re2Repeat repeat:
                var times = repeat.Max < 0 ? repeat.Min : repeat.Max;
                return times <= limit && IsRepeatBounded(repeat.Inner, times > 0 ? limit / times : limit);
            case Re2Concat concat:
                return concat.Parts.All(p => IsRepeatBounded(p, limit));
            case Re2Alternate alternate:
                return alternate.Choices.All(c => IsRepeatBounded(c, limit));
            case Re2Capture capture:
                return IsRepeatBounded(capture.Inner, limit);
            default:
                return true;
        }
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

    private Re2Node? Group()
    {
        var start = _position++;
        if (AtEnd || _pattern[_position] != '?')
        {
            _groupNames.Add(null);
            return new Re2Capture(GroupBody());
        }

        _position++;
        var rest = _pattern.AsSpan(_position);
        if (rest.StartsWith("P<") || (rest.StartsWith("<") && !rest.StartsWith("<=") && !rest.StartsWith("<!")))
        {
            _position += rest[0] == 'P' ? 2 : 1;
            var end = _pattern.IndexOf('>', _position);
            var name = end < 0 ? "" : _pattern[_position..end];
            if (name.Length == 0 || !name.All(ch => char.IsAsciiLetterOrDigit(ch) || ch == '_'))
            {
                throw Error("invalid named capture", _pattern[start..(end < 0 ? _pattern.Length : end + 1)], start);
            }

            _position = end + 1;
            _groupNames.Add(name);
            return new Re2Capture(GroupBody());
        }

        return FlagGroup(start);
    }

    private Re2Node GroupBody()
    {
        var before = _flags;
        var inner = Alternation();
        if (AtEnd)
        {
            throw Error("missing closing )", _pattern, _position);
        }

        _position++;
        _flags = before;
        return inner;
    }

    // Null for (?flags), which only holds for what follows. (?flags) and (?flags:...), flags from imsU, after a minus switched off.
    private Re2Node? FlagGroup(int start)
    {
        var flags = _flags;
        var negative = false;
        var sawFlag = false;
        while (!AtEnd)
        {
            var c = _pattern[_position++];
            var flag = c switch
            {
                'i' => Flags.FoldCase,
                'm' => Flags.MultiLine,
                's' => Flags.DotAll,
                'U' => Flags.Ungreedy,
                _ => Flags.None,
            };
            if (flag != Flags.None)
            {
                flags = negative ? flags & ~flag : flags | flag;
                sawFlag = true;
            }
            else if (c == '-' && !negative)
            {
                negative = true;
                sawFlag = false;
            }
            else if (c is ':' or ')' && (sawFlag || !negative))
            {
                if (c == ')')
                {
                    _flags = flags;
                    return null;
                }

                var before = _flags;
                _flags = flags;
                var inner = GroupBody();
                _flags = before;
                return inner;
            }
            else
            {
                break;
            }
        }

        throw Error("invalid or unsupported Perl syntax", _pattern[start..Math.Min(_position, _pattern.Length)], start);
    }

    private Re2Node Escape()
    {
        var start = _position;
        if (start + 1 >= _pattern.Length)
        {
            throw Error("trailing backslash at end of expression", "", start);
        }

        switch (_pattern[start + 1])
        {
            case 'A':
                _position += 2;
                return new Re2Assertion(Re2Place.TextStart);
            case 'z':
                _position += 2;
                return new Re2Assertion(Re2Place.TextEnd);
            case 'b':
                _position += 2;
                return new Re2Assertion(Re2Place.WordBoundary);
            case 'B':
                _position += 2;
                return new Re2Assertion(Re2Place.NoWordBoundary);
        }

        var set = new Re2CharSet();
        return TryReadClassEscape(set) ? new Re2Class(set, Has(Flags.FoldCase)) : Literal(ReadEscapedCodePoint());
    }

    private void ReadQuoted(List<Re2Node> parts)
    {
        var end = _pattern.IndexOf("\\E", _position + 2, StringComparison.Ordinal);
        var stop = end < 0 ? _pattern.Length : end;
        for (_position += 2; _position < stop;)
        {
            parts.Add(Literal(ReadCodePoint()));
        }

        _position = end < 0 ? stop : end + 2;
    }

    // \d \s \w \p and their negations.
    private bool TryReadClassEscape(Re2CharSet into)
    {
        var start = _position;
        var c = _position + 1 < _pattern.Length ? _pattern[_position + 1] : '\0';
        if (c is 'd' or 's' or 'w' or 'D' or 'S' or 'W')
        {
            into.TryAddNamed(char.ToLowerInvariant(c).ToString(), char.IsAsciiLetterUpper(c));
            _position += 2;
            return true;
        }

        if (c is not ('p' or 'P'))
        {
            return false;
        }

        _position += 2;
        var negated = c == 'P';
        string name;
        if (!AtEnd && _pattern[_position] == '{')
        {
            var end = _pattern.IndexOf('}', _position);
            name = end < 0 ? "" : _pattern[(_position + 1)..end];
            _position = end < 0 ? _pattern.Length : end + 1;
            if (name.StartsWith('^'))
            {
                negated = !negated;
                name = name[1..];
            }
        }
        else
        {
            name = AtEnd ? "" : _pattern[_position++].ToString();
        }

        if (!into.TryAddCategory(name, negated))
        {
            throw Error("invalid character class range", _pattern[start.._position], start);
        }

        return true;
    }

    private int ReadEscapedCodePoint()
    {
        var start = _position;
        _position++;
        if (AtEnd)
        {
            throw Error("trailing backslash at end of expression", "", start);
        }

        var c = _pattern[_position++];
        switch (c)
        {
            // One digit other than 0 would be a back-reference; more are octal.
            case >= '1' and <= '7' when AtEnd || _pattern[_position] is < '0' or > '7':
                break;
            case >= '0' and <= '7':
                var value = c - '0';
                for (var i = 1; i < 3 && !AtEnd && _pattern[_position] is >= '0' and <= '7'; i++)
                {
                    value = (value * 8) + (_pattern[_position++] - '0');
                }

                return value;
            case 'x':
                return ReadHex(start);
            case 'a':
                return '\a';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'v':
                return '\v';
            case < (char)0x80 when !char.IsAsciiLetterOrDigit(c):
                return c;
        }

        throw Error("invalid escape sequence", _pattern[start.._position], start);
    }

    private int ReadHex(int start)
    {
        var text = ReadOnlySpan<char>.Empty;
        if (!AtEnd && _pattern[_position] == '{')
        {
            var end = _pattern.IndexOf('}', _position);
            text = end < 0 ? text : _pattern.AsSpan(_position + 1, end - _position - 1);
            _position = end < 0 ? _pattern.Length : end + 1;
        }
        else if (_position + 2 <= _pattern.Length)
        {
            text = _pattern.AsSpan(_position, 2);
            _position += 2;
        }

        if (int.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value) && Rune.IsValid(value))
        {
            return value;
        }

        throw Error("invalid escape sequence", _pattern[start.._position], start);
    }

    private Re2CharSet Brackets()
    {
        var start = _position++;
        var set = new Re2CharSet();
        if (!AtEnd && _pattern[_position] == '^')
        {
            set.Negated = true;
            _position++;
        }

        var first = true;
        while (AtEnd || _pattern[_position] != ']' || first)
        {
            if (AtEnd)
            {
                throw Error("missing closing ]", _pattern[start..], start);
            }

            first = false;
            if (TryReadNamedClass(set) || (_pattern[_position] == '\\' && TryReadClassEscape(set)))
            {
                continue;
            }

            var itemStart = _position;
            var low = ReadClassMember(start);
            var high = low;
            if (_position + 1 < _pattern.Length && _pattern[_position] == '-' && _pattern[_position + 1] != ']')
            {
                _position++;
                high = ReadClassMember(start);
                if (high < low)
                {
                    throw Error("invalid character class range", _pattern[itemStart.._position], itemStart);
                }
            }

            set.Add(low, high);
        }

        _position++;
        return set;
    }

    private int ReadClassMember(int start)
    {
        if (AtEnd)
        {
            throw Error("missing closing ]", _pattern[start..], start);
        }

        return _pattern[_position] == '\\' ? ReadEscapedCodePoint() : ReadCodePoint();
    }

    // [:alpha:] and [:^alpha:].
    private bool TryReadNamedClass(Re2CharSet set)
    {
        if (!_pattern.AsSpan(_position).StartsWith("[:"))
        {
            return false;
        }

        var end = _pattern.IndexOf(":]", _position + 2, StringComparison.Ordinal);
        if (end < 0)
        {
            return false;
        }

        var name = _pattern[(_position + 2)..end];
        var negated = name.StartsWith('^');
        if (!set.TryAddNamed(negated ? name[1..] : name, negated) || name.TrimStart('^').Length == 1)
        {
            throw Error("invalid character class range", _pattern[_position..(end + 2)], _position);
        }

        _position = end + 2;
        return true;
    }

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
