using System.Buffers;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Chunks;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>Reads the samples of chunks that follow one another without overlap, cut to a time range.</summary>
internal sealed class ChunkSampleReader : SampleReader
{
    private const int BatchSize = 128;

    private readonly ChunkSource _source;
    private readonly ArraySegment<ChunkRef> _chunks;
    private readonly long _maxTime;
    private readonly IReadOnlyList<TimeRange>? _deleted;
    private long _minTime;
    private int _nextChunk;
    private byte[] _buffer = [];
    private ChunkData _data;
    private ChunkRef _chunk;
    private FloatChunkReader _floats;
    private HistogramChunkReader? _histograms;
    private long[]? _times;
    private double[]? _values;
    private int _batchStart;
    private int _batchEnd;
    private FloatHistogram? _pendingHistogram;
    private long _pendingTime;
    private bool _isOpen;

    /// <param name="source">Where the chunks are.</param>
    /// <param name="chunks">In time order.</param>
    /// <param name="minTime">First time wanted.</param>
    /// <param name="maxTime">Last time wanted.</param>
    /// <param name="deleted">Time ranges to leave out.</param>
    public ChunkSampleReader(
        ChunkSource source, ArraySegment<ChunkRef> chunks, long minTime, long maxTime, IReadOnlyList<TimeRange>? deleted = null)
    {
        _deleted = deleted;
        _source = source;
        _chunks = chunks;
        _minTime = minTime;
        _maxTime = maxTime;
    }

    public override SampleKind NextKind()
    {
        while (true)
        {
            if (_batchStart < _batchEnd)
            {
                return SampleKind.Float;
            }

            if (_pendingHistogram is not null)
            {
                return SampleKind.Histogram;
            }

            if (!FillFromChunk() && !OpenNextChunk())
            {
                return SampleKind.None;
            }
        }
    }

    public override int ReadFloats(Span<long> timestampsMs, Span<double> values)
    {
        if (timestampsMs.IsEmpty || values.IsEmpty || NextKind() != SampleKind.Float)
        {
            return 0;
        }

        var room = Math.Min(timestampsMs.Length, values.Length);
        var count = Math.Min(room, _batchEnd - _batchStart);
        _times.AsSpan(_batchStart, count).CopyTo(timestampsMs);
        _values.AsSpan(_batchStart, count).CopyTo(values);
        _batchStart += count;

        // Fast path: further samples are decoded straight to where they are wanted.
        while (count < room && _batchStart == _batchEnd)
        {
            if (!_isOpen || (_histograms is null && _floats.Remaining == 0))
            {
                if (!OpenNextChunk())
                {
                    break;
                }
            }

            if (_histograms is not null || _deleted is not null)
            {
                break;
            }

            var read = _floats.Read(_data.Bytes, timestampsMs[count..room], values[count..room]);
            if (read < 0)
            {
                throw Corrupt();
            }

            if (_chunk.MinTime < _minTime || _chunk.MaxTime > _maxTime)
            {
                read = Trim(timestampsMs.Slice(count, read), values.Slice(count, read));
            }

            count += read;
        }

        return count;
    }

    public override int ReadHistograms(Span<long> timestampsMs, Span<FloatHistogram?> values)
    {
        var room = Math.Min(timestampsMs.Length, values.Length);
        var count = 0;
        while (count < room && NextKind() == SampleKind.Histogram)
        {
            timestampsMs[count] = _pendingTime;
            values[count++] = _pendingHistogram;
            _pendingHistogram = null;
        }

        return count;
    }

