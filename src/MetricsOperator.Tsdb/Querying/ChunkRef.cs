using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>A chunk of a selected series: its time range and where its source finds the bytes.</summary>
internal readonly record struct ChunkRef(long MinTime, long MaxTime, ulong Location);

/// <summary>The bytes of a chunk, in memory or in a mapped file; valid until the next load with the same buffer.</summary>
internal readonly struct ChunkData
{
    private readonly ReadOnlyMemory<byte> _memory;
    private readonly MappedFile? _file;
    private readonly long _offset;
    private readonly int _length;

    public ChunkData(ReadOnlyMemory<byte> bytes, ChunkEncoding encoding)
    {
        _memory = bytes;
        Encoding = encoding;
        Samples = encoding.SamplesOf(bytes.Span);
    }

    public ChunkData(MappedFile file, long offset, int length, ChunkEncoding encoding)
    {
        _file = file;
        _offset = offset;
        _length = length;
        Encoding = encoding;
        Samples = encoding.SamplesOf(Bytes);
    }

    public ChunkEncoding Encoding { get; }

    /// <summary>How many samples the chunk says it has.</summary>
    public int Samples { get; }

    public ReadOnlySpan<byte> Bytes => _file is null ? _memory.Span : _file.Span(_offset, _length);
}

/// <summary>Where chunks are: the head or a block. Safe to use while the querier that handed it out is open.</summary>
internal abstract class ChunkSource
{
    /// <summary>
    /// Finds the bytes of a chunk. When they have to be read, <paramref name="buffer"/> takes them; it comes from the shared array pool
    /// and is exchanged there for a larger one when it is too small.
    /// </summary>
    /// <exception cref="Timeseries.Contracts.StorageException">The chunk is damaged.</exception>
    public abstract ChunkData Load(ChunkRef chunk, ref byte[] buffer);

    /// <summary>Names a chunk for error messages.</summary>
    public abstract string Describe(ChunkRef chunk);
}
