using System.Runtime.InteropServices;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Index;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Compaction;

/// <summary>Writes a time range of the head as a block. The range must be complete: the head refuses samples before its end.</summary>
internal sealed class HeadBlockWriter(FileLayer files, MemoryHead head, string dataDirectory, TimeProvider time)
{
    /// <summary>Writes <paramref name="minTime"/> (inclusive) to <paramref name="maxTime"/> (exclusive); null when there are no samples.</summary>
    public string? Write(long minTime, long maxTime, CancellationToken cancellation) => Write(minTime, maxTime, late: false, hints: null, cancellation);

    /// <summary>As <see cref="Write(long, long, CancellationToken)"/>, of a head that does not hold all series: the block says so.</summary>
    public string? WritePart(long minTime, long maxTime, CancellationToken cancellation) =>
        Write(minTime, maxTime, late: false, [BlockMeta.FromOutOfOrder], cancellation);

    /// <summary>Writes the late samples of a time range, as a block that says that it does not hold all series.</summary>
    public string? WriteLate(long minTime, long maxTime, CancellationToken cancellation) => Write(minTime, maxTime, late: true, [BlockMeta.FromOutOfOrder], cancellation);

    private string? Write(long minTime, long maxTime, bool late, IReadOnlyList<string>? hints, CancellationToken cancellation)
    {
        var ulid = Ulid.New(time);
        using var builder = new BlockBuilder(files, dataDirectory, ulid);
        using var view = head.OpenView(minTime, maxTime - 1);
        var (order, ranks) = Sort(minTime, maxTime, late, cancellation);
        if (order.Length == 0)
        {
            return null;
        }

        WriteSymbols(builder.Index, ranks);
        var labels = new List<SymbolPair>();
        foreach (var number in order)
        {
            cancellation.ThrowIfCancellationRequested();
            var selection = new HeadSelection(head);
            head.Read(h =>
            {
                selection.Add(in h.Store[number], minTime, maxTime - 1, minTime);
                labels.Clear();
                for (var symbols = h.Store.LabelsOf(number); symbols.MoveNext();)
                {
                    labels.Add(new SymbolPair((uint)ranks[symbols.Name], (uint)ranks[symbols.Value]));
                }

                return 0;
            });
            if (selection.Count > 0)
            {
                if (!late)
                {
                    WriteChunks(builder, selection, minTime, maxTime);
                }
                else if (selection.LateOf(0) is { } samples)
                {
                    using var reader = samples.Open();
                    builder.EncodeSamples(reader);
                }

                builder.EndSeries(CollectionsMarshal.AsSpan(labels));
            }
        }

        if (builder.Index.SeriesCount == 0)
        {
            return null;
        }

        var compaction = new BlockCompaction { Level = 1, Sources = [ulid], Hints = hints };
        return builder.Finish(new BlockMeta { MinTime = minTime, MaxTime = maxTime, Compaction = compaction }, cancellation);
    }

    private static void WriteChunks(BlockBuilder builder, HeadSelection selection, long minTime, long maxTime)
    {
        var deleted = selection.DeletedOf(0);
        foreach (var chunk in selection.ChunksOf(0))
        {
            if (chunk.MinTime >= minTime && chunk.MaxTime < maxTime && !Tombstones.Touches(deleted, chunk.MinTime, chunk.MaxTime))
            {
                builder.CopyChunk(selection, chunk);
                continue;
            }

            using var part = new ChunkSampleReader(selection, new[] { chunk }, minTime, maxTime - 1, deleted);
            builder.EncodeSamples(part);
        }
    }

    // Numbers of the series with chunks in the range in label order, and for each symbol they use its place among those symbols, else -1.
    // Only a truncation changes numbers, and it comes after; series and symbols that are created meanwhile have nothing to do with the range.
    private (int[] Order, int[] Ranks) Sort(long minTime, long maxTime, bool late, CancellationToken cancellation)
    {
        const int Piece = 10_000;
        var store = head.Store;
        var (count, ranks) = head.Read(h => (h.Store.Count, new int[h.Store.Symbols.Limit]));
        var order = new List<int>();
        Array.Fill(ranks, -1);
        for (var first = 0; first < count; first += Piece)
        {
            cancellation.ThrowIfCancellationRequested();
            var start = first;
            head.Read(h =>
            {
                for (var number = start; number < Math.Min(start + Piece, count); number++)
                {
                    if (late ? !h.OutOfOrder.Has(store[number].Reference) : !HasChunks(h, in store[number], minTime, maxTime))
                    {
                        continue;
                    }

                    order.Add(number);
                    for (var labels = store.LabelsOf(number); labels.MoveNext();)
                    {
                        ranks[labels.Name] = 0;
                        ranks[labels.Value] = 0;
                    }
                }

                return 0;
            });
        }

        var symbols = new List<int>();
        for (var symbol = 0; symbol < ranks.Length; symbol++)
        {
            if (ranks[symbol] == 0)
            {
                symbols.Add(symbol);
            }
        }

        var byText = PiecewiseSort.Sort(head, [.. symbols], (a, b) => store.Symbols.Text(a).SequenceCompareTo(store.Symbols.Text(b)), cancellation);
        for (var i = 0; i < byText.Length; i++)
        {
            ranks[byText[i]] = i;
        }

        return (PiecewiseSort.Sort(head, [.. order], (a, b) => Compare(store.LabelsOf(a), store.LabelsOf(b), ranks), cancellation), ranks);
    }

    private static bool HasChunks(MemoryHead head, in MemSeries series, long minTime, long maxTime)
    {
        if (series.Encoding != Chunks.ChunkEncoding.None && series.ChunkMinTime < maxTime && series.LastTime >= minTime)
        {
            return true;
        }

        foreach (var chunk in head.Samples.SealedOf(in series))
        {
            if (chunk.MinTime < maxTime && chunk.MaxTime >= minTime)
            {
                return true;
            }
        }

        return false;
    }

    private static int Compare(LabelSymbols left, LabelSymbols right, int[] ranks)
    {
        while (true)
        {
            var hasLeft = left.MoveNext();
            var hasRight = right.MoveNext();
            if (!hasLeft || !hasRight)
            {
                return hasLeft.CompareTo(hasRight);
            }

            var order = ranks[left.Name].CompareTo(ranks[right.Name]);
            if (order == 0)
            {
                order = ranks[left.Value].CompareTo(ranks[right.Value]);
            }

            if (order != 0)
            {
                return order;
            }
        }
    }

    private void WriteSymbols(IndexWriter index, int[] ranks)
    {
        var byRank = new int[ranks.Length];
        var count = 0;
        for (var symbol = 0; symbol < ranks.Length; symbol++)
        {
            if (ranks[symbol] >= 0)
            {
                byRank[ranks[symbol]] = symbol;
                count++;
            }
        }

        index.BeginSymbols((uint)count);
        for (var first = 0; first < count; first += 1000)
        {
            var from = first;
            head.Read(h =>
            {
                for (var rank = from; rank < Math.Min(from + 1000, count); rank++)
                {
                    index.AddSymbol(h.Store.Symbols.Text(byRank[rank]));
                }

                return 0;
            });
        }

        index.EndSymbols();
    }
}
