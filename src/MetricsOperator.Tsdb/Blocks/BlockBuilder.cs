using System.Buffers;
using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Blocks;

/// <summary>Writes a block into a temporary directory and renames it once everything is durable. Series come in label order.</summary>
internal sealed class BlockBuilder : IDisposable
{
    private const int SamplesPerChunk = 120;
    private const int MaxHistogramSamples = 60;

    private readonly FileLayer _files;
    private readonly string _final;
    private readonly string _temporary;
    private readonly ChunkSegmentWriter _chunks;
    private readonly List<BlockChunk> _seriesChunks = [];
    private readonly long[] _times = new long[SamplesPerChunk];
    private readonly double[] _values = new double[SamplesPerChunk];
    private readonly byte[] _encoded = new byte[(SamplesPerChunk * XorChunkWriter.MaxSampleBytes) + XorChunkWriter.HeaderBytes];
    private byte[] _loadBuffer = ArrayPool<byte>.Shared.Rent(4096);
    private bool _isNamed;
    private bool _isFinished;

    public BlockBuilder(FileLayer files, string dataDirectory, string ulid)
    {
        _files = files;
        Ulid = ulid;
        _final = Path.Combine(dataDirectory, ulid);
        _temporary = _final + BlockFolders.CreationSuffix;
        files.CreateDirectory(_temporary);
        _chunks = new ChunkSegmentWriter(files, Path.Combine(_temporary, "chunks"));
        Index = new IndexWriter(files, Path.Combine(_temporary, "index"));
    }

    public string Ulid { get; }

    public IndexWriter Index { get; }

    public long Floats { get; private set; }

    public long Histograms { get; private set; }

    public long Chunks { get; private set; }

    /// <summary>True if the current series has chunks.</summary>
    public bool HasChunks => _seriesChunks.Count > 0;

    /// <summary>
    /// Copies a chunk, which must be newer than the current series' others. One with start timestamps is encoded anew without them, so that
    /// the block can be read by every Prometheus that reads our other chunks.
    /// </summary>
    public void CopyChunk(ChunkSource source, ChunkRef chunk)
    {
        var data = source.Load(chunk, ref _loadBuffer);
        if (data.Encoding.HasStarts())
        {
            using var samples = new ChunkSampleReader(source, new[] { chunk }, long.MinValue, long.MaxValue);
            EncodeSamples(samples);
            return;
        }

        Write(data.Encoding, data.Bytes, chunk.MinTime, chunk.MaxTime, data.Samples);
    }

    /// <summary>Encodes what a reader has left as chunks of the current series.</summary>
    public void EncodeSamples(SampleReader reader)
    {
        while (true)
        {
            switch (reader.NextKind())
            {
                case SampleKind.Float:
                    EncodeFloats(reader);
                    break;
                case SampleKind.Histogram:
                    EncodeHistograms(reader);
                    break;
                default:
                    return;
            }
        }
    }

    /// <summary>Ends the current series; one without chunks is left out.</summary>
    public void EndSeries(ReadOnlySpan<SymbolPair> labels)
    {
        if (_seriesChunks.Count > 0)
        {
            Index.AddSeries(labels, CollectionsMarshal.AsSpan(_seriesChunks));
            _seriesChunks.Clear();
        }
    }

    /// <summary>Completes the block and gives it its name.</summary>
    /// <param name="meta">Everything but name and statistics.</param>
    /// <param name="cancellation">Stops; nothing remains then.</param>
    /// <returns>The directory of the block.</returns>
    public string Finish(BlockMeta meta, CancellationToken cancellation)
    {
        Index.Finish(cancellation);
        _chunks.Finish();
        Index.Dispose();
        _chunks.Dispose();
        Tombstones.WriteEmpty(_files, Path.Combine(_temporary, Tombstones.FileName));
        _files.SyncDirectory(Path.Combine(_temporary, "chunks"));
        BlockMetaFile.Write(_files, _temporary, meta with
        {
            Ulid = Ulid,
            Stats = new BlockStats
            {
                NumSamples = Floats + Histograms,
                NumFloatSamples = Floats,
                NumHistogramSamples = Histograms,
                NumSeries = Index.SeriesCount,
                NumChunks = Chunks,
            },
        });
        _files.SyncDirectory(_temporary);
        _files.MoveDirectory(_temporary, _final);
        _isNamed = true;
        _files.SyncDirectory(Path.GetDirectoryName(_final)!);
        _isFinished = true;
        return _final;
    }

    public void Dispose()
    {
        Index.Dispose();
        _chunks.Dispose();
        if (_isFinished)
        {
            return;
        }

        // The caller takes the block for not written and writes another one; this one must not come back with the next start.
        if (_isNamed)
        {
            BlockFolders.Delete(_files, _final);
        }
        else if (Directory.Exists(_temporary))
        {
            _files.DeleteDirectory(_temporary);
        }
    }

    private void EncodeFloats(SampleReader reader)
    {
        var count = 0;
        int read;
        while (count < SamplesPerChunk && (read = reader.ReadFloats(_times.AsSpan(count), _values.AsSpan(count))) > 0)
        {
            count += read;
        }

        var state = default(XorChunkState);
        for (var i = 0; i < count; i++)
        {
            if (!XorChunkWriter.TryAppend(_encoded, ref state, _times[i], _values[i]))
            {
                throw new InvalidOperationException("BUG: a chunk does not fit into the buffer that was made for it");
            }
        }

        Write(ChunkEncoding.Xor, _encoded.AsSpan(0, state.ByteLength), _times[0], _times[count - 1], count);
    }

    private void EncodeHistograms(SampleReader reader)
    {
        FloatHistogramChunkWriter? writer = null;
        long first = 0;
        var one = new FloatHistogram?[1];
        while (reader.ReadHistograms(_times.AsSpan(0, 1), one) == 1)
        {
            var isReset = false;
            if (writer is null || writer.Count >= MaxHistogramSamples || !writer.TryAppend(_times[0], one[0]!, out isReset))
            {
                Write(writer, first);
                first = _times[0];
                writer = FloatHistogramChunkWriter.Start(first, one[0]!, isReset);
            }
        }

        Write(writer, first);
    }

    private void Write(FloatHistogramChunkWriter? writer, long first)
    {
        if (writer is not null)
        {
            Write(ChunkEncoding.FloatHistogram, writer.Bytes, first, writer.LastTimestamp, writer.Count);
        }
    }

    private void Write(ChunkEncoding encoding, ReadOnlySpan<byte> data, long minTime, long maxTime, int samples)
    {
        _seriesChunks.Add(new BlockChunk(minTime, maxTime, _chunks.Add(encoding, data)));
        Chunks++;
        if (encoding.IsFloat())
        {
            Floats += samples;
        }
        else
        {
            Histograms += samples;
        }
    }
}
