using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Samples;
using MetricsOperator.Tsdb.Chunks;

namespace MetricsOperator.Tsdb.Head;

/// <summary>The rules by which samples get into the open chunk of a series and chunks are closed. The head's lock guards it.</summary>
internal sealed class SampleWriter(SeriesStore store, HeadChunkFiles files, long chunkRangeMs)
{
    private const int TargetSamples = 120;
    private const int MaxXorBytes = 1005;
    private const int TargetHistogramBytes = 1024;
    private const int MaxHistogramBytes = 2048;
    private const int MinHistogramSamples = 10;

    private readonly ChunkBytes _chunkBytes = new(store.Arena);
    private readonly byte[] _sealing = new byte[MaxXorBytes + XorChunkWriter.MaxSampleBytes + 1];
    private readonly List<FloatHistogramChunkWriter?> _histograms = [];
    private readonly Stack<int> _freeHistograms = new();

    public long OpenChunks { get; private set; }

    public long SealedChunks { get; private set; }

    /// <summary>Estimated bytes of open histogram chunks.</summary>
    public long HistogramBytes { get; private set; }

    /// <summary>The open histogram chunk of a series that has one.</summary>
    public FloatHistogramChunkWriter Histogram(in MemSeries series) => _histograms[series.Histogram]!;

    /// <summary>True if a float sample is a stale marker that has to become a histogram sample, because the series holds histograms.</summary>
    public static bool IsHistogramMarker(in MemSeries series, double value) =>
        series.Encoding == ChunkEncoding.FloatHistogram && StaleMarker.IsStale(value);

    /// <summary>What would become of a float sample; a repetition of the newest one is Ok and <paramref name="isRepetition"/>.</summary>
    public static AppendOutcome Check(in MemSeries series, long timestamp, double value, out bool isRepetition)
    {
        isRepetition = false;
        if (timestamp > series.LastTime)
        {
            return AppendOutcome.Ok;
        }

        if (timestamp < series.LastTime || series.Encoding == ChunkEncoding.None)
        {
            return AppendOutcome.OutOfOrder;
        }

        isRepetition = series.Encoding == ChunkEncoding.Xor && series.Xor.Value.Bits == BitConverter.DoubleToUInt64Bits(value);
        return isRepetition ? AppendOutcome.Ok : AppendOutcome.DuplicateTimestamp;
    }

    /// <summary>What would become of a histogram sample.</summary>
    public AppendOutcome Check(in MemSeries series, long timestamp, FloatHistogram histogram, out bool isRepetition)
    {
        isRepetition = false;
        if (timestamp > series.LastTime)
        {
            return AppendOutcome.Ok;
        }

        if (timestamp < series.LastTime || series.Encoding == ChunkEncoding.None)
        {
            return AppendOutcome.OutOfOrder;
        }

        isRepetition = series.Encoding == ChunkEncoding.FloatHistogram && Histogram(in series).LastEquals(histogram);
        return isRepetition ? AppendOutcome.Ok : AppendOutcome.DuplicateTimestamp;
    }

    /// <summary>Appends a float sample that is newer than all of its series.</summary>
    public void Append(ref MemSeries series, long timestamp, double value)
    {
        if (series.Encoding != ChunkEncoding.Xor || MustCut(ref series, timestamp))
        {
            Seal(ref series);
            StartChunk(ref series, timestamp, ChunkEncoding.Xor);
        }

        _chunkBytes.Append(ref series, timestamp, value);
        series.LastTime = timestamp;
        series.IsStale = StaleMarker.IsStale(value);
    }

    /// <summary>Appends a histogram sample that is newer than all of its series.</summary>
    public void Append(ref MemSeries series, long timestamp, FloatHistogram histogram)
    {
        var isReset = false;
        var writer = series.Encoding == ChunkEncoding.FloatHistogram ? Histogram(in series) : null;
        var before = writer?.Bytes.Length ?? 0;
        if (writer is null || MustCut(in series, writer, timestamp) || !writer.TryAppend(timestamp, histogram, out isReset))
        {
            Seal(ref series);
            StartChunk(ref series, timestamp, ChunkEncoding.FloatHistogram);
            writer = FloatHistogramChunkWriter.Start(timestamp, histogram, isReset);
            before = 0;
            series.Histogram = Keep(writer);
        }

        HistogramBytes += writer.Bytes.Length - before;
        series.LastTime = timestamp;
        series.IsStale = StaleMarker.IsStale(histogram.Sum);
    }

