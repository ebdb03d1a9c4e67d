namespace MetricsOperator.Tsdb.Compaction;

/// <summary>Chooses blocks to merge, as Prometheus does: overlapping ones first, then those that fill a larger aligned range.</summary>
internal static class CompactionPlan
{
    private const int Factor = 3;

    /// <summary>So many blocks of early flushes are merged before their range is over.</summary>
    private const int MaxShortBlocks = 8;

    /// <summary>A long block is written anew when it has more deletions than this per series.</summary>
    private const double MaxTombstonesPerSeries = 0.05;

    /// <summary>Block ranges in ms from the shortest: each three times the one before, up to <paramref name="maxMs"/>.</summary>
    public static IReadOnlyList<long> Ranges(long minMs, long maxMs)
    {
        var ranges = new List<long> { minMs };
        while (ranges[^1] <= maxMs / Factor)
        {
            ranges.Add(ranges[^1] * Factor);
        }

        return ranges;
    }

    /// <summary>Blocks to merge into one; empty when there is nothing to do. The newest block is left alone unless it overlaps another.</summary>
    public static IReadOnlyList<BlockMeta> Choose(IReadOnlyList<BlockMeta> blocks, IReadOnlyList<long> ranges)
    {
        // Late samples of a time that the head still holds stay apart: merged with a complete block they would say that the log need not be
        // read up to there.
        var complete = blocks.Where(b => b.CoversAllSeries).Select(b => b.MaxTime).DefaultIfEmpty(long.MinValue).Max();
        var chosen = ChooseAny(blocks.Where(b => b.MaxTime <= complete), ranges);
        return chosen.Count > 0 ? chosen : ChooseAny(blocks.Where(b => b.MaxTime > complete), ranges);
    }

    private static IReadOnlyList<BlockMeta> ChooseAny(IEnumerable<BlockMeta> blocks, IReadOnlyList<long> ranges)
    {
        var sorted = blocks.OrderBy(b => b.MinTime).ToList();
        var overlapping = Overlapping(sorted);
        if (overlapping.Count > 0 || sorted.Count < 2)
        {
            return overlapping;
        }

        // Blocks before the newest but one have all their neighbours; later ones may still get some.
        sorted.RemoveAt(sorted.Count - 1);
        var settled = sorted[^1].MinTime;
        foreach (var range in ranges)
        {
            foreach (var group in Split(sorted, range))
            {
                var isFull = group[^1].MaxTime - group[0].MinTime == range;

                // Blocks shorter than the shortest range come from early flushes, and more may come as long as their range is not over.
                var isPast = range == ranges[0]
                    ? Align(group[0].MinTime, range) + range <= settled || group.Count >= MaxShortBlocks
                    : group[^1].MaxTime <= settled;
                if (group.Count > 1 && (isFull || isPast) && !group.Exists(b => b.Compaction.Failed))
                {
                    return group;
                }
            }
        }

        return ManyDeletions(sorted, ranges);
    }

    // The newest block that is long enough or has nothing left, if it has many deletions; a short one is merged with others soon anyway.
    private static IReadOnlyList<BlockMeta> ManyDeletions(List<BlockMeta> sorted, IReadOnlyList<long> ranges)
    {
        var isLong = ranges[ranges.Count / 2];
        for (var i = sorted.Count - 1; i >= 0; i--)
        {
            var stats = sorted[i].Stats;
            var limit = sorted[i].MaxTime - sorted[i].MinTime >= isLong ? MaxTombstonesPerSeries * (stats.NumSeries + 1) : stats.NumSeries - 1;
            if (stats.NumTombstones > 0 && stats.NumTombstones > limit && !sorted[i].Compaction.Failed)
            {
                return [sorted[i]];
            }
        }

        return [];
    }

    /// <summary>Start of the aligned range that a time falls into.</summary>
    public static long Align(long time, long range)
    {
        var index = time / range;
        return (time < 0 && time % range != 0 ? index - 1 : index) * range;
    }

    private static List<BlockMeta> Overlapping(List<BlockMeta> sorted)
    {
        var group = new List<BlockMeta>();
        var end = long.MinValue;
        for (var i = 0; i < sorted.Count; i++)
        {
            if (i > 0 && sorted[i].MinTime < end)
            {
                if (group.Count == 0)
                {
                    group.Add(sorted[i - 1]);
                }

                group.Add(sorted[i]);
            }
            else if (group.Count > 0)
            {
                break;
            }

            end = Math.Max(end, sorted[i].MaxTime);
        }

        return group;
    }

    private static IEnumerable<List<BlockMeta>> Split(List<BlockMeta> sorted, long range)
    {
        var group = new List<BlockMeta>();
        var start = long.MinValue;
        foreach (var block in sorted)
        {
            var aligned = Align(block.MinTime, range);
            if (block.MaxTime > aligned + range)
            {
                // Longer than the range, or across its border.
                continue;
            }

            if (group.Count > 0 && aligned != start)
            {
                yield return group;
                group = [];
            }

            start = aligned;
            group.Add(block);
        }

        if (group.Count > 0)
        {
            yield return group;
        }
    }
}