    public override void SkipTo(long timestampMs)
    {
        if (timestampMs <= _minTime)
        {
            return;
        }

        _minTime = timestampMs;
        while (_batchStart < _batchEnd && _times![_batchStart] < timestampMs)
        {
            _batchStart++;
        }

        if (_pendingHistogram is not null && _pendingTime < timestampMs)
        {
            _pendingHistogram = null;
        }

        if (_isOpen && _batchStart == _batchEnd && _chunk.MaxTime < timestampMs)
        {
            _isOpen = false;
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = [];
        _isOpen = false;
        _nextChunk = _chunks.Count;
        if (_times is not null)
        {
            ArrayPool<long>.Shared.Return(_times);
            ArrayPool<double>.Shared.Return(_values!);
            _times = null;
            _values = null;
        }
    }

    // Moves the samples in the range to the front; says how many they are.
    private int Trim(Span<long> times, Span<double> values)
    {
        var start = 0;
        var end = times.Length;
        while (start < end && times[start] < _minTime)
        {
            start++;
        }

        while (end > start && times[end - 1] > _maxTime)
        {
            end--;
        }

        if (start > 0)
        {
            times[start..end].CopyTo(times);
            values[start..end].CopyTo(values);
        }

        return end - start;
    }

    // Decodes some more of the open chunk; false when it has nothing left.
    private bool FillFromChunk()
    {
        if (!_isOpen)
        {
            return false;
        }

        if (_histograms is not null)
        {
            while (_histograms.Remaining > 0)
            {
                var sample = _histograms.Read(_data.Bytes, out var time) ?? throw Corrupt();
                if (time > _maxTime)
                {
                    break;
                }

                if (time >= _minTime && !IsDeleted(time))
                {
                    _pendingHistogram = sample;
                    _pendingTime = time;
                    return true;
                }
            }

            _isOpen = false;
            return false;
        }

        while (_floats.Remaining > 0)
        {
            _times ??= ArrayPool<long>.Shared.Rent(BatchSize);
            _values ??= ArrayPool<double>.Shared.Rent(BatchSize);
            var count = _floats.Read(_data.Bytes, _times.AsSpan(0, BatchSize), _values.AsSpan(0, BatchSize));
            if (count < 0)
            {
                throw Corrupt();
            }

            _batchStart = 0;
            _batchEnd = count;
            while (_batchStart < _batchEnd && _times[_batchStart] < _minTime)
            {
                _batchStart++;
            }

            while (_batchEnd > _batchStart && _times[_batchEnd - 1] > _maxTime)
            {
                _batchEnd--;
            }

            if (_deleted is not null)
            {
                RemoveDeleted();
            }

            if (_batchStart < _batchEnd)
            {
                return true;
            }
        }

        _isOpen = false;
        return false;
    }

    private void RemoveDeleted()
    {
        var kept = _batchStart;
        for (var i = _batchStart; i < _batchEnd; i++)
        {
            if (!IsDeleted(_times![i]))
            {
                _times[kept] = _times[i];
                _values![kept++] = _values[i];
            }
        }

        _batchEnd = kept;
    }

    private bool IsDeleted(long time)
    {
        for (var i = 0; _deleted is not null && i < _deleted.Count; i++)
        {
            if (_deleted[i].Contains(time))
            {
                return true;
            }
        }

        return false;
    }

    private bool OpenNextChunk()
    {
        while (_nextChunk < _chunks.Count)
        {
            _chunk = _chunks[_nextChunk++];
            if (_chunk.MaxTime < _minTime)
            {
                continue;
            }

            if (_chunk.MinTime > _maxTime)
            {
                _nextChunk = _chunks.Count;
                return false;
            }

            _data = _source.Load(_chunk, ref _buffer);
            _histograms = null;
            if (!_data.Encoding.IsKnown())
            {
                throw new StorageException($"cannot read {_source.Describe(_chunk)}: got chunk encoding {(int)_data.Encoding}, want 1 to 6");
            }

            if (_data.Encoding.IsFloat())
            {
                _floats = new FloatChunkReader(_data.Encoding, _data.Samples);
            }
            else
            {
                _histograms = HistogramChunkReader.Open(_data.Bytes, _data.Encoding, _data.Samples) ?? throw Corrupt();
            }

            _isOpen = true;
            return true;
        }

        return false;
    }

    private StorageException Corrupt() => new($"cannot decode {_source.Describe(_chunk)}: it ends before its {_data.Samples} samples or is malformed");
}
