using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.RemoteWrite;

/// <summary>
/// Writes a remote-write request, series by series: <see cref="StartSeries"/>, then its samples, histograms and exemplars. Reusable after
/// <see cref="Reset"/>; not thread-safe.
/// </summary>
public sealed class WriteRequestWriter(WriteRequestVersion version = WriteRequestVersion.V1)
{
    private readonly ProtobufWriter _request = new();
    private readonly ProtobufWriter _series = new();
    private readonly ProtobufWriter _message = new();
    private readonly ProtobufWriter _part = new();
    private readonly Dictionary<string, uint> _symbols = [];
    private bool _inSeries;

    /// <summary>Starts over with an empty request.</summary>
    public void Reset()
    {
        _request.Reset();
        _series.Reset();
        _symbols.Clear();
        _inSeries = false;
    }

    /// <summary>Starts the next series.</summary>
    /// <param name="labels">Its labels.</param>
    /// <param name="metadata">What the metric is; only 2.0 carries it here.</param>
    public void StartSeries(LabelSet labels, MetricMetadata? metadata = null)
    {
        EndSeries();
        _inSeries = true;
        WriteLabels(labels, _series);
        if (metadata is not null && version == WriteRequestVersion.V2)
        {
            _message.Reset();
            _message.Varint(1, (ulong)MetricTypes.NumberOf(metadata.Type));
            _message.Varint(3, SymbolOf(metadata.Help));
            _message.Varint(4, SymbolOf(metadata.Unit));
            _series.Bytes(5, _message.Written);
        }
    }

    /// <summary>Adds a float sample to the current series.</summary>
    public void Sample(long timestampMs, double value)
    {
        _message.Reset();
        _message.Fixed64(1, value);
        _message.Varint(2, (ulong)timestampMs);
        _series.Bytes(2, _message.Written);
    }

    /// <summary>Adds a histogram to the current series, as a float histogram.</summary>
    public void Histogram(long timestampMs, FloatHistogram histogram)
    {
        _message.Reset();
        _message.Fixed64(2, histogram.Count);
        _message.Fixed64(3, histogram.Sum);
        _message.Signed(4, histogram.Schema);
        _message.Fixed64(5, histogram.ZeroThreshold);
        _message.Fixed64(7, histogram.ZeroCount);
        WriteSpans(8, histogram.NegativeSpans);
        _message.PackedDoubles(10, histogram.NegativeBuckets);
        WriteSpans(11, histogram.PositiveSpans);
        _message.PackedDoubles(13, histogram.PositiveBuckets);
        _message.Varint(14, (ulong)histogram.ResetHint);
        _message.Varint(15, (ulong)timestampMs);
        _message.PackedDoubles(16, histogram.CustomValues);
        _series.Bytes(version == WriteRequestVersion.V1 ? 4 : 3, _message.Written);
    }

    /// <summary>Adds an exemplar to the current series.</summary>
    public void Exemplar(Exemplar exemplar)
    {
        _message.Reset();
        WriteLabels(exemplar.Labels, _message);
        _message.Fixed64(2, exemplar.Value);
        _message.Varint(3, (ulong)exemplar.TimestampMs);
        _series.Bytes(version == WriteRequestVersion.V1 ? 3 : 4, _message.Written);
    }

    /// <summary>Adds metadata of a metric family; only 1.0 carries it by itself.</summary>
    /// <exception cref="InvalidOperationException">The request is 2.0.</exception>
    public void Metadata(string metricFamilyName, MetricMetadata metadata)
    {
        if (version != WriteRequestVersion.V1)
        {
            throw new InvalidOperationException("cannot write metadata by itself: got a 2.0 request, want 1.0");
        }

        EndSeries();
        _message.Reset();
        _message.Varint(1, (ulong)MetricTypes.NumberOf(metadata.Type));
        _message.Bytes(2, Encoding.UTF8.GetBytes(metricFamilyName));
        _message.Bytes(4, Encoding.UTF8.GetBytes(metadata.Help));
        _message.Bytes(5, Encoding.UTF8.GetBytes(metadata.Unit));
        _request.Bytes(3, _message.Written);
    }

    /// <summary>The whole request, not yet compressed.</summary>
    public byte[] ToArray()
    {
        EndSeries();
        if (version == WriteRequestVersion.V1)
        {
            return _request.Written.ToArray();
        }

        // The symbols go first, so that a reader knows them when it meets the series; the first is always the empty text.
        var whole = new ProtobufWriter();
        whole.Bytes(4, default);
        foreach (var symbol in _symbols.OrderBy(s => s.Value))
        {
            whole.Bytes(4, Encoding.UTF8.GetBytes(symbol.Key));
        }

        whole.Raw(_request.Written);
        return whole.Written.ToArray();
    }

    private void EndSeries()
    {
        if (_inSeries)
        {
            _request.Bytes(version == WriteRequestVersion.V1 ? 1 : 5, _series.Written);
        }

        _series.Reset();
        _inSeries = false;
    }

    private void WriteLabels(LabelSet labels, ProtobufWriter into)
    {
        _part.Reset();
        foreach (var label in labels)
        {
            if (version == WriteRequestVersion.V1)
            {
                _part.Reset();
                _part.Bytes(1, label.Name);
                _part.Bytes(2, label.Value);
                into.Bytes(1, _part.Written);
            }
            else
            {
                _part.RawVarint(SymbolOf(Encoding.UTF8.GetString(label.Name)));
                _part.RawVarint(SymbolOf(Encoding.UTF8.GetString(label.Value)));
            }
        }

        if (version == WriteRequestVersion.V2)
        {
            into.Bytes(1, _part.Written);
        }
    }

    private void WriteSpans(int field, BucketSpan[] spans)
    {
        foreach (var span in spans)
        {
            _part.Reset();
            _part.Signed(1, span.Offset);
            _part.Varint(2, span.Length);
            _message.Bytes(field, _part.Written);
        }
    }

    private uint SymbolOf(string text)
    {
        if (text.Length == 0)
        {
            return 0;
        }

        if (!_symbols.TryGetValue(text, out var index))
        {
            index = (uint)_symbols.Count + 1;
            _symbols.Add(text, index);
        }

        return index;
    }
}
