namespace MetricsOperator.Timeseries.Re2;

internal sealed partial class Re2Parser
{
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
}
