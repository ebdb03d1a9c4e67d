using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>
/// Pulls the entries of a record of samples, exemplars or histograms: reference, time, and what follows by kind. Start timestamps
/// (types 11 to 13) are read and dropped.
/// </summary>
internal ref struct SampleRecord
{
    private readonly ReadOnlySpan<byte> _record;
    private readonly WalRecordType _type;
    private readonly bool _hasStarts;
    private readonly long _baseTime;
    private ByteReader _reader;
    private ulong _baseRef;
    private int _restStart;
    private bool _isFirst;
    private Bounds _bounds;

    public SampleRecord(ReadOnlySpan<byte> record)
    {
        _record = record;
        _type = (WalRecordType)record[0];
        _hasStarts = _type is WalRecordType.SamplesV2 or WalRecordType.HistogramsV2 or WalRecordType.FloatHistogramsV2;
        _reader = new ByteReader(record[1..]);
        _isFirst = true;
        if (_reader.Remaining == 0)
        {
            return;
        }

        if (_hasStarts)
        {
            _baseRef = (ulong)_reader.Varint();
            _baseTime = _reader.Varint();
            _reader.Varint();
            if (_reader.Remaining == 0)
            {
                // The base is the first entry, so that its value must follow.
                _reader.Fail();
            }
        }
        else
        {
            _baseRef = _reader.Be64();
            _baseTime = _reader.BeI64();
        }
    }

    /// <summary>What samples a record has; None for records of other types, exemplars included.</summary>
    public static SampleKind KindOf(ReadOnlySpan<byte> record) => (WalRecordType)record[0] switch
    {
        WalRecordType.Samples or WalRecordType.SamplesV2 => SampleKind.Float,
        >= WalRecordType.Histograms and <= WalRecordType.CustomFloatHistograms => SampleKind.Histogram,
        WalRecordType.HistogramsV2 or WalRecordType.FloatHistogramsV2 => SampleKind.Histogram,
        _ => SampleKind.None,
    };

    /// <summary>True if the record is malformed; what custom histograms without bounds leave unreadable does not count.</summary>
    public readonly bool Failed => _reader.Failed && _bounds != Bounds.Missing;

    public ulong Reference { get; private set; }

    public long Timestamp { get; private set; }

    /// <summary>Value of a float sample or exemplar.</summary>
    public double Value { get; private set; }

    /// <summary>True if the current entry is a histogram with custom buckets.</summary>
    public bool IsCustom { get; private set; }

    /// <summary>Bytes of the current entry behind reference and times; the same in both versions of a record.</summary>
    public readonly ReadOnlySpan<byte> Rest => _record[(1 + _restStart)..(1 + _reader.Position)];

    /// <summary>Labels of the current exemplar: per label uvarint length, name, uvarint length, value.</summary>
    public readonly ReadOnlySpan<byte> EncodedLabels
    {
        get
        {
            var reader = new ByteReader(Rest);
            reader.F64();
            reader.Uvarint();
            return Rest[reader.Position..];
        }
    }

    public bool Next()
    {
        while (_reader.Remaining > 0 && !_reader.Failed)
        {
            ReadHead();
            _restStart = _reader.Position;
            switch (_type)
            {
                case WalRecordType.Samples or WalRecordType.SamplesV2:
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
                    IsCustom = HistogramPayload.SkipToBounds(ref _reader, _type) == FloatHistogram.CustomBucketsSchema;
                    if (IsCustom && !HasBounds())
                    {
                        continue;
                    }

                    if (IsCustom)
                    {
                        HistogramPayload.SkipBounds(ref _reader);
                    }

                    break;
            }

            return !_reader.Failed;
        }

        return false;
    }

    /// <summary>The histogram of the current entry.</summary>
    public readonly FloatHistogram Histogram()
    {
        var reader = new ByteReader(Rest);
        return HistogramPayload.Read(ref reader, _type);
    }

    // Version 1: every entry, the first included, is relative to the base. Version 2: the base is the first entry itself, references are
    // relative to the entry before, and one byte says whether a start timestamp follows (0 none, 1 that of before).
    private void ReadHead()
    {
        if (!_hasStarts)
        {
            Reference = _baseRef + (ulong)_reader.Varint();
            Timestamp = _baseTime + _reader.Varint();
            return;
        }

        if (_isFirst)
        {
            _isFirst = false;
            Timestamp = _baseTime;
        }
        else
        {
            _baseRef += (ulong)_reader.Varint();
            Timestamp = _baseTime + _reader.Varint();
            if (_reader.U8() > 1)
            {
                _reader.Varint();
            }
        }

        Reference = _baseRef;
    }

    // Prometheus 3.0 and 3.1 wrote custom histograms into types 7 and 8 and left their bounds out; such an entry is of no use. Whether a
    // record is of that sort shows at its first custom histogram: it must have bounds, and the rest of the record must make sense with them.
    private bool HasBounds()
    {
        if (_type is not (WalRecordType.Histograms or WalRecordType.FloatHistograms))
        {
            return true;
        }

        if (_bounds == Bounds.Unknown)
        {
            _bounds = RestMakesSense() ? Bounds.Present : Bounds.Missing;
        }

        return _bounds == Bounds.Present;
    }

    private readonly bool RestMakesSense()
    {
        var ahead = new ByteReader(_record[(1 + _restStart)..]);
        while (true)
        {
            var histogram = HistogramPayload.Read(ref ahead, _type);
            if (ahead.Failed || !HistogramPayload.IsConsistent(histogram) || !HistogramPayload.HasFittingBounds(histogram))
            {
                return false;
            }

            if (ahead.Remaining == 0)
            {
                return true;
            }

            ahead.Varint();
            ahead.Varint();
        }
    }

    private enum Bounds : byte
    {
        Unknown,
        Present,
        Missing,
    }
}
