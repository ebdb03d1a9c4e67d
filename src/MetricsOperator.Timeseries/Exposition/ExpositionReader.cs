using System.Diagnostics.CodeAnalysis;
using System.Text.Unicode;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>
/// Pulls one line after another out of a scrape body, text 0.0.4 or OpenMetrics, and accepts what Prometheus accepts. Spans it hands out
/// point into the body and are valid until the next call of <see cref="Next"/>. Allocates nothing per line.
/// </summary>
public ref partial struct ExpositionReader
{
    private readonly ReadOnlySpan<byte> _body;
    private readonly ExpositionFormat _format;
    private readonly bool _isUtf8;
    private int _position;
    private ExpositionEntry? _last;
    private LabelNormalization _normalization;

    // The metric name of the current line without quotes, and the first byte after the brace that opens its labels (0: no labels).
    private ReadOnlySpan<byte> _name;
    private int _labels;

    // First byte after the brace of the exemplar (0: none), its value and timestamp.
    private int _exemplarLabels;
    private double _exemplarValue;
    private long? _exemplarTimestampMs;

    /// <param name="body">The whole decompressed body; must not change while it is read.</param>
    /// <param name="format">From the response's Content-Type.</param>
    public ExpositionReader(ReadOnlySpan<byte> body, ExpositionFormat format)
    {
        _body = body;
        _format = format;
        _isUtf8 = Utf8.IsValid(body);
    }

    /// <summary>After <see cref="ExpositionEntry.Series"/>: the raw bytes of name and labels, the key of a scrape cache.</summary>
    public ReadOnlySpan<byte> SeriesBytes { get; private set; }

    /// <summary>After <see cref="ExpositionEntry.Series"/>: the sample's value; NaN has the bits of <see cref="Samples.StaleMarker.NormalNaN"/>.</summary>
    public double Value { get; private set; }

    /// <summary>After <see cref="ExpositionEntry.Series"/>: the exposed timestamp in milliseconds since 1970, if any.</summary>
    public long? TimestampMs { get; private set; }

    /// <summary>After Type, Help, Unit: the metric (family) name without quotes.</summary>
    public ReadOnlySpan<byte> MetricName { get; private set; }

    /// <summary>After Type: <c>counter</c>, <c>unknown</c> and so on (<c>untyped</c> reads as <c>unknown</c>). After Help, Unit, Comment: the raw text.</summary>
    public ReadOnlySpan<byte> Text { get; private set; }

    /// <summary>After <see cref="ExpositionEntry.Error"/> or a refused <see cref="ReadLabels"/>: what is wrong, with the line number.</summary>
    public string ErrorMessage { get; private set; } = string.Empty;

    /// <summary>After <see cref="ExpositionEntry.Error"/> or a refused <see cref="ReadLabels"/>: where in the body, in bytes.</summary>
    public int ErrorOffset { get; private set; }

    // Classic histograms and summaries get one spelling for each bound, whatever the target's client library writes.
    private enum LabelNormalization : byte
    {
        None,
        Bucket,
        Quantile,
    }

    /// <summary>Goes to the next line. After End and Error it stays there.</summary>
    public ExpositionEntry Next() => _last ?? (_format == ExpositionFormat.Text ? NextText() : NextOpenMetrics());

    /// <summary>After <see cref="ExpositionEntry.Help"/>: the help text without escapes.</summary>
    public readonly string ReadHelp() => EscapedText.ToString(Text, quotes: _format == ExpositionFormat.OpenMetrics);

    /// <summary>
    /// After <see cref="ExpositionEntry.Series"/>: replaces what is in <paramref name="into"/> by the labels of the line, <c>__name__</c> included.
    /// </summary>
    /// <returns>False, with <see cref="ErrorMessage"/>, when a label name occurs twice; the scrape is then to be refused.</returns>
    public bool ReadLabels(LabelSetBuilder into)
    {
        into.Reset();
        SetUnescaped(into, LabelNames.MetricNameUtf8, _name);
        if (_labels == 0)
        {
            return true;
        }

        var scanner = new LabelScanner(_body, _labels, _format, _isUtf8);
        return CopyLabels(ref scanner, into);
    }

    /// <summary>After <see cref="ExpositionEntry.Series"/>: the exemplar of the line, if it has one (OpenMetrics).</summary>
    /// <param name="exemplar">The exemplar.</param>
    /// <param name="defaultTimestampMs">Its timestamp when the line gives none: that of the sample.</param>
    public bool TryReadExemplar([NotNullWhen(true)] out Exemplar? exemplar, long defaultTimestampMs = 0)
    {
        exemplar = null;
        if (_exemplarLabels == 0)
        {
            return false;
        }

        var labels = new LabelSetBuilder();
        var scanner = new LabelScanner(_body, _exemplarLabels, _format, _isUtf8);
        if (!CopyLabels(ref scanner, labels))
        {
            return false;
        }

        exemplar = new Exemplar(labels.Build(), _exemplarValue, _exemplarTimestampMs ?? defaultTimestampMs) { HasOwnTime = _exemplarTimestampMs is not null };
        return true;
    }

    private ExpositionEntry Fail(string what, int offset)
    {
        SetError(what, offset);
        _last = ExpositionEntry.Error;
        return ExpositionEntry.Error;
    }

    private void SetError(string what, int offset)
    {
        ErrorOffset = Math.Min(offset, _body.Length);
        ErrorMessage = $"line {_body[..ErrorOffset].Count((byte)'\n') + 1}: {what}";
    }

    private ExpositionEntry End()
    {
        _last = ExpositionEntry.End;
        return ExpositionEntry.End;
    }
}
