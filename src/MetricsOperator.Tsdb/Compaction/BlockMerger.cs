using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Compaction;

/// <summary>
/// Merges blocks into one as a stream: symbols by merging sorted lists, series in label order, chunks copied as they are unless the
/// blocks overlap. Memory is four bytes per symbol of each input, and what <see cref="IndexWriter"/> needs.
/// </summary>
internal sealed class BlockMerger(FileLayer files, string dataDirectory, TimeProvider time)
{
    /// <summary>Merges blocks, or writes one anew without its deleted samples.</summary>
    /// <param name="blocks">The inputs.</param>
    /// <param name="keepEmpty">Write a block even when nothing is left, because its end says from where on the log is needed.</param>
    /// <param name="cancellation">Stops; nothing remains then.</param>
    /// <returns>Directory of the new block; null when nothing is left of the inputs.</returns>
    public string? Merge(IReadOnlyList<Block> blocks, bool keepEmpty, CancellationToken cancellation) => Merge(blocks, isWhole: false, keepEmpty, cancellation);

    /// <summary>As <see cref="Merge(IReadOnlyList{Block}, bool, CancellationToken)"/>, of blocks that hold all series together, which the new one says.</summary>
    public string? MergeParts(IReadOnlyList<Block> blocks, CancellationToken cancellation) => Merge(blocks, isWhole: true, keepEmpty: false, cancellation);

    private string? Merge(IReadOnlyList<Block> blocks, bool isWhole, bool keepEmpty, CancellationToken cancellation)
    {
        var metas = blocks.Select(b => b.Meta).OrderBy(m => m.MinTime).ToList();
        using var builder = new BlockBuilder(files, dataDirectory, Ulid.New(time));
        var inputs = blocks.Select(b => new Input(b)).ToList();
        MergeSymbols(inputs, builder.Index);
        foreach (var input in inputs)
        {
            input.MoveNext();
        }

        var current = new List<Input>();
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            current.Clear();
            foreach (var input in inputs)
            {
                if (input.IsAtEnd)
                {
                    continue;
                }

                var order = current.Count == 0 ? 0 : input.CompareLabels(current[0]);
                if (order < 0)
                {
                    current.Clear();
                }

                if (order <= 0)
                {
                    current.Add(input);
                }
            }

            if (current.Count == 0)
            {
                break;
            }

            WriteChunks(builder, current);
            builder.EndSeries(CollectionsMarshal.AsSpan(current[0].Labels));
            foreach (var input in current)
            {
                input.MoveNext();
            }
        }

