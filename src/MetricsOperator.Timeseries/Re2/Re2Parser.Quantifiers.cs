namespace MetricsOperator.Timeseries.Re2;

internal sealed partial class Re2Parser
{
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
}
