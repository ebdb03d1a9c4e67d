namespace MetricsOperator.Timeseries.Re2;

internal sealed partial class Re2Parser
{
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
}
