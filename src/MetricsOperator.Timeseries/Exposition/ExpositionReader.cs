using System.Diagnostics.CodeAnalysis;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>
/// Pulls one line after another out of a scrape body, text 0.0.4 or OpenMetrics. Spans it hands out point into the body and are valid
/// until the next call of <see cref="Next"/>. Allocates nothing per line.
/// </summary>
public ref struct ExpositionReader
{
    private readonly ReadOnlySpan<byte> _body;
    private readonly ExpositionFormat _format;

    public ExpositionReader(ReadOnlySpan<byte> body, ExpositionFormat format)
    {
        _body = body;
        _format = format;
    }

    /// <summary>After <see cref="ExpositionEntry.Series"/>: the raw bytes of name and labels, the key of a scrape cache.</summary>
    public ReadOnlySpan<byte> SeriesBytes { get; private set; }

    /// <summary>After <see cref="ExpositionEntry.Series"/>: the sample's value.</summary>
    public double Value { get; private set; }

    /// <summary>After <see cref="ExpositionEntry.Series"/>: the exposed timestamp in milliseconds since 1970, if any.</summary>
    public long? TimestampMs { get; private set; }

    /// <summary>After Type, Help, Unit: the metric (family) name, unquoted.</summary>
    public ReadOnlySpan<byte> MetricName { get; private set; }

    /// <summary>After Type, Help, Unit, Comment: the text, unescaped for Help.</summary>
    public ReadOnlySpan<byte> Text { get; private set; }

    /// <summary>After <see cref="ExpositionEntry.Error"/>: what is wrong, with the line number.</summary>
    public string ErrorMessage { get; private set; } = string.Empty;

    /// <summary>After <see cref="ExpositionEntry.Error"/>: where in the body, in bytes.</summary>
    public int ErrorOffset { get; private set; }

    /// <summary>Goes to the next line.</summary>
    public ExpositionEntry Next() => throw new NotImplementedException($"{_body.Length} {_format}");

    /// <summary>After <see cref="ExpositionEntry.Series"/>: replaces what is in <paramref name="into"/> by the labels of the line, <c>__name__</c> included.</summary>
    public void ReadLabels(LabelSetBuilder into) => throw new NotImplementedException();

    /// <summary>After <see cref="ExpositionEntry.Series"/>: the exemplar of the line, if it has one.</summary>
    public bool TryReadExemplar([NotNullWhen(true)] out Exemplar? exemplar) => throw new NotImplementedException();
}
