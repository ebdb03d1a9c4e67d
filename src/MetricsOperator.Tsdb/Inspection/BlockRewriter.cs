using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>Writes a damaged block anew from its intact series and chunks.</summary>
internal sealed class BlockRewriter(FileLayer files, string dataDirectory, string directory, TimeProvider time)
{
    /// <summary>Writes the new block beside the old one, which stays.</summary>
    /// <param name="symbols">What series that stay name their labels by.</param>
    /// <param name="meta">Description of the new block but for its name and statistics.</param>
    /// <param name="deleted">Deleted ranges, which are left out of the new block.</param>
    /// <param name="cancellation">Stops; nothing remains then.</param>
    /// <returns>Name of the new block.</returns>
    public string Write(SortedSet<uint> symbols, BlockMeta meta, Tombstones deleted, CancellationToken cancellation)
    {
        using var builder = new BlockBuilder(files, dataDirectory, Ulid.New(time));
        using var source = new RawChunks(Path.Combine(directory, "chunks"));
        var ordinals = new Dictionary<uint, uint>(symbols.Count);
        new BlockScan(dataDirectory, directory).Run(null, Add, cancellation);
        if (ordinals.Count == 0)
        {
            throw new StorageException($"cannot write {directory} anew: no series of it is left");
        }

        builder.Finish(meta, cancellation);
        return builder.Ulid;

        void Add(IndexScan index, uint id, List<SymbolPair> labels, List<BlockChunk> chunks)
        {
            if (ordinals.Count == 0)
            {
                WriteSymbols(index);
            }

            if (chunks.Count == 0)
            {
                return;
            }

            var refs = chunks.ConvertAll(c => new ChunkRef(c.MinTime, c.MaxTime, c.Reference));
            if (deleted.Of(id) is { } ranges)
            {
                using var reader = new ChunkSampleReader(source, refs.ToArray(), long.MinValue, long.MaxValue, ranges);
                builder.EncodeSamples(reader);
            }
            else
            {
                refs.ForEach(c => builder.CopyChunk(source, c));
            }

            var pairs = labels.ConvertAll(p => new SymbolPair(ordinals[p.Name], ordinals[p.Value]));
            builder.EndSeries(CollectionsMarshal.AsSpan(pairs));
        }

        void WriteSymbols(IndexScan index)
        {
            builder.Index.BeginSymbols((uint)symbols.Count);
            foreach (var symbol in symbols)
            {
                builder.Index.AddSymbol(index.Symbol(symbol));
                ordinals.Add(symbol, (uint)ordinals.Count);
            }

            builder.Index.EndSymbols();
        }
    }

    /// <summary>Chunks that are known to be intact, in files whose headers may not be.</summary>
    private sealed class RawChunks : ChunkSource, IDisposable
    {
        private readonly List<MappedFile> _files;

        public RawChunks(string directory) => _files = DataFiles.Numbered(directory).ConvertAll(f => new MappedFile(f.Path));

        public override ChunkData Load(ChunkRef chunk, ref byte[] buffer)
        {
            var file = _files[(int)(chunk.Location >> 32)];
            var offset = (long)(uint)chunk.Location;
            var head = new ByteReader(file.Span(offset, 11));
            var length = (int)head.Uvarint();
            var encoding = (ChunkEncoding)head.U8();
            return new ChunkData(file, offset + head.Position, length, encoding);
        }

        public override string Describe(ChunkRef chunk) => $"chunk {ChunkSegments.Describe(chunk.Location)}";

        public void Dispose() => _files.ForEach(f => f.Dispose());
    }
}
