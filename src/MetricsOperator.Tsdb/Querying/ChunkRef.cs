using MetricsOperator.Tsdb.Chunks;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>A chunk of a selected series: its time range and where its source finds the bytes.</summary>
internal readonly record struct ChunkRef(long MinTime, long MaxTime, ulong Location);

/// <summary>The bytes of a chunk, valid until the next load with the same buffer.</summary>
internal readonly record struct ChunkData(ReadOnlyMemory<byte> Bytes, ChunkEncoding Encoding, int Samples);

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
