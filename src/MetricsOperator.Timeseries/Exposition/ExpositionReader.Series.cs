using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Timeseries.Exposition;

public ref partial struct ExpositionReader
{
    // Reads name and labels from _position on and leaves _position behind them. False with an error set.
    private bool TryReadSeries()
    {
        var start = _position;
        _name = default;
        _labels = 0;
        if (NameBytes.StartsMetricName(_body[_position]))
        {
            _position++;
            while (_position < _body.Length && NameBytes.ContinuesMetricName(_body[_position]))
            {
                _position++;
            }

            _name = _body[start.._position];
        }
        else if (_body[_position] != '{')
        {
            Fail($"got {NameBytes.Show(_body, _position)}, want a metric name", _position);
            return false;
        }

        SeriesBytes = _body[start.._position];
        var brace = _format == ExpositionFormat.Text ? AfterSpace(_position) : _position;
        if (brace < _body.Length && _body[brace] == '{')
        {
            if (!TryScanLabels(brace + 1))
            {
                return false;
            }

            SeriesBytes = _body[start.._position];
        }

        if (_name.IsEmpty)
        {
            Fail("the sample has no metric name", start);
            return false;
        }

        return true;
    }

    private bool TryScanLabels(int position)
    {
        var scanner = new LabelScanner(_body, position, _format, _isUtf8);
        while (scanner.Next())
        {
            if (!scanner.IsMetricName)
            {
                continue;
            }

            if (!_name.IsEmpty)
            {
                Fail("the metric name is already set", scanner.Position);
                return false;
            }

            _name = scanner.Name;
        }

        _labels = position;
        _position = scanner.Position;
        if (scanner.Error is { } error)
        {
            Fail(error, _position);
            return false;
        }

        return true;
    }

    // Reads a float that ends before the first of the given bytes, from _position on. False with an error set.
    private bool TryReadFloat(ReadOnlySpan<byte> terminators, string what, out double value)
    {
        var rest = _body[_position..];
        var length = rest.IndexOfAny(terminators);
        var text = length < 0 ? rest : rest[..length];
        if (!FloatText.TryParse(text, out value))
        {
            Fail($"cannot parse {what}: got {Shorten(text)}, want a float", _position);
            return false;
        }

        _position += text.Length;
        return true;
    }

    private readonly int AfterSpace(int position)
    {
        while (position < _body.Length && _body[position] is (byte)' ' or (byte)'\t')
        {
            position++;
        }

        return position;
    }

    private static string Shorten(ReadOnlySpan<byte> text) =>
        text.IsEmpty ? "nothing" : Labels.LabelNames.Quote(System.Text.Encoding.UTF8.GetString(text[..Math.Min(text.Length, 64)]));
}
