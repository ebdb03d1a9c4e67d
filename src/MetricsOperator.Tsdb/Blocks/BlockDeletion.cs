using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Blocks;

/// <summary>Marks samples of a block as deleted. The chunks stay as they are until the block is merged or cleaned.</summary>
internal static class BlockDeletion
{
    /// <summary>Deletes a closed time range of the series that satisfy all matchers; a deletion reaches no further than the samples that there are.</summary>
    /// <exception cref="StorageException">The index is damaged or the disk refuses; the block is as it was.</exception>
    public static void Delete(FileLayer files, Block block, IReadOnlyList<LabelMatcher> matchers, long minTime, long maxTime, CancellationToken cancellation)
    {
        var tombstones = block.Tombstones.Copy();
        var labels = new List<SymbolPair>();
        var chunks = new List<BlockChunk>();
        var isChanged = false;
        foreach (var series in PostingsSelector.Select(block.Postings, matchers, cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            block.Index.ReadSeries(series, labels, chunks);
            if (!chunks.Exists(c => c.MinTime <= maxTime && c.MaxTime >= minTime))
            {
                continue;
            }

            var range = new TimeRange(Math.Max(minTime, chunks[0].MinTime), Math.Min(maxTime, chunks[^1].MaxTime));
            if (!Tombstones.Covers(tombstones.Of(series), range.MinTime, range.MaxTime))
            {
                tombstones.Add(series, range);
                isChanged = true;
            }
        }

        if (isChanged)
        {
            block.Replace(files, tombstones);
        }
    }
}
