using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>
/// Builds one log record after another in a reused buffer. Records about samples begin with the reference and time of their first entry;
/// every entry, the first included, is relative to those.
/// </summary>
internal sealed class WalRecordWriter
{
    private readonly ByteWriter _buffer = new(64 * 1024);
    private ulong _baseRef;
    private long _baseTime;

    /// <summary>The record as built so far.</summary>
    public ReadOnlySpan<byte> Record => _buffer.Written;

    public int Length => _buffer.Length;

    /// <summary>Entries since <see cref="Start"/>.</summary>
    public int Entries { get; private set; }

    public void Start(WalRecordType type)
    {
        _buffer.Clear(keep: 1 << 20);
        _buffer.U8((byte)type);
        Entries = 0;
    }

    public void Series(ulong reference, LabelSet labels) => Series(reference, labels.Count, labels.Encoded);

    /// <param name="reference">The series.</param>
    /// <param name="count">Number of labels.</param>
    /// <param name="encodedLabels">Per label uvarint length, name, uvarint length, value.</param>
    public void Series(ulong reference, int count, ReadOnlySpan<byte> encodedLabels)
    {
        _buffer.Be64(reference);
        _buffer.Uvarint((uint)count);
        _buffer.Bytes(encodedLabels);
        Entries++;
    }

    public void Sample(ulong reference, long timestamp, double value)
    {
        Relative(reference, timestamp);
        _buffer.F64(value);
    }

    public void Exemplar(ulong reference, Exemplar exemplar)
    {
        Relative(reference, exemplar.TimestampMs);
        _buffer.F64(exemplar.Value);
        _buffer.Uvarint((uint)exemplar.Labels.Count);
        _buffer.Bytes(exemplar.Labels.Encoded);
    }

    /// <summary>A float histogram, in a record of type 8 or (custom buckets) 10.</summary>
    public void Histogram(ulong reference, long timestamp, FloatHistogram histogram)
    {
        Relative(reference, timestamp);
        _buffer.U8((byte)histogram.ResetHint);
        _buffer.Varint(histogram.Schema);
        _buffer.F64(histogram.ZeroThreshold);
        _buffer.F64(histogram.ZeroCount);
        _buffer.F64(histogram.Count);
        _buffer.F64(histogram.Sum);
        Spans(histogram.PositiveSpans);
        Spans(histogram.NegativeSpans);
        Doubles(histogram.PositiveBuckets);
        Doubles(histogram.NegativeBuckets);
        if (histogram.UsesCustomBuckets)
        {
            Doubles(histogram.CustomValues);
        }
    }

    /// <summary>An entry of a sample record whose part behind reference and time is copied.</summary>
    public void Copied(ulong reference, long timestamp, ReadOnlySpan<byte> rest)
    {
        Relative(reference, timestamp);
        _buffer.Bytes(rest);
    }

    public void Tombstone(ulong reference, long minTime, long maxTime)
    {
        _buffer.Be64(reference);
        _buffer.Varint(minTime);
        _buffer.Varint(maxTime);
        Entries++;
    }

    public void MmapMarker(ulong reference, ulong diskRef)
    {
        _buffer.Be64(reference);
        _buffer.Be64(diskRef);
        Entries++;
    }

    /// <param name="reference">The series.</param>
    /// <param name="type">0 unknown, 1 counter, 2 gauge, 3 histogram, 4 gauge histogram, 5 summary, 6 info, 7 state set.</param>
    /// <param name="unit">UTF-8.</param>
    /// <param name="help">UTF-8.</param>
    public void Metadata(ulong reference, byte type, ReadOnlySpan<byte> unit, ReadOnlySpan<byte> help)
    {
        _buffer.Uvarint(reference);
        _buffer.U8(type);
        _buffer.Uvarint(2);
        _buffer.Text("UNIT"u8);
        _buffer.Text(unit);
        _buffer.Text("HELP"u8);
        _buffer.Text(help);
        Entries++;
    }

    private void Relative(ulong reference, long timestamp)
    {
        if (Entries++ == 0)
        {
            _baseRef = reference;
            _baseTime = timestamp;
            _buffer.Be64(reference);
            _buffer.BeI64(timestamp);
        }

        _buffer.Varint((long)(reference - _baseRef));
        _buffer.Varint(timestamp - _baseTime);
    }

    private void Spans(BucketSpan[] spans)
    {
        _buffer.Uvarint((uint)spans.Length);
        foreach (var span in spans)
        {
            _buffer.Varint(span.Offset);
            _buffer.Uvarint(span.Length);
        }
    }

    private void Doubles(double[] values)
    {
        _buffer.Uvarint((uint)values.Length);
        foreach (var value in values)
        {
            _buffer.F64(value);
        }
    }
}
