using System.Text.Unicode;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>
/// Walks what stands between the braces of a sample line, one label at a time. The same walk checks a line and reads its labels, so what
/// was accepted can be read. Names and values are raw: quotes are off, escapes are still in.
/// </summary>
internal ref struct LabelScanner
{
    private readonly ReadOnlySpan<byte> _body;
    private readonly ExpositionFormat _format;
    private readonly bool _isUtf8;
    private int _position;

    /// <param name="body">The whole scrape body.</param>
    /// <param name="position">The first byte after the opening brace.</param>
    /// <param name="format">OpenMetrics allows no white space here.</param>
    /// <param name="isUtf8">True if the body is known to be valid UTF-8.</param>
    public LabelScanner(ReadOnlySpan<byte> body, int position, ExpositionFormat format, bool isUtf8)
    {
        _body = body;
        _position = position;
        _format = format;
        _isUtf8 = isUtf8;
    }

    /// <summary>Name of the label, or the metric name when <see cref="IsMetricName"/>.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>Value of the label.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>True if the current item is a quoted metric name: <c>{"my.metric",...}</c>.</summary>
    public bool IsMetricName { get; private set; }

    /// <summary>Where the walk is; one past the closing brace after the last label.</summary>
    public readonly int Position => _position;

    /// <summary>What is wrong, once <see cref="Next"/> returned false; null at a regular end.</summary>
    public string? Error { get; private set; }

    /// <summary>Goes to the next label; false at the closing brace and on an error.</summary>
    public bool Next()
    {
        SkipSpace();
        if (_position >= _body.Length)
        {
            return Fail("a label name or \"}\"");
        }

        var first = _body[_position];
        if (first == '}')
        {
            _position++;
            return false;
        }

        var isQuoted = first == '"';
        if (isQuoted)
        {
            if (!TryReadQuoted(out var quoted))
            {
                return false;
            }

            Name = quoted;
        }
        else if (NameBytes.StartsLabelName(first))
        {
            var start = _position;
            do
            {
                _position++;
            }
            while (_position < _body.Length && NameBytes.ContinuesLabelName(_body[_position]));
            Name = _body[start.._position];
        }
        else
        {
            return Fail("a label name or \"}\"");
        }

        if (Name.IsEmpty)
        {
            Error = "the name in quotes is empty";
            return false;
        }

        SkipSpace();
        var next = _position < _body.Length ? _body[_position] : (byte)0;
        IsMetricName = isQuoted && next is (byte)',' or (byte)'}';
        if (IsMetricName)
        {
            _position += next == ',' ? 1 : 0;
            return true;
        }

        if (next != '=')
        {
            return Fail("\"=\" after the label name");
        }

        _position++;
        SkipSpace();
        if (_position >= _body.Length || _body[_position] != '"')
        {
            return Fail("a quoted label value");
        }

        if (!TryReadQuoted(out var value))
        {
            return false;
        }

        Value = value;
        SkipSpace();
        if (_position < _body.Length && _body[_position] == ',')
        {
            _position++;
        }
        else if (_format == ExpositionFormat.OpenMetrics && (_position >= _body.Length || _body[_position] != '}'))
        {
            return Fail("\",\" or \"}\" after the label value");
        }

        return true;
    }

    private readonly void SkipSpaceFrom(ref int position)
    {
        while (position < _body.Length && _body[position] is (byte)' ' or (byte)'\t')
        {
            position++;
        }
    }

    private void SkipSpace()
    {
        if (_format == ExpositionFormat.Text)
        {
            SkipSpaceFrom(ref _position);
        }
    }

    private bool TryReadQuoted(out ReadOnlySpan<byte> text)
    {
        var start = _position + 1;
        var end = start;
        while (true)
        {
            var rest = _body[Math.Min(end, _body.Length)..];
            var found = _format == ExpositionFormat.Text ? rest.IndexOfAny((byte)'"', (byte)'\\') : rest.IndexOfAny((byte)'"', (byte)'\\', (byte)'\n');
            if (found < 0 || rest[found] == '\n')
            {
                text = default;
                Error = "a quoted text has no closing quote";
                return false;
            }

            end += found;
            if (_body[end] == '"')
            {
                break;
            }

            // The escaped byte is part of the text whatever it is.
            end += 2;
        }

        text = _body[start..end];
        if (!_isUtf8 && !Utf8.IsValid(text))
        {
            Error = "a name or label value is not valid UTF-8";
            return false;
        }

        _position = end + 1;
        return true;
    }

    private bool Fail(string want)
    {
        Error = $"got {NameBytes.Show(_body, _position)}, want {want}";
        return false;
    }
}
