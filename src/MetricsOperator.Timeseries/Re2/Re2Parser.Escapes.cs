using System.Globalization;
using System.Text;

namespace MetricsOperator.Timeseries.Re2;

internal sealed partial class Re2Parser
{
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
}
