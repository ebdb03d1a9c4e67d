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
