using System.Buffers.Text;
using System.Text.Unicode;

namespace MetricsOperator.Timeseries.Exposition;

public ref partial struct ExpositionReader
{
    private ExpositionEntry NextText()
    {
        while (_position < _body.Length && _body[_position] is (byte)' ' or (byte)'\t' or (byte)'\n')
        {
            _position++;
        }

        if (_position >= _body.Length)
        {
            return End();
        }

        return _body[_position] == '#' ? TextComment() : TextSample();
    }

    private ExpositionEntry TextSample()
    {
        _exemplarLabels = 0;
        if (!TryReadSeries())
        {
            return ExpositionEntry.Error;
        }

        _position = AfterSpace(_position);
        if (!TryReadFloat(" \t\n{"u8, "the value", out var value))
        {
            return ExpositionEntry.Error;
        }

        Value = value;
        TimestampMs = null;
        _position = AfterSpace(_position);
        if (_position < _body.Length && _body[_position] != '\n')
        {
            var rest = _body[_position..];
            if (!Utf8Parser.TryParse(rest, out long timestamp, out var length) || rest[0] == '+')
            {
                return Fail($"got {NameBytes.Show(_body, _position)}, want a timestamp in milliseconds or the end of the line", _position);
            }

            TimestampMs = timestamp;
            _position = AfterSpace(_position + length);
            if (_position < _body.Length && _body[_position] != '\n')
            {
                return Fail($"got {NameBytes.Show(_body, _position)}, want the end of the line after the timestamp", _position);
            }
        }

        return ExpositionEntry.Series;
    }

    // "# HELP name text" and "# TYPE name type" are read, with white space as Prometheus takes it; anything else is a comment.
    private ExpositionEntry TextComment()
    {
        var line = _body[_position..];
        var length = line.IndexOf((byte)'\n');
        var end = length < 0 ? _body.Length : _position + length;
        var word = AfterSpace(_position + 1);
        var isHelp = _body[word..end].StartsWith("HELP"u8);
        var isKeyword = word > _position + 1
            && (isHelp || _body[word..end].StartsWith("TYPE"u8))
            && word + 4 < end && _body[word + 4] is (byte)' ' or (byte)'\t';
        if (!isKeyword)
        {
            Text = _body[Math.Min(word, end)..end];
            _position = end;
            return ExpositionEntry.Comment;
        }

        _position = AfterSpace(word + 4);
        if (!TryReadFamilyName())
        {
            return ExpositionEntry.Error;
        }

        // One separating byte, then the text as it stands.
        Text = _body[Math.Min(_position + 1, end)..end];
        if (isHelp)
        {
            if (!_isUtf8 && !Utf8.IsValid(Text))
            {
                return Fail("the help text is not valid UTF-8", _position);
            }

            _position = end;
            return ExpositionEntry.Help;
        }

        var isKnown = Text.SequenceEqual("counter"u8) || Text.SequenceEqual("gauge"u8) || Text.SequenceEqual("histogram"u8)
            || Text.SequenceEqual("summary"u8) || Text.SequenceEqual("untyped"u8);
        if (!isKnown)
        {
            return Fail($"got metric type {Shorten(Text)}, want counter, gauge, histogram, summary or untyped", _position);
        }

        return TypeRead(end);
    }

    private ExpositionEntry TypeRead(int end)
    {
        _normalization = Text.SequenceEqual("histogram"u8) ? LabelNormalization.Bucket
            : Text.SequenceEqual("summary"u8) ? LabelNormalization.Quantile
            : LabelNormalization.None;
        if (Text.SequenceEqual("untyped"u8))
        {
            Text = "unknown"u8;
        }

        _position = end;
        return ExpositionEntry.Type;
    }

    // Reads a metric name, quoted or not, from _position on. False with an error set.
    private bool TryReadFamilyName()
    {
        var start = _position;
        if (start < _body.Length && _body[start] == '"')
        {
            var end = start + 1;
            while (end < _body.Length && _body[end] is not ((byte)'"' or (byte)'\n'))
            {
                end += _body[end] == '\\' ? 2 : 1;
            }

            if (end >= _body.Length || _body[end] != '"')
            {
                Fail("the quoted metric name has no closing quote", start);
                return false;
            }

            MetricName = _body[(start + 1)..end];
            _position = end + 1;
        }
        else
        {
            if (start < _body.Length && NameBytes.StartsMetricName(_body[start]))
            {
                do
                {
                    _position++;
                }
                while (_position < _body.Length && NameBytes.ContinuesMetricName(_body[_position]));
            }

            MetricName = _body[start.._position];
        }

        if (MetricName.IsEmpty || (!_isUtf8 && !Utf8.IsValid(MetricName)))
        {
            Fail($"got {NameBytes.Show(_body, start)}, want a metric name", start);
            return false;
        }

        return true;
    }
}
