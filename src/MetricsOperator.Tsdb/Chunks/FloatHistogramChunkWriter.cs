using System.Buffers.Binary;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>An open chunk of histogram samples (encoding 3); grows in its own buffer, since few series have histograms.</summary>
internal sealed class FloatHistogramChunkWriter
{
    private const int CounterResetFlag = 0x80;
    private const int GaugeFlag = 0xC0;

    private byte[] _buffer = new byte[512];
    private HistogramLayout _layout;
    private XorValue _countValue;
    private XorValue _zeroCount;
    private XorValue _sum;
    private XorValue[] _buckets = [];
    private double[] _lastBuckets = [];
    private long _lastDelta;
    private int _bitLength;

    private FloatHistogramChunkWriter(HistogramLayout layout) => _layout = layout;

    public int Count { get; private set; }

    public long LastTimestamp { get; private set; }

    public bool IsGauge => (_buffer[2] & GaugeFlag) == GaugeFlag;

    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, (_bitLength + 7) >> 3);

    /// <summary>True if the newest sample is a stale marker.</summary>
    public bool IsStale => _sum.Bits == StaleMarker.Bits;

    /// <summary>The newest sample's sum and count; with the timestamp they tell a repetition from a conflict.</summary>
    public bool LastEquals(FloatHistogram histogram) =>
        _sum.Bits == BitConverter.DoubleToUInt64Bits(histogram.Sum)
        && (IsStale || (_countValue.Bits == BitConverter.DoubleToUInt64Bits(histogram.Count)
            && _zeroCount.Bits == BitConverter.DoubleToUInt64Bits(histogram.ZeroCount)
            && _layout.HasResolutionOf(histogram)
            && _layout.HasBucketsOf(histogram)
            && BucketsEqual(histogram)));

    /// <summary>Starts a chunk with its first sample.</summary>
    /// <param name="isReset">True if the sample is known to follow a counter reset.</param>
    public static FloatHistogramChunkWriter Start(long timestamp, FloatHistogram histogram, bool isReset)
    {
        var writer = new FloatHistogramChunkWriter(LayoutFor(histogram));
        writer._buffer[2] = histogram.ResetHint switch
        {
            CounterResetHint.Gauge => GaugeFlag,
            CounterResetHint.Reset => CounterResetFlag,
            _ => isReset ? (byte)CounterResetFlag : (byte)0,
        };
        writer.WriteFirst(timestamp, histogram);
        return writer;
    }

    /// <summary>A writer that goes on where another's <see cref="Bytes"/> end; null when they are not those of one.</summary>
    public static FloatHistogramChunkWriter? Resume(ReadOnlySpan<byte> chunk)
    {
        var count = chunk.Length < HistogramChunkReader.HeaderBytes ? 0 : BinaryPrimitives.ReadUInt16BigEndian(chunk);
        if (count == 0 || HistogramChunkReader.Open(chunk, ChunkEncoding.FloatHistogram, count) is not { } reader)
        {
            return null;
        }

        var writer = new FloatHistogramChunkWriter(reader.Layout) { _buffer = new byte[Math.Max(512, chunk.Length)] };
        writer._buffer[2] = chunk[2];
        for (var i = 0; i < count; i++)
        {
            if (reader.Read(chunk, out var timestamp) is not { } sample)
            {
                return null;
            }

            writer.Write(i == 0, timestamp, HistogramBuckets.Fit(sample, reader.Layout));
        }

        return writer;
    }

    /// <summary>Appends a sample; false when it needs a new chunk, <paramref name="isReset"/> then says whether a counter was reset.</summary>
    public bool TryAppend(long timestamp, FloatHistogram histogram, out bool isReset)
    {
        isReset = false;
        var isGauge = histogram.ResetHint == CounterResetHint.Gauge;
        if (StaleMarker.IsStale(histogram.Sum))
        {
            WriteNext(timestamp, histogram);
            return true;
        }

        if (IsStale || isGauge != IsGauge || histogram.ResetHint == CounterResetHint.Reset || !_layout.HasResolutionOf(histogram))
        {
            isReset = histogram.ResetHint == CounterResetHint.Reset;
            return false;
        }

        var sample = histogram;
        if (!_layout.HasBucketsOf(histogram))
        {
            var merged = HistogramBuckets.Union(_layout, histogram);
            if (!merged.HasBucketsOf(_layout))
            {
                Rewrite(merged);
            }

            sample = HistogramBuckets.Fit(histogram, _layout);
        }

        if (!isGauge && IsResetAgainstLast(sample))
        {
            isReset = true;
            return false;
        }

        WriteNext(timestamp, sample);
        return true;
    }

    private static HistogramLayout LayoutFor(FloatHistogram histogram) =>
        StaleMarker.IsStale(histogram.Sum) ? new HistogramLayout() : HistogramLayout.Of(histogram);

    private bool IsResetAgainstLast(FloatHistogram sample)
    {
        if (sample.Count < Value(_countValue) || sample.ZeroCount < Value(_zeroCount))
        {
            return true;
        }

        for (var i = 0; i < _lastBuckets.Length; i++)
        {
            if (BucketOf(sample, i) < _lastBuckets[i])
            {
                return true;
            }
        }

        return false;
    }

    private bool BucketsEqual(FloatHistogram histogram)
    {
        for (var i = 0; i < _lastBuckets.Length; i++)
        {
            if (BitConverter.DoubleToUInt64Bits(BucketOf(histogram, i)) != BitConverter.DoubleToUInt64Bits(_lastBuckets[i]))
            {
                return false;
            }
        }

        return true;
    }

    private void WriteFirst(long timestamp, FloatHistogram histogram)
    {
        var stale = StaleMarker.IsStale(histogram.Sum);
        var buckets = _layout.PositiveCount + _layout.NegativeCount;
        _bitLength = HistogramChunkReader.HeaderBytes * 8;
        EnsureBits(_layout.MaxBits() + 72 + (64 * 3) + (buckets * 64));
        var writer = new BitWriter(_buffer, _bitLength);
        _layout.Write(ref writer);
        Varbit.WriteSigned(ref writer, timestamp);
        _countValue = First(ref writer, stale ? 0 : histogram.Count);
        _zeroCount = First(ref writer, stale ? 0 : histogram.ZeroCount);
        _sum = First(ref writer, histogram.Sum);
        _buckets = new XorValue[buckets];
        _lastBuckets = new double[buckets];
        for (var i = 0; i < buckets; i++)
        {
            _lastBuckets[i] = BucketOf(histogram, i);
            _buckets[i] = First(ref writer, _lastBuckets[i]);
        }

        LastTimestamp = timestamp;
        _lastDelta = 0;
        Finish(writer.BitPosition, 1);
    }

    private void WriteNext(long timestamp, FloatHistogram histogram)
    {
        var stale = StaleMarker.IsStale(histogram.Sum);
        EnsureBits(72 + ((_buckets.Length + 3) * XorValue.MaxBits));
        var writer = new BitWriter(_buffer, _bitLength);
        var delta = timestamp - LastTimestamp;
        Varbit.WriteSigned(ref writer, delta - _lastDelta);
        _countValue.Write(ref writer, BitConverter.DoubleToUInt64Bits(stale ? 0 : histogram.Count));
        _zeroCount.Write(ref writer, BitConverter.DoubleToUInt64Bits(stale ? 0 : histogram.ZeroCount));
        _sum.Write(ref writer, BitConverter.DoubleToUInt64Bits(histogram.Sum));
        for (var i = 0; !stale && i < _buckets.Length; i++)
        {
            _lastBuckets[i] = BucketOf(histogram, i);
            _buckets[i].Write(ref writer, BitConverter.DoubleToUInt64Bits(_lastBuckets[i]));
        }

        LastTimestamp = timestamp;
        _lastDelta = delta;
        Finish(writer.BitPosition, Count + 1);
    }

    // All samples of a chunk share one layout, so new buckets mean that the chunk is written again with zeros in them.
    private void Rewrite(HistogramLayout layout)
    {
        var old = Bytes.ToArray();
        var total = Count;
        var reader = HistogramChunkReader.Open(old, ChunkEncoding.FloatHistogram, total)
            ?? throw new InvalidOperationException("BUG: an open histogram chunk cannot be read back");
        _layout = layout;
        for (var i = 0; i < total; i++)
        {
            var sample = reader.Read(old, out var timestamp)
                ?? throw new InvalidOperationException("BUG: an open histogram chunk cannot be read back");
            Write(i == 0, timestamp, HistogramBuckets.Fit(sample, layout));
        }
    }

    private void Write(bool isFirst, long timestamp, FloatHistogram histogram)
    {
        if (isFirst)
        {
            WriteFirst(timestamp, histogram);
        }
        else
        {
            WriteNext(timestamp, histogram);
        }
    }

    private void Finish(int bitLength, int count)
    {
        _bitLength = bitLength;
        Count = count;
        BinaryPrimitives.WriteUInt16BigEndian(_buffer, (ushort)count);
    }

    private void EnsureBits(int bits)
    {
        var bytes = ((_bitLength + bits) >> 3) + 1;
        if (bytes > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(bytes, _buffer.Length * 2));
        }
    }

    private double BucketOf(FloatHistogram histogram, int index) => index < _layout.PositiveCount
        ? histogram.PositiveBuckets[index]
        : histogram.NegativeBuckets[index - _layout.PositiveCount];

    private static double Value(XorValue value) => BitConverter.UInt64BitsToDouble(value.Bits);

    private static XorValue First(ref BitWriter writer, double value)
    {
        var bits = BitConverter.DoubleToUInt64Bits(value);
        writer.Bits(bits, 64);
        return XorValue.Writer(bits);
    }
}