        return builder.Index.SeriesCount == 0 && !keepEmpty ? null : builder.Finish(Describe(metas, isWhole), cancellation);
    }

    private static BlockMeta Describe(List<BlockMeta> metas, bool isWhole)
    {
        var hints = metas.SelectMany(m => m.Compaction.Hints ?? []).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return new BlockMeta
        {
            MinTime = metas.Min(m => m.MinTime),
            MaxTime = metas.Max(m => m.MaxTime),
            Compaction = new BlockCompaction
            {
                Level = metas.Max(m => m.Compaction.Level) + 1,
                Sources = metas.SelectMany(m => m.Compaction.Sources ?? [m.Ulid]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList(),
                Parents = metas.ConvertAll(m => new BlockParent { Ulid = m.Ulid, MinTime = m.MinTime, MaxTime = m.MaxTime }),

                // A hint says that series are missing; one complete input is enough to say that they are not.
                Hints = !isWhole && metas.TrueForAll(m => !m.CoversAllSeries) && hints.Count > 0 ? hints : null,
            },
        };
    }

    private static void WriteChunks(BlockBuilder builder, List<Input> inputs)
    {
        inputs.Sort((a, b) => a.MinTime.CompareTo(b.MinTime));
        var overlap = false;
        for (var i = 1; i < inputs.Count; i++)
        {
            overlap |= inputs[i].MinTime <= inputs.Take(i).Max(p => p.MaxTime);
        }

        if (!overlap)
        {
            foreach (var input in inputs)
            {
                input.WriteTo(builder);
            }

            return;
        }

        // Of equal timestamps the block that was made last wins: its name is the greatest.
        var readers = inputs.OrderByDescending(i => i.Block.Meta.Ulid, StringComparer.Ordinal).Select(i => i.Open()).ToList();
        using var merged = new MergingSampleReader(readers);
        builder.EncodeSamples(merged);
    }

    private static void MergeSymbols(List<Input> inputs, IndexWriter index)
    {
        var count = WalkSymbols(inputs, null);
        index.BeginSymbols(count);
        WalkSymbols(inputs, index);
        index.EndSymbols();
    }

    // Walks all symbols in order: counts them, or writes them and tells each input the new ordinals.
    private static uint WalkSymbols(List<Input> inputs, IndexWriter? index)
    {
        var queue = new PriorityQueue<SymbolStream, byte[]>(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
        foreach (var input in inputs)
        {
            var stream = new SymbolStream(input);
            if (stream.MoveNext())
            {
                queue.Enqueue(stream, stream.Current);
            }
        }

        uint count = 0;
        byte[]? last = null;
        while (queue.TryDequeue(out var stream, out var symbol))
        {
            if (last is null || !last.AsSpan().SequenceEqual(symbol))
            {
                index?.AddSymbol(symbol);
                last = symbol;
                count++;
            }

            if (index is not null)
            {
                stream.Input.Symbols.Add(stream.Reference, count - 1);
            }

            if (stream.MoveNext())
            {
                queue.Enqueue(stream, stream.Current);
            }
        }

        return count;
    }

    /// <summary>New ordinals by what an input's series name a symbol by: its ordinal there, or, in version 1, its ascending offset.</summary>
    /// <param name="symbols">Symbols of the input.</param>
    private sealed class SymbolMap(int symbols)
    {
        private readonly List<uint> _new = new(symbols);

        /// <summary>Offsets; null as long as they are the ordinals themselves.</summary>
        private List<uint>? _old;

        public void Add(uint old, uint ordinal)
        {
            if (_old is null && old != _new.Count)
            {
                _old = [.. Enumerable.Range(0, _new.Count).Select(i => (uint)i)];
            }

            _old?.Add(old);
            _new.Add(ordinal);
        }

        public uint Of(uint old)
        {
            var position = _old is null ? (int)Math.Min(old, int.MaxValue) : _old.BinarySearch(old);
            return (uint)position < (uint)_new.Count ? _new[position] : throw new StorageException($"cannot merge blocks: there is no symbol {old}");
        }
    }

    private sealed class SymbolStream(Input input)
    {
        private readonly IEnumerator<(byte[] Text, uint Reference)> _symbols = Walk(input.Block.Index).GetEnumerator();

        public Input Input => input;

        public byte[] Current => _symbols.Current.Text;

        public uint Reference => _symbols.Current.Reference;

        public bool MoveNext() => _symbols.MoveNext();

        private static IEnumerable<(byte[] Text, uint Reference)> Walk(IndexReader index)
        {
            // An iterator may not hold a span enumerator, so symbols come in batches.
            const int Batch = 256;
            var batch = new List<(byte[] Text, uint Reference)>(Batch);
            for (var first = 0; first < index.SymbolCount; first += Batch)
            {
                batch.Clear();
                Fill(index, first, Batch, batch);
                foreach (var symbol in batch)
                {
                    yield return symbol;
                }
            }
        }

        private static void Fill(IndexReader index, int first, int count, List<(byte[] Text, uint Reference)> batch)
        {
            var symbols = index.SymbolsFrom(first);
            while (batch.Count < count && symbols.MoveNext())
            {
                batch.Add((symbols.Current.ToArray(), symbols.Reference));
            }
        }
    }

    /// <summary>The series of one block, in order.</summary>
    private sealed class Input
    {
        private readonly List<BlockChunk> _chunks = [];
        private readonly (long Offset, int Count) _series;
        private uint _current;
        private int _next;

        public Input(Block block)
        {
            Block = block;
            Symbols = new SymbolMap(block.Index.SymbolCount);
            _series = block.Index.AllSeries();
        }

        public Block Block { get; }

        public SymbolMap Symbols { get; }

        /// <summary>Labels of the current series by their new ordinals, whose order is label order.</summary>
        public List<SymbolPair> Labels { get; } = [];

        public bool IsAtEnd { get; private set; }

        public long MinTime => _chunks.Count == 0 ? long.MaxValue : _chunks[0].MinTime;

        public long MaxTime => _chunks.Count == 0 ? long.MinValue : _chunks[^1].MaxTime;

        public void MoveNext()
        {
            if (_next == _series.Count)
            {
                IsAtEnd = true;
                return;
            }

            _current = Block.Index.SeriesAt(_series.Offset, _next++);
            Block.Index.ReadSeries(_current, Labels, _chunks);
            for (var i = 0; i < Labels.Count; i++)
            {
                Labels[i] = new SymbolPair(Symbols.Of(Labels[i].Name), Symbols.Of(Labels[i].Value));
            }
        }

        public int CompareLabels(Input other)
        {
            for (var i = 0; i < Math.Min(Labels.Count, other.Labels.Count); i++)
            {
                var order = Labels[i].Name.CompareTo(other.Labels[i].Name);
                if (order == 0)
                {
                    order = Labels[i].Value.CompareTo(other.Labels[i].Value);
                }

                if (order != 0)
                {
                    return order;
                }
            }

            return Labels.Count.CompareTo(other.Labels.Count);
        }

        public void WriteTo(BlockBuilder builder)
        {
            var deleted = Block.Tombstones.Of(_current);
            foreach (var chunk in _chunks)
            {
                var reference = new ChunkRef(chunk.MinTime, chunk.MaxTime, chunk.Reference);
                if (!Tombstones.Touches(deleted, chunk.MinTime, chunk.MaxTime))
                {
                    builder.CopyChunk(Block, reference);
                    continue;
                }

                using var rest = new ChunkSampleReader(Block, new[] { reference }, long.MinValue, long.MaxValue, deleted);
                builder.EncodeSamples(rest);
            }
        }

        public SampleReader Open() => new ChunkSampleReader(
            Block,
            _chunks.ConvertAll(c => new ChunkRef(c.MinTime, c.MaxTime, c.Reference)).ToArray(),
            long.MinValue,
            long.MaxValue,
            Block.Tombstones.Of(_current));
    }
}
