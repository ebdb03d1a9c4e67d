using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Tsdb.Querying;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Rebuilds the late samples of the head. They are kept sorted in memory, whether they come from a chunk or from their log, and of one
/// time only once. That is why the log's markers, which say that the samples before them are in a chunk, are not needed.
/// </summary>
internal sealed class LateReplay(MemoryHead head, ILogger logger)
{
    private readonly long[] _time = new long[1];
    private readonly double[] _value = new double[1];
    private readonly FloatHistogram?[] _histogram = new FloatHistogram?[1];

    /// <summary>Samples of series that are not in the log, and histograms that contradict themselves.</summary>
    public long UnknownSamples { get; private set; }

    /// <summary>Chunks that could not be decoded.</summary>
    public long MalformedChunks { get; private set; }

    /// <summary>Adds the samples of a chunk in chunks_head.</summary>
    public void ReadChunk(ulong series, SealedChunk chunk)
    {
        var chunks = new[] { new ChunkRef(chunk.MinTime, chunk.MaxTime, chunk.DiskRef) };
        using var reader = new ChunkSampleReader(new HeadSelection(head), chunks, long.MinValue, long.MaxValue);
        try
        {
            while (ReadSample(reader))
            {
                head.OutOfOrder.Add(series, _time[0], _value[0], _histogram[0]);
            }
        }
        catch (StorageException e)
        {
            logger.LogWarning("Replay skipped late samples: {Reason}", e.Message);
            MalformedChunks++;
        }
    }

    /// <summary>Adds the samples of a record; false when it is malformed.</summary>
    public bool ReadRecord(ReadOnlySpan<byte> record)
    {
        var kind = SampleRecord.KindOf(record);
        if (kind == SampleKind.None)
        {
            return true;
        }

        var samples = new SampleRecord(record);
        while (samples.Next())
        {
            var histogram = kind == SampleKind.Histogram ? samples.Histogram() : null;
            var number = head.Store.Find(samples.Reference);
            if (number < 0 || (histogram is not null && !HistogramPayload.IsConsistent(histogram)))
            {
                head.Store.ObserveReference(samples.Reference);
                UnknownSamples++;
            }
            else
            {
                head.OutOfOrder.Add(head.Store[number].Reference, samples.Timestamp, samples.Value, histogram);
            }
        }

        return !samples.Failed;
    }

    private bool ReadSample(ChunkSampleReader reader)
    {
        _histogram[0] = null;
        return reader.NextKind() switch
        {
            SampleKind.Float => reader.ReadFloats(_time, _value) == 1,
            SampleKind.Histogram => reader.ReadHistograms(_time, _histogram) == 1,
            _ => false,
        };
    }
}
