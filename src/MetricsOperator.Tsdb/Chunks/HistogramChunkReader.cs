using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>Decodes histogram chunks, integer (encodings 2 and 5) and float (encodings 3 and 6), to float histograms.</summary>
internal sealed class HistogramChunkReader
{
    /// <summary>Sample count and flags; in chunks with start timestamps sample count with the flags in its upper bits, and their header.</summary>
    public const int HeaderBytes = 3;

    private readonly HistogramLayout _layout;
    private readonly bool _isFloat;
    private readonly byte _flags;
    private readonly StartTimestamps _starts;
    private readonly int _total;
    private readonly XorValue[] _xorBuckets;
    private readonly long[] _buckets;
    private readonly long[] _bucketDeltas;
    private int _read;
    private int _bitPosition;
    private long _timestamp;
    private long _timestampDelta;
    private long _count;
    private long _countDelta;
    private long _zeroCount;
    private long _zeroCountDelta;
    private XorValue _xorCount;
    private XorValue _xorZeroCount;
    private XorValue _xorSum;

    private HistogramChunkReader(HistogramLayout layout, bool isFloat, byte flags, StartTimestamps starts, int total, int bitPosition)
    {
        _layout = layout;
        _isFloat = isFloat;
        _flags = flags;
        _starts = starts;
        _total = total;
        _bitPosition = bitPosition;
        var buckets = layout.PositiveCount + layout.NegativeCount;
        _xorBuckets = isFloat ? new XorValue[buckets] : [];
        _buckets = isFloat ? [] : new long[buckets];
        _bucketDeltas = isFloat ? [] : new long[buckets];
    }

    public int Remaining => _total - _read;

    public HistogramLayout Layout => _layout;

    /// <summary>Starts reading; null when the bytes are not a histogram chunk.</summary>
    public static HistogramChunkReader? Open(ReadOnlySpan<byte> chunk, ChunkEncoding encoding, int total)
    {
        if (chunk.Length < HeaderBytes)
        {
            return null;
        }

        var reader = new BitReader(chunk, HeaderBytes * 8);
        var layout = HistogramLayout.Read(ref reader);

        // Every bucket of the first sample takes at least one bit, so that a short chunk cannot claim many.
        if (layout is null || layout.PositiveCount + layout.NegativeCount > (long)chunk.Length * 8)
        {
            return null;
        }

        var isFloat = encoding is ChunkEncoding.FloatHistogram or ChunkEncoding.FloatHistogramWithStarts;
        var (flags, starts) = encoding.HasStarts() ? (chunk[0], chunk[2]) : (chunk[2], (byte)0);
        return new HistogramChunkReader(layout, isFloat, flags, new StartTimestamps(starts), total, reader.BitPosition);
    }

    /// <summary>Decodes the next sample; null when the bytes end early or are malformed.</summary>
    public FloatHistogram? Read(ReadOnlySpan<byte> chunk, out long timestamp)
    {
        var reader = new BitReader(chunk, _bitPosition);
        if (_read == 0)
        {
            _timestamp = Varbit.ReadSigned(ref reader);
        }
        else
        {
            _timestampDelta += Varbit.ReadSigned(ref reader);
            _timestamp += _timestampDelta;
        }

        timestamp = _timestamp;
        var sample = _isFloat ? ReadFloat(ref reader) : ReadInteger(ref reader);
        _starts.Skip(ref reader, _read++);
        _bitPosition = reader.BitPosition;
        return reader.Failed ? null : sample;
    }

