namespace MetricsOperator.Tsdb.Chunks;

/// <summary>Decodes a float chunk in batches. A value type: it can live in the reader that owns the bytes.</summary>
internal struct XorChunkReader
{
    private readonly int _total;
    private int _read;
    private int _bitPosition;
    private long _timestamp;
    private long _delta;
    private XorValue _value;

    /// <summary>Starts at the first of <paramref name="total"/> samples.</summary>
    public XorChunkReader(int total)
    {
        _total = total;
        _bitPosition = XorChunkWriter.HeaderBytes * 8;
    }

    /// <summary>Samples that are left.</summary>
    public readonly int Remaining => _total - _read;

    /// <summary>Decodes up to the length of the spans; -1 when the bytes are not a chunk of so many samples.</summary>
    public int Read(ReadOnlySpan<byte> chunk, Span<long> timestamps, Span<double> values)
    {
        var count = Math.Min(Math.Min(timestamps.Length, values.Length), Remaining);
        var reader = new BitReader(chunk, _bitPosition);
        for (var i = 0; i < count; i++)
        {
            if (_read == 0)
            {
                _timestamp = reader.Varint();
                _value.Bits = reader.Bits(64);
            }
            else
            {
                _delta = _read == 1 ? (long)reader.Uvarint() : _delta + ReadDod(ref reader);
                _timestamp += _delta;
                if (!_value.Read(ref reader))
                {
                    return -1;
                }
            }

            _read++;
            timestamps[i] = _timestamp;
            values[i] = BitConverter.UInt64BitsToDouble(_value.Bits);
        }

        _bitPosition = reader.BitPosition;
        return reader.Failed ? -1 : count;
    }

    private static long ReadDod(ref BitReader reader) => reader.Ones(4) switch
    {
        0 => 0,
        1 => reader.Signed(14),
        2 => reader.Signed(17),
        3 => reader.Signed(20),
        _ => (long)reader.Bits(64),
    };
}
