using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>Pulls the entries of a series record.</summary>
internal ref struct SeriesRecord(ReadOnlySpan<byte> record)
{
    private readonly ReadOnlySpan<byte> _record = record;
    private ByteReader _reader = new(record[1..]);

    public readonly bool Failed => _reader.Failed;

    public ulong Reference { get; private set; }

    public int LabelCount { get; private set; }

    /// <summary>Per label uvarint length, name, uvarint length, value.</summary>
    public ReadOnlySpan<byte> EncodedLabels { get; private set; }

    public bool Next()
    {
        if (_reader.Remaining == 0)
        {
            return false;
        }

        Reference = _reader.Be64();
        LabelCount = _reader.Count(2);
        var start = _reader.Position;
        for (var i = 0; i < LabelCount; i++)
        {
            _reader.Text();
            _reader.Text();
        }

        EncodedLabels = _reader.Failed ? default : _record[(1 + start)..(1 + _reader.Position)];
        return !_reader.Failed;
    }
}

/// <summary>Pulls the entries of a record of samples, exemplars or histograms: reference, time, and what follows by kind.</summary>
internal ref struct SampleRecord
{
    private readonly ReadOnlySpan<byte> _record;
    private readonly WalRecordType _type;
    private readonly ulong _baseRef;
    private readonly long _baseTime;
    private ByteReader _reader;
    private int _restStart;

    public SampleRecord(ReadOnlySpan<byte> record)
    {
        _record = record;
        _type = (WalRecordType)record[0];
        _reader = new ByteReader(record[1..]);
        if (_reader.Remaining > 0)
        {
            _baseRef = _reader.Be64();
            _baseTime = _reader.BeI64();
        }
    }

    public readonly bool Failed => _reader.Failed;

    public ulong Reference { get; private set; }

    public long Timestamp { get; private set; }

    /// <summary>Value of a float sample or exemplar.</summary>
    public double Value { get; private set; }

    /// <summary>Bytes of the current entry behind reference and time.</summary>
    public readonly ReadOnlySpan<byte> Rest => _record[(1 + _restStart)..(1 + _reader.Position)];

    public bool Next()
    {
        if (_reader.Remaining == 0 || _reader.Failed)
        {
            return false;
        }

        Reference = _baseRef + (ulong)_reader.Varint();
        Timestamp = _baseTime + _reader.Varint();
        _restStart = _reader.Position;
        switch (_type)
        {
            case WalRecordType.Samples:
                Value = _reader.F64();
                break;
            case WalRecordType.Exemplars:
                Value = _reader.F64();
                for (var labels = _reader.Count(2); labels > 0; labels--)
                {
                    _reader.Text();
                    _reader.Text();
                }

                break;
            default:
                HistogramPayload.Skip(ref _reader, _type);
                break;
        }

        return !_reader.Failed;
    }

    /// <summary>The histogram of the current entry.</summary>
    public readonly FloatHistogram Histogram()
    {
        var reader = new ByteReader(Rest);
        return HistogramPayload.Read(ref reader, _type);
    }
}

/// <summary>Pulls the entries of a tombstone record.</summary>
internal ref struct TombstoneRecord(ReadOnlySpan<byte> record)
{
    private ByteReader _reader = new(record[1..]);

    public readonly bool Failed => _reader.Failed;

    public ulong Reference { get; private set; }

    public long MinTime { get; private set; }

    public long MaxTime { get; private set; }

    public bool Next()
    {
        if (_reader.Remaining == 0)
        {
            return false;
        }

        Reference = _reader.Be64();
        MinTime = _reader.Varint();
        MaxTime = _reader.Varint();
        return !_reader.Failed;
    }
}

/// <summary>Pulls the entries of a record that says which out-of-order chunks were written to chunks_head.</summary>
internal ref struct MmapMarkerRecord(ReadOnlySpan<byte> record)
{
    private ByteReader _reader = new(record[1..]);

    public readonly bool Failed => _reader.Failed;

    public ulong Reference { get; private set; }

    public ulong DiskRef { get; private set; }

    public bool Next()
    {
        if (_reader.Remaining == 0)
        {
            return false;
        }

        Reference = _reader.Be64();
        DiskRef = _reader.Be64();
        return !_reader.Failed;
    }
}

/// <summary>Pulls the entries of a metadata record; fields with unknown names are skipped.</summary>
internal ref struct MetadataRecord(ReadOnlySpan<byte> record)
{
    private ByteReader _reader = new(record[1..]);

    public readonly bool Failed => _reader.Failed;

    public ulong Reference { get; private set; }

    public byte Type { get; private set; }

    public ReadOnlySpan<byte> Unit { get; private set; }

    public ReadOnlySpan<byte> Help { get; private set; }

    public bool Next()
    {
        if (_reader.Remaining == 0)
        {
            return false;
        }

        Reference = _reader.Uvarint();
        Type = _reader.U8();
        Unit = default;
        Help = default;
        for (var fields = _reader.Count(2); fields > 0; fields--)
        {
            var name = _reader.Text();
            var value = _reader.Text();
            if (name.SequenceEqual("UNIT"u8))
            {
                Unit = value;
            }
            else if (name.SequenceEqual("HELP"u8))
            {
                Help = value;
            }
        }

        return !_reader.Failed;
    }
}
