using System.Text.Unicode;

namespace MetricsOperator.Timeseries.Exposition;

public ref partial struct ExpositionReader
{
    private ExpositionEntry NextOpenMetrics()
    {
        if (_position >= _body.Length)
        {
            return Fail("the body does not end with # EOF", _position);
        }

        return _body[_position] == '#' ? OpenMetricsDescriptor() : OpenMetricsSample();
    }

    private ExpositionEntry OpenMetricsSample()
    {
        _exemplarLabels = 0;
        TimestampMs = null;
        if (!TryReadSeries() || !TrySkip(" "u8, "a space before the value") || !TryReadFloat(" \n"u8, "the value", out var value))
        {
            return ExpositionEntry.Error;
        }

        Value = value;
        if (_position < _body.Length && _body[_position] == ' ' && !_body[_position..].StartsWith(" # {"u8))
        {
            _position++;
            if (!TryReadSeconds("the timestamp", out var timestamp))
            {
                return ExpositionEntry.Error;
            }

            TimestampMs = timestamp;
        }

        if (_body[_position..].StartsWith(" # {"u8) && !TryReadExemplarOfLine())
        {
            return ExpositionEntry.Error;
        }

        return TrySkip("\n"u8, "the end of the line") ? ExpositionEntry.Series : ExpositionEntry.Error;
    }

    private bool TryReadExemplarOfLine()
    {
        var position = _position + 4;
        var scanner = new LabelScanner(_body, position, _format, _isUtf8);
        while (scanner.Next())
        {
            if (scanner.IsMetricName)
            {
                Fail("an exemplar has no metric name", scanner.Position);
                return false;
            }
        }

        _position = scanner.Position;
        if (scanner.Error is { } error)
        {
            Fail("exemplar: " + error, _position);
            return false;
        }

        if (!TrySkip(" "u8, "a space before the exemplar's value") || !TryReadFloat(" \n"u8, "the exemplar's value", out _exemplarValue))
        {
            return false;
        }

        _exemplarTimestampMs = null;
        if (_position < _body.Length && _body[_position] == ' ')
        {
            _position++;
            if (!TryReadSeconds("the exemplar's timestamp", out var timestamp))
            {
                return false;
            }

            _exemplarTimestampMs = timestamp;
        }

        _exemplarLabels = position;
        return true;
    }

    private bool TryReadSeconds(string what, out long timestampMs)
    {
        timestampMs = 0;
        var start = _position;
        if (!TryReadFloat(" \n"u8, what, out var seconds))
        {
            return false;
        }

        if (!(Math.Abs(seconds) < long.MaxValue / 1000))
        {
            Fail($"cannot use {what}: got {Shorten(_body[start.._position])}, want seconds since 1970", start);
            return false;
        }

        timestampMs = (long)(seconds * 1000);
        return true;
    }

    private ExpositionEntry OpenMetricsDescriptor()
    {
        var line = _body[_position..];
        if (line.StartsWith("# EOF"u8) && (line.Length == 5 || line[5] == '\n'))
        {
            return line.Length > 6 ? Fail("there is data after # EOF", _position + 6) : End();
        }

        var kind = line.StartsWith("# HELP "u8) ? ExpositionEntry.Help
            : line.StartsWith("# TYPE "u8) ? ExpositionEntry.Type
            : line.StartsWith("# UNIT "u8) ? ExpositionEntry.Unit
            : ExpositionEntry.Error;
        if (kind == ExpositionEntry.Error)
        {
            return Fail("got a comment, want # HELP, # TYPE, # UNIT or # EOF", _position);
        }

        _position += 7;
        if (!TryReadFamilyName())
        {
            return ExpositionEntry.Error;
        }

        var length = _body[_position..].IndexOf((byte)'\n');
        if (length < 0)
        {
            return Fail("the body does not end with # EOF", _body.Length);
        }

        var end = _position + length;
        if (_body[_position] != ' ')
        {
            return Fail($"got {NameBytes.Show(_body, _position)}, want a space after the metric name", _position);
        }

        Text = _body[Math.Min(_position + 1, end)..end];
        var problem = kind switch
        {
            ExpositionEntry.Type => IsOpenMetricsType(Text) ? null : $"got metric type {Shorten(Text)}, want one of OpenMetrics",
            ExpositionEntry.Unit => IsUnitOf(MetricName, Text) ? null : $"got unit {Shorten(Text)}, want the last part of the metric name",
            _ => _isUtf8 || Utf8.IsValid(Text) ? null : "the help text is not valid UTF-8",
        };
        if (problem is not null)
        {
            return Fail(problem, _position);
        }

        _position = end + 1;
        return kind == ExpositionEntry.Type ? TypeRead(_position) : kind;
    }

    private bool TrySkip(ReadOnlySpan<byte> what, string want)
    {
        if (!_body[_position..].StartsWith(what))
        {
            Fail($"got {NameBytes.Show(_body, _position)}, want {want}", _position);
            return false;
        }

        _position += what.Length;
        return true;
    }

    private static bool IsOpenMetricsType(ReadOnlySpan<byte> type) =>
        type.SequenceEqual("counter"u8) || type.SequenceEqual("gauge"u8) || type.SequenceEqual("histogram"u8) || type.SequenceEqual("summary"u8)
        || type.SequenceEqual("unknown"u8) || type.SequenceEqual("info"u8) || type.SequenceEqual("stateset"u8) || type.SequenceEqual("gaugehistogram"u8);

    private static bool IsUnitOf(ReadOnlySpan<byte> name, ReadOnlySpan<byte> unit) =>
        unit.IsEmpty || (name.EndsWith(unit) && name.Length > unit.Length && name[^(unit.Length + 1)] == '_');
}