    /// <summary>Closes the open chunk, if there is one, and hands it to chunks_head.</summary>
    public void Seal(ref MemSeries series)
    {
        if (series.Encoding == ChunkEncoding.None)
        {
            return;
        }

        ReadOnlySpan<byte> data;
        if (series.Encoding == ChunkEncoding.FloatHistogram)
        {
            data = Histogram(in series).Bytes;
        }
        else
        {
            data = _sealing.AsSpan(0, series.Xor.ByteLength);
            _chunkBytes.CopyTo(in series, _sealing);
        }

        AddSealed(ref series, new SealedChunk(
            files.Append(series.Reference, series.ChunkMinTime, series.LastTime, series.Encoding, data), series.ChunkMinTime, series.LastTime));
        DropOpen(ref series);
    }

    /// <summary>Bytes of the open chunk.</summary>
    public int OpenLength(in MemSeries series) => series.Encoding == ChunkEncoding.FloatHistogram
        ? Histogram(in series).Bytes.Length
        : series.Xor.ByteLength;

    /// <summary>Copies the open chunk to memory of its length.</summary>
    public void CopyOpen(in MemSeries series, Span<byte> target)
    {
        if (series.Encoding == ChunkEncoding.FloatHistogram)
        {
            Histogram(in series).Bytes.CopyTo(target);
        }
        else
        {
            _chunkBytes.CopyTo(in series, target);
        }
    }

    /// <summary>Gives a series without an open chunk the one that <see cref="CopyOpen"/> copied; its times are set already.</summary>
    /// <returns>False when the bytes are not such a chunk.</returns>
    public bool RestoreOpen(ref MemSeries series, ChunkEncoding encoding, in XorChunkState xor, ReadOnlySpan<byte> bytes)
    {
        if (encoding == ChunkEncoding.FloatHistogram && FloatHistogramChunkWriter.Resume(bytes) is { } writer)
        {
            series.Histogram = Keep(writer);
            HistogramBytes += writer.Bytes.Length;
        }
        else if (encoding == ChunkEncoding.Xor && xor.ByteLength == bytes.Length && bytes.Length > XorChunkWriter.HeaderBytes)
        {
            series.Xor = xor;
            _chunkBytes.Restore(ref series, bytes);
        }
        else
        {
            return false;
        }

        series.Encoding = encoding;
        OpenChunks++;
        return true;
    }

    /// <summary>Forgets the open chunk.</summary>
    public void DropOpen(ref MemSeries series)
    {
        switch (series.Encoding)
        {
            case ChunkEncoding.None:
                return;
            case ChunkEncoding.FloatHistogram:
                HistogramBytes -= Histogram(in series).Bytes.Length;
                _histograms[series.Histogram] = null;
                _freeHistograms.Push(series.Histogram);
                series.Histogram = -1;
                break;
            default:
                _chunkBytes.Free(ref series);
                series.Xor = default;
                break;
        }

        series.Encoding = ChunkEncoding.None;
        OpenChunks--;
    }

    /// <summary>Descriptors of the closed chunks, oldest first; valid until the series changes.</summary>
    public ReadOnlySpan<SealedChunk> SealedOf(in MemSeries series) => series.SealedCount == 0
        ? default
        : MemoryMarshal.Cast<byte, SealedChunk>(store.Arena.Get(series.Sealed)[..(series.SealedCount * SealedChunk.Size)]);

    /// <summary>Start of the oldest chunk of a series that has one.</summary>
    public long MinTimeOf(in MemSeries series) => series.SealedCount > 0 ? SealedOf(in series)[0].MinTime : series.ChunkMinTime;