    private FloatHistogram? ReadFloat(ref BitReader reader)
    {
        if (_read == 0)
        {
            _xorCount.Bits = reader.Bits(64);
            _xorZeroCount.Bits = reader.Bits(64);
            _xorSum.Bits = reader.Bits(64);
            foreach (ref var bucket in _xorBuckets.AsSpan())
            {
                bucket.Bits = reader.Bits(64);
            }
        }
        else
        {
            if (!_xorCount.Read(ref reader) || !_xorZeroCount.Read(ref reader) || !_xorSum.Read(ref reader))
            {
                return null;
            }

            if (_xorSum.Bits != StaleMarker.Bits)
            {
                foreach (ref var bucket in _xorBuckets.AsSpan())
                {
                    if (!bucket.Read(ref reader))
                    {
                        return null;
                    }
                }
            }
        }

        if (_xorSum.Bits == StaleMarker.Bits)
        {
            return Stale();
        }

        var sample = New(BitConverter.UInt64BitsToDouble(_xorCount.Bits), BitConverter.UInt64BitsToDouble(_xorZeroCount.Bits));
        for (var i = 0; i < _xorBuckets.Length; i++)
        {
            SetBucket(sample, i, BitConverter.UInt64BitsToDouble(_xorBuckets[i].Bits));
        }

        return sample;
    }

    private FloatHistogram? ReadInteger(ref BitReader reader)
    {
        if (_read == 0)
        {
            _count = (long)Varbit.ReadUnsigned(ref reader);
            _zeroCount = (long)Varbit.ReadUnsigned(ref reader);
            _xorSum.Bits = reader.Bits(64);
            foreach (ref var bucket in _buckets.AsSpan())
            {
                bucket = Varbit.ReadSigned(ref reader);
            }
        }
        else
        {
            _countDelta += Varbit.ReadSigned(ref reader);
            _zeroCountDelta += Varbit.ReadSigned(ref reader);
            _count += _countDelta;
            _zeroCount += _zeroCountDelta;
            if (!_xorSum.Read(ref reader))
            {
                return null;
            }

            if (_xorSum.Bits != StaleMarker.Bits)
            {
                for (var i = 0; i < _buckets.Length; i++)
                {
                    _bucketDeltas[i] += Varbit.ReadSigned(ref reader);
                    _buckets[i] += _bucketDeltas[i];
                }
            }
        }

        if (_xorSum.Bits == StaleMarker.Bits)
        {
            return Stale();
        }

        // The stored numbers are differences from bucket to bucket, for positive and negative buckets separately.
        var sample = New((ulong)_count, (ulong)_zeroCount);
        long absolute = 0;
        for (var i = 0; i < _buckets.Length; i++)
        {
            absolute = i == _layout.PositiveCount ? _buckets[i] : absolute + _buckets[i];
            SetBucket(sample, i, absolute);
        }

        return sample;
    }

    private FloatHistogram New(double count, double zeroCount) => new()
    {
        ResetHint = Hint(),
        Schema = _layout.Schema,
        ZeroThreshold = _layout.ZeroThreshold,
        Count = count,
        ZeroCount = zeroCount,
        Sum = BitConverter.UInt64BitsToDouble(_xorSum.Bits),
        PositiveSpans = _layout.PositiveSpans,
        NegativeSpans = _layout.NegativeSpans,
        PositiveBuckets = _layout.PositiveCount == 0 ? [] : new double[_layout.PositiveCount],
        NegativeBuckets = _layout.NegativeCount == 0 ? [] : new double[_layout.NegativeCount],
        CustomValues = _layout.CustomValues,
    };

    private FloatHistogram Stale() => new() { ResetHint = Hint(), Sum = StaleMarker.Value };

    private void SetBucket(FloatHistogram sample, int index, double value)
    {
        if (index < _layout.PositiveCount)
        {
            sample.PositiveBuckets[index] = value;
        }
        else
        {
            sample.NegativeBuckets[index - _layout.PositiveCount] = value;
        }
    }

    // Whether the chunk before still exists is unknown here, so "not reset" is only said within a chunk.
    private CounterResetHint Hint() => (_flags >> 6) switch
    {
        3 => CounterResetHint.Gauge,
        _ when _read > 0 => CounterResetHint.NotReset,
        2 => CounterResetHint.Reset,
        _ => CounterResetHint.Unknown,
    };
}
