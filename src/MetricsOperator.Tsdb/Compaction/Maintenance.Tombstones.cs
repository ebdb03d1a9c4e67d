using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Compaction;

/// <content>Writing blocks anew.</content>
internal sealed partial class Maintenance
{
    /// <summary>Writes every block with deletions anew without them.</summary>
    /// <exception cref="Timeseries.Contracts.StorageException">The disk refuses; blocks that are done stay done.</exception>
    public void CleanTombstones(CancellationToken cancellation)
    {
        foreach (var meta in blocks.Metas)
        {
            if (meta.Stats.NumTombstones > 0)
            {
                cancellation.ThrowIfCancellationRequested();
                Rewrite([meta], cancellation);
            }
        }
    }

    // Puts one block in the place of some, without what is deleted of them.
    private void Rewrite(IReadOnlyList<BlockMeta> chosen, CancellationToken cancellation)
    {
        var started = options.Time.GetTimestamp();
        var inputs = blocks.Use(chosen);
        try
        {
            var directory = Attempt(() => new BlockMerger(options.Files, options.Path, options.Time).Merge(inputs, blocks.AreEndOfLog(chosen), cancellation));
            blocks.Replace(directory, chosen);
            Finished(started);
            _logger.LogInformation("Merged {Count} blocks into {Block}", chosen.Count, directory ?? "nothing");
        }
        finally
        {
            foreach (var input in inputs)
            {
                input.Release();
            }
        }

        blocks.DeleteUnused();
    }
}