    /// <summary>Adds a closed chunk that is newer than all others of the series.</summary>
    public void AddSealed(ref MemSeries series, SealedChunk chunk)
    {
        var used = series.SealedCount * SealedChunk.Size;
        if (series.Sealed == 0)
        {
            series.Sealed = store.Arena.Allocate(SealedChunk.Size, HeadMemoryUse.Descriptors);
        }
        else if (store.Arena.Get(series.Sealed).Length < used + SealedChunk.Size)
        {
            var larger = store.Arena.Allocate(used + SealedChunk.Size, HeadMemoryUse.Descriptors);
            store.Arena.Get(series.Sealed)[..used].CopyTo(store.Arena.Get(larger));
            store.Arena.Free(series.Sealed, HeadMemoryUse.Descriptors);
            series.Sealed = larger;
        }

        MemoryMarshal.Write(store.Arena.Get(series.Sealed)[used..], in chunk);
        series.SealedCount++;
        series.SealedMaxTime = Math.Max(series.SealedMaxTime, chunk.MaxTime);
        series.LastTime = Math.Max(series.LastTime, chunk.MaxTime);
        SealedChunks++;
    }

    /// <summary>Forgets chunks that end before <paramref name="minTime"/>; true when nothing is left of the series.</summary>
    public bool DropBefore(ref MemSeries series, long minTime)
    {
        if (series.SealedCount > 0)
        {
            var chunks = MemoryMarshal.Cast<byte, SealedChunk>(store.Arena.Get(series.Sealed));
            var dropped = 0;
            while (dropped < series.SealedCount && chunks[dropped].MaxTime < minTime)
            {
                dropped++;
            }

            if (dropped > 0)
            {
                chunks[dropped..series.SealedCount].CopyTo(chunks);
                series.SealedCount -= (ushort)dropped;
                SealedChunks -= dropped;
                if (series.SealedCount == 0)
                {
                    store.Arena.Free(series.Sealed, HeadMemoryUse.Descriptors);
                    series.Sealed = 0;
                }
            }
        }

        if (series.Encoding != ChunkEncoding.None && series.LastTime < minTime)
        {
            DropOpen(ref series);
        }

        return series.SealedCount == 0 && series.Encoding == ChunkEncoding.None;
    }

    /// <summary>End of the block range that a time falls into.</summary>
    public static long RangeEnd(long timestamp, long rangeMs)
    {
        var index = timestamp / rangeMs;
        if (timestamp < 0 && timestamp % rangeMs != 0)
        {
            index--;
        }

        return (index * rangeMs) + rangeMs;
    }

    private int Keep(FloatHistogramChunkWriter writer)
    {
        if (_freeHistograms.TryPop(out var index))
        {
            _histograms[index] = writer;
            return index;
        }

        _histograms.Add(writer);
        return _histograms.Count - 1;
    }

    private void StartChunk(ref MemSeries series, long timestamp, ChunkEncoding encoding)
    {
        series.Encoding = encoding;
        series.ChunkMinTime = timestamp;
        series.NextCut = RangeEnd(timestamp, chunkRangeMs);
        series.Xor = default;
        OpenChunks++;
    }

    private static bool MustCut(ref MemSeries series, long timestamp)
    {
        if (series.Xor.ByteLength > MaxXorBytes)
        {
            return true;
        }

        // A quarter full: from here on the rate is known well enough to spread the chunks evenly over the range.
        if (series.Xor.Count == TargetSamples / 4)
        {
            series.NextCut = PredictEnd(series.ChunkMinTime, series.LastTime, series.NextCut);
        }

        return timestamp >= series.NextCut || series.Xor.Count >= TargetSamples * 2;
    }

    private static bool MustCut(in MemSeries series, FloatHistogramChunkWriter writer, long timestamp) =>
        timestamp >= series.NextCut
        || writer.Count == ushort.MaxValue >> 2
        || writer.Bytes.Length > MaxHistogramBytes
        || (writer.Count >= MinHistogramSamples && writer.Bytes.Length > TargetHistogramBytes);

    private static long PredictEnd(long start, long current, long end)
    {
        var chunks = (end - start) / ((current - start + 1) * 4);
        return chunks <= 1 ? end : start + ((end - start) / chunks);
    }
}
