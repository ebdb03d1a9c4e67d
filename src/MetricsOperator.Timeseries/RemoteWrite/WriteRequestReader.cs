using System.Diagnostics.CodeAnalysis;
using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>The protobuf message of a remote-write body.</summary>
public enum WriteRequestVersion : byte
{
    /// <summary><c>prometheus.WriteRequest</c>.</summary>
    V1,

    /// <summary><c>io.prometheus.write.v2.Request</c>.</summary>
    V2,
}

/// <summary>What <see cref="WriteRequestReader.Next"/> found.</summary>
public enum WriteRequestEntry : byte
{
    /// <summary>The message is read to its end without error.</summary>
    End,

    /// <summary>A series with samples, histograms and exemplars.</summary>
    Series,

    /// <summary>Metadata of a metric family (1.0; in 2.0 it is part of the series).</summary>
    Metadata,

    /// <summary>The message is malformed.</summary>
    Error,
}

/// <summary>
/// Pulls the series of a decompressed remote-write request out of its protobuf bytes. A series is checked as a whole before it is
/// handed out, so a malformed one is an <see cref="WriteRequestEntry.Error"/> and never half read. Samples cost no allocation.
/// </summary>
public ref partial struct WriteRequestReader
{
    private readonly WriteRequestVersion _version;
    private readonly SymbolTable _symbols;
    private ProtobufReader _request;
    private WriteRequestEntry? _last;

    // The current series, walked once for each kind of content.
    private ReadOnlySpan<byte> _series;
    private int _seriesOffset;
    private ProtobufReader _samples;
    private ProtobufReader _histograms;
    private ProtobufReader _exemplars;

    // Where in a plain series the next sample starts; -1 for a series that is not plain.
    private int _plainSample;

    /// <param name="body">The decompressed request; must not change while it is read.</param>
    /// <param name="version">From the request's Content-Type.</param>
    public WriteRequestReader(ReadOnlySpan<byte> body, WriteRequestVersion version = WriteRequestVersion.V1)
    {
        _request = new ProtobufReader(body);
        _version = version;
        _symbols = version == WriteRequestVersion.V2 ? SymbolTable.Read(body) : default;
    }

    /// <summary>After <see cref="WriteRequestEntry.Error"/>: what is wrong.</summary>
    public string ErrorMessage { get; private set; } = string.Empty;

    /// <summary>After <see cref="WriteRequestEntry.Error"/>: where in the message, in bytes.</summary>
    public int ErrorOffset { get; private set; }

    /// <summary>After Metadata: the metric family.</summary>
    public string MetricFamilyName { get; private set; } = string.Empty;

    /// <summary>After Metadata, and after Series of 2.0: what the metric is; null when the series has none.</summary>
    public MetricMetadata? Metadata { get; private set; }

    /// <summary>After Series of 2.0: when the counter started, in milliseconds since 1970; 0 when not known.</summary>
    public long CreatedTimestampMs { get; private set; }

    /// <summary>
    /// After Series: the encoded labels when the series is nothing but labels with float samples after them; otherwise empty. Equal bytes are
    /// equal labels, also across requests; equal labels may have other bytes.
    /// </summary>
    public ReadOnlySpan<byte> PlainLabels { get; private set; }

    /// <summary>After Series that is plain: where <see cref="PlainLabels"/> are in the message.</summary>
    public int PlainLabelsOffset { get; private set; }

    /// <summary>After Series that is plain: time of the newest sample; <see cref="long.MinValue"/> without samples, and for other series.</summary>
    public long PlainNewestMs { get; private set; }

    /// <summary>Goes to the next series or metadata. After End and Error it stays there.</summary>
    public WriteRequestEntry Next()
    {
        if (_last is { } last)
        {
            return last;
        }

        _series = default;
        _samples = _histograms = _exemplars = default;
        _plainSample = -1;
        PlainLabels = default;
        PlainNewestMs = long.MinValue;
        Metadata = null;
        CreatedTimestampMs = 0;
        var (seriesField, seriesKind) = _version == WriteRequestVersion.V1 ? (1, WriteMessage.SeriesV1) : (5, WriteMessage.SeriesV2);
        while (_request.Next())
        {
            var isSeries = _request.Field == seriesField;
            var isMetadata = _version == WriteRequestVersion.V1 && _request.Field == 3;
            var isSymbol = _version == WriteRequestVersion.V2 && _request.Field == 4;
            if (!isSeries && !isMetadata && !isSymbol)
            {
                continue;
            }

            if (!_request.Expect(WireType.Bytes))
            {
                break;
            }

            if (isSymbol)
            {
                continue;
            }

            if (isSeries && _version == WriteRequestVersion.V1 && TryEnterPlain(_request.Bytes, _request.BytesOffset))
            {
                return WriteRequestEntry.Series;
            }

            var kind = isSeries ? seriesKind : WriteMessage.MetadataV1;
            if (WriteRequestSchema.Check(kind, _request.Bytes, _request.BytesOffset, out var errorOffset) is { } error)
            {
                return Fail(error, errorOffset);
            }

            if (isMetadata)
            {
                ReadMetadataV1(_request.Bytes);
                return WriteRequestEntry.Metadata;
            }

            return EnterSeries();
        }

        if (_request.Error is { } problem)
        {
            return Fail(problem, _request.Offset);
        }

        _last = WriteRequestEntry.End;
        return WriteRequestEntry.End;
    }

    /// <summary>After Series: replaces what is in <paramref name="into"/> by the labels of the series; they may come in any order.</summary>
    /// <returns>False with a reason when a series may not have these labels: no metric name, a duplicate, an empty name, invalid UTF-8.</returns>
    public readonly bool TryReadLabels(LabelSetBuilder into, [NotNullWhen(false)] out string? problem)
    {
        problem = (_version == WriteRequestVersion.V1 ? ReadLabelsV1(_series, 1, into) : ReadLabelsV2(_series, into)) ?? MissingName(into);
        return problem is null;
    }

    /// <summary>After Series: its next float sample; false after the last.</summary>
    public bool NextSample(out long timestampMs, out double value)
    {
        (timestampMs, value) = (0, 0);
        if (_plainSample >= 0)
        {
            return _plainSample < _series.Length && TryReadPlainSample(_series, ref _plainSample, out timestampMs, out value);
        }

        while (_samples.Next())
        {
            if (_samples.Field != 2)
            {
                continue;
            }

            var fields = new ProtobufReader(_samples.Bytes);
            while (fields.Next())
            {
                switch (fields.Field)
                {
                    case 1:
                        value = fields.Double;
                        break;
                    case 2:
                        timestampMs = fields.Int64;
                        break;
                }
            }

            return true;
        }

        return false;
    }

    /// <summary>After Series: its next histogram; false after the last.</summary>
    /// <param name="timestampMs">Its timestamp.</param>
    /// <param name="histogram">The histogram; null with a <paramref name="problem"/> when it is not a valid one.</param>
    /// <param name="problem">Why the histogram is not valid.</param>
    public bool NextHistogram(out long timestampMs, out FloatHistogram? histogram, out string? problem)
    {
        (timestampMs, histogram, problem) = (0, null, null);
        while (_histograms.Next())
        {
            if (_histograms.Field == (_version == WriteRequestVersion.V1 ? 4 : 3))
            {
                histogram = HistogramDecoder.Read(_histograms.Bytes, out timestampMs, out problem);
                return true;
            }
        }

        return false;
    }

    /// <summary>After Series: its next exemplar; false after the last. Exemplars with invalid labels are passed over.</summary>
    public bool NextExemplar([NotNullWhen(true)] out Exemplar? exemplar)
    {
        exemplar = null;
        while (_exemplars.Next())
        {
            if (_exemplars.Field == (_version == WriteRequestVersion.V1 ? 3 : 4) && TryReadExemplar(_exemplars.Bytes, out exemplar))
            {
                return true;
            }
        }

        return false;
    }

    private readonly bool TryReadExemplar(ReadOnlySpan<byte> data, [NotNullWhen(true)] out Exemplar? exemplar)
    {
        exemplar = null;
        var labels = new LabelSetBuilder();
        var problem = _version == WriteRequestVersion.V1 ? ReadLabelsV1(data, 1, labels) : ReadLabelsV2(data, labels);
        if (problem is not null)
        {
            return false;
        }

        var (value, timestampMs) = (0.0, 0L);
        var fields = new ProtobufReader(data);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 2:
                    value = fields.Double;
                    break;
                case 3:
                    timestampMs = fields.Int64;
                    break;
            }
        }

        exemplar = new Exemplar(labels.Build(), value, timestampMs);
        return true;
    }

    private static string? MissingName(LabelSetBuilder labels) =>
        labels.GetUtf8(LabelNames.MetricNameUtf8).IsEmpty ? "the series has no metric name" : null;

    private WriteRequestEntry EnterSeries()
    {
        _series = _request.Bytes;
        _seriesOffset = _request.BytesOffset;
        _samples = _histograms = _exemplars = new ProtobufReader(_series, _seriesOffset);
        if (_version == WriteRequestVersion.V2)
        {
            var fields = new ProtobufReader(_series, _seriesOffset);
            while (fields.Next())
            {
                switch (fields.Field)
                {
                    case 5 when !TryReadMetadataV2(fields.Bytes):
                        return Fail("metadata names a symbol that does not exist", fields.BytesOffset);
                    case 6:
                        CreatedTimestampMs = fields.Int64;
                        break;
                }
            }
        }

        return WriteRequestEntry.Series;
    }

    private bool TryReadMetadataV2(ReadOnlySpan<byte> data)
    {
        var (type, help, unit) = (0UL, 0UL, 0UL);
        var fields = new ProtobufReader(data);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    type = fields.Number;
                    break;
                case 3:
                    help = fields.Number;
                    break;
                case 4:
                    unit = fields.Number;
                    break;
            }
        }

        // An index of 0 is the empty text, even where the table is empty.
        var helpText = ReadOnlySpan<byte>.Empty;
        var unitText = ReadOnlySpan<byte>.Empty;
        if ((help != 0 && !_symbols.TryGet(help, out helpText)) || (unit != 0 && !_symbols.TryGet(unit, out unitText)))
        {
            return false;
        }

        if (type != 0 || !helpText.IsEmpty || !unitText.IsEmpty)
        {
            Metadata = new MetricMetadata(MetricTypes.NameOf(type), Encoding.UTF8.GetString(unitText), Encoding.UTF8.GetString(helpText));
        }

        return true;
    }

    private void ReadMetadataV1(ReadOnlySpan<byte> data)
    {
        var type = 0UL;
        var (help, unit) = (string.Empty, string.Empty);
        MetricFamilyName = string.Empty;
        var fields = new ProtobufReader(data);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case 1:
                    type = fields.Number;
                    break;
                case 2:
                    MetricFamilyName = Encoding.UTF8.GetString(fields.Bytes);
                    break;
                case 4:
                    help = Encoding.UTF8.GetString(fields.Bytes);
                    break;
                case 5:
                    unit = Encoding.UTF8.GetString(fields.Bytes);
                    break;
            }
        }

        Metadata = new MetricMetadata(MetricTypes.NameOf(type), unit, help);
    }

    private WriteRequestEntry Fail(string what, int offset)
    {
        ErrorMessage = "cannot read write request: " + what;
        ErrorOffset = offset;
        _last = WriteRequestEntry.Error;
        _series = default;
        _samples = _histograms = _exemplars = default;
        PlainLabels = default;
        return WriteRequestEntry.Error;
    }
}
