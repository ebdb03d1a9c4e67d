using System.Buffers;
using System.Buffers.Text;
using System.Text;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>Writes text exposition 0.0.4, with quoted names where a name needs them.</summary>
public readonly struct MetricsTextWriter(IBufferWriter<byte> output)
{
    private readonly IBufferWriter<byte> _output = output;

    /// <summary>Writes <c># HELP</c> and <c># TYPE</c> of a family.</summary>
    public void Family(string name, string type, string help)
    {
        var shown = Encoding.UTF8.GetBytes(LabelNames.IsLegacyValidMetricName(name) ? name : LabelNames.Quote(name));
        _output.Write("# HELP "u8);
        _output.Write(shown);
        _output.Write(" "u8);
        Escaped(Encoding.UTF8.GetBytes(help), quotes: false);
        _output.Write("\n# TYPE "u8);
        _output.Write(shown);
        _output.Write(" "u8);
        _output.Write(Encoding.UTF8.GetBytes(type));
        _output.Write("\n"u8);
    }

    /// <summary>Writes one sample line.</summary>
    public void Sample(string name, ReadOnlySpan<KeyValuePair<string, string>> labels, double value)
    {
        var builder = new LabelSetBuilder().Set(LabelNames.MetricName, name);
        foreach (var (label, text) in labels)
        {
            builder.Set(label, text);
        }

        Sample(builder.Build(), value);
    }

    /// <summary>Writes one sample line; <paramref name="timestampMs"/> is in milliseconds since 1970.</summary>
    public void Sample(LabelSet labels, double value, long? timestampMs = null)
    {
        var name = labels.GetUtf8(LabelNames.MetricNameUtf8);
        var isPlain = IsPlainName(name, isMetric: true);
        if (isPlain)
        {
            _output.Write(name);
        }

        var written = 0;
        if (!isPlain && !name.IsEmpty)
        {
            Separator(ref written);
            Quoted(name);
        }

        foreach (var label in labels)
        {
            if (label.Name.SequenceEqual(LabelNames.MetricNameUtf8))
            {
                continue;
            }

            Separator(ref written);
            if (IsPlainName(label.Name, isMetric: false))
            {
                _output.Write(label.Name);
            }
            else
            {
                Quoted(label.Name);
            }

            _output.Write("="u8);
            Quoted(label.Value);
        }

        if (written > 0)
        {
            _output.Write("}"u8);
        }

        Value(value, timestampMs);
    }

    /// <summary>Writes a line whose labels are rendered already: <c>a="b",c="d"</c>, without braces, or nothing.</summary>
    internal void Rendered(ReadOnlySpan<byte> name, ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> labels, ReadOnlySpan<byte> bound, double value)
    {
        _output.Write(name);
        _output.Write(suffix);
        if (!labels.IsEmpty || !bound.IsEmpty)
        {
            _output.Write("{"u8);
            _output.Write(labels);
            if (!bound.IsEmpty)
            {
                _output.Write(labels.IsEmpty ? "le=\""u8 : ",le=\""u8);
                _output.Write(bound);
                _output.Write("\""u8);
            }

            _output.Write("}"u8);
        }

        Value(value, null);
    }

    private static bool IsPlainName(ReadOnlySpan<byte> name, bool isMetric)
    {
        if (name.IsEmpty || char.IsAsciiDigit((char)name[0]))
        {
            return false;
        }

        foreach (var b in name)
        {
            if (!(isMetric ? NameBytes.ContinuesMetricName(b) : NameBytes.ContinuesLabelName(b)))
            {
                return false;
            }
        }

        return true;
    }

    private void Separator(ref int written) => _output.Write(written++ == 0 ? "{"u8 : ","u8);

    private void Quoted(ReadOnlySpan<byte> text)
    {
        _output.Write("\""u8);
        Escaped(text, quotes: true);
        _output.Write("\""u8);
    }

    private void Escaped(ReadOnlySpan<byte> text, bool quotes)
    {
        while (true)
        {
            var next = quotes ? text.IndexOfAny((byte)'\\', (byte)'\n', (byte)'"') : text.IndexOfAny((byte)'\\', (byte)'\n');
            if (next < 0)
            {
                _output.Write(text);
                return;
            }

            _output.Write(text[..next]);
            _output.Write(text[next] switch
            {
                (byte)'\n' => "\\n"u8,
                (byte)'\\' => "\\\\"u8,
                _ => "\\\""u8,
            });
            text = text[(next + 1)..];
        }
    }

    private void Value(double value, long? timestampMs)
    {
        var span = _output.GetSpan(FloatText.MaxLength + 32);
        span[0] = (byte)' ';
        var length = 1 + FloatText.Format(value, span[1..]);
        if (timestampMs is { } timestamp)
        {
            span[length++] = (byte)' ';
            Utf8Formatter.TryFormat(timestamp, span[length..], out var digits);
            length += digits;
        }

        span[length++] = (byte)'\n';
        _output.Advance(length);
    }
}
