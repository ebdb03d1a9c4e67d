using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>Decodes a float chunk of encoding 4 in batches: one code for time and value together, stale markers apart from the values.</summary>
internal struct Xor2ChunkReader
{
    /// <summary>Sample count and the header of the start timestamps.</summary>
    public const int HeaderBytes = 3;

    private readonly int _total;
    private int _read;
    private int _bitPosition;
    private long _timestamp;
    private long _delta;

    /// <summary>The newest value that is not a stale marker; values are relative to it.</summary>
    private XorValue _value;

    /// <summary>Starts at the first of <paramref name="total"/> samples.</summary>
    public Xor2ChunkReader(int total)
    {
        _total = total;
        _bitPosition = HeaderBytes * 8;
    }

    /// <summary>Samples that are left.</summary>
    public readonly int Remaining => _total - _read;

    /// <summary>Decodes up to the length of the spans; -1 when the bytes are not a chunk of so many samples.</summary>
    public int Read(ReadOnlySpan<byte> chunk, Span<long> timestamps, Span<double> values)
    {
        if (chunk.Length < HeaderBytes)
        {
            return Remaining == 0 ? 0 : -1;
        }

        var count = Math.Min(Math.Min(timestamps.Length, values.Length), Remaining);
        var starts = new StartTimestamps(chunk[2]);
        var reader = new BitReader(chunk, _bitPosition);
        for (var i = 0; i < count; i++)
        {
            if (!ReadSample(ref reader, out var bits))
            {
                return -1;
            }

            starts.Skip(ref reader, _read++);
            timestamps[i] = _timestamp;
            values[i] = BitConverter.UInt64BitsToDouble(bits);
        }

        _bitPosition = reader.BitPosition;
        return reader.Failed ? -1 : count;
    }

    private bool ReadSample(ref BitReader reader, out ulong bits)
    {
        if (_read == 0)
        {
            _timestamp = reader.Varint();
            bits = reader.Bits(64);
            _value.Bits = bits == StaleMarker.Bits ? 0 : bits;
            return true;
        }

        var code = 2;
        if (_read == 1)
        {
            _delta = (long)reader.Uvarint();
        }
        else
        {
            code = reader.Ones(5);
            _delta += code switch
            {
                2 => reader.TwosComplement(13),
                3 => reader.TwosComplement(20),
                4 => reader.TwosComplement(64),
                _ => 0,
            };
        }

        _timestamp += _delta;
        switch (code)
        {
            case 0:
                bits = _value.Bits;
                return true;
            case 1:
                var isRead = reader.Bit() ? _value.ReadWithWindow(ref reader) : _value.ReadInWindow(ref reader);
                bits = _value.Bits;
                return isRead;
            case 5:
                bits = StaleMarker.Bits;
                return true;
            default:
                return ReadValue(ref reader, out bits);
        }
    }

    private bool ReadValue(ref BitReader reader, out ulong bits)
    {
        var code = reader.Ones(3);
        var isRead = code switch
        {
            1 => _value.ReadInWindow(ref reader),
            2 => _value.ReadWithWindow(ref reader),
            _ => true,
        };
        bits = code == 3 ? StaleMarker.Bits : _value.Bits;
        return isRead;
    }
}
