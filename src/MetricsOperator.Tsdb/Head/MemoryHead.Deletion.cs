using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Head;

/// <content>Deleting samples.</content>
internal sealed partial class MemoryHead
{
    private const int DeletionPiece = 2048;

    /// <summary>
    /// Deletes a closed time range of the series that satisfy all matchers, no further than their newest samples, so that later ones stay.
    /// Goes in pieces, between which commits go on; each piece is in the log before it is in force. Not to be called during a truncation.
    /// </summary>
    /// <exception cref="StorageException">The log could not be written; the pieces before are in force.</exception>
    public void Delete(IReadOnlyList<LabelMatcher> matchers, long minTime, long maxTime, CancellationToken cancellation)
    {
        var selected = Read(head => PostingsSelector.Select(head.Postings, matchers, cancellation));
        var stones = new List<(ulong Series, TimeRange Range)>();
        var late = new List<(ulong Series, TimeRange Range)>();
        for (var first = 0; first < selected.Count; first += DeletionPiece)
        {
            cancellation.ThrowIfCancellationRequested();
            stones.Clear();
            late.Clear();
            lock (_commitGate)
            {
                var piece = selected.GetRange(first, Math.Min(DeletionPiece, selected.Count - first));
                Read(head =>
                {
                    head.Collect(piece, new TimeRange(minTime, maxTime), stones, late);
                    return 0;
                });
                LogDeletion(stones, late);
                Change(head =>
                {
                    foreach (var (series, range) in stones)
                    {
                        head.Tombstones.Add(series, range);
                    }

                    foreach (var (series, range) in late)
                    {
                        head.OutOfOrder.Delete(series, range.MinTime, range.MaxTime);
                    }
                });
            }
        }
    }

    private void Collect(
        List<uint> numbers, TimeRange wanted, List<(ulong Series, TimeRange Range)> stones, List<(ulong Series, TimeRange Range)> late)
    {
        foreach (var number in numbers)
        {
            ref var series = ref Store[(int)number];
            if (OutOfOrder.Has(series.Reference))
            {
                late.Add((series.Reference, wanted));
            }

            if (!series.HasSamples || (series.SealedCount == 0 && series.Encoding == Chunks.ChunkEncoding.None))
            {
                continue;
            }

            var range = new TimeRange(Math.Max(wanted.MinTime, Samples.MinTimeOf(in series)), Math.Min(wanted.MaxTime, series.LastTime));
            if (range.MinTime <= range.MaxTime)
            {
                stones.Add((series.Reference, range));
            }
        }
    }

    // Late samples are removed from memory at once. Their log says when, so that later ones of the same time come back after a restart.
    private void LogDeletion(List<(ulong Series, TimeRange Range)> stones, List<(ulong Series, TimeRange Range)> late)
    {
        try
        {
            Log.AddTombstones(stones);
            Log.Wal.Write();
            Log.WriteLateTombstones(late);
        }
        catch (StorageException)
        {
            Log.Wal.Discard();
            Log.Late?.Discard();
            Interlocked.Increment(ref Counters.WalWritesFailed);
            throw;
        }
    }
}
