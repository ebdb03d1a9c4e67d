using System.Runtime.InteropServices;
using System.Text;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>Finds the series that satisfy matchers, the cheapest matcher first.</summary>
internal static class PostingsSelector
{
    /// <summary>Series that satisfy all matchers, ascending; all series without matchers.</summary>
    public static List<uint> Select(PostingsSource source, IReadOnlyList<LabelMatcher> matchers, CancellationToken cancellation)
    {
        List<uint>? selected = null;

        // A matcher that the empty value satisfies also selects series without the label; it can only take series away.
        foreach (var matcher in matchers.Where(m => !m.MatchesEmpty).OrderBy(m => Cost(source, m)))
        {
            cancellation.ThrowIfCancellationRequested();
            if (selected is { Count: 0 })
            {
                return selected;
            }

            if (selected is not null && selected.Count < Cost(source, matcher))
            {
                source.RemoveUnmatched(selected, matcher, cancellation);
                continue;
            }

            var matching = new List<uint>();
            Positive(source, matcher, matching, cancellation);
            selected = selected is null ? matching : Intersect(selected, matching);
        }

        foreach (var matcher in matchers.Where(m => m.MatchesEmpty))
        {
            cancellation.ThrowIfCancellationRequested();
            if (selected is null)
            {
                selected = [];
                source.All(selected);
            }

            if (selected.Count < source.ValueCountOf(matcher.NameUtf8))
            {
                source.RemoveUnmatched(selected, matcher, cancellation);
                continue;
            }

            var excluded = new List<uint>();
            if (matcher.Type == MatchType.NotEqual)
            {
                source.Equal(matcher.NameUtf8, Encoding.UTF8.GetBytes(matcher.Value), excluded);
            }
            else
            {
                source.Where(matcher, wanted: false, excluded, cancellation);
                excluded.Sort();
            }

            Subtract(selected, excluded);
        }

        if (selected is null)
        {
            selected = [];
            source.All(selected);
        }

        return selected;
    }

    private static void Positive(PostingsSource source, LabelMatcher matcher, List<uint> into, CancellationToken cancellation)
    {
        if (matcher.Type == MatchType.Equal)
        {
            source.Equal(matcher.NameUtf8, Encoding.UTF8.GetBytes(matcher.Value), into);
            return;
        }

        if (matcher.Type == MatchType.RegexMatch && matcher.LiteralAlternatives is { } literals)
        {
            foreach (var literal in literals.Distinct(StringComparer.Ordinal))
            {
                source.Equal(matcher.NameUtf8, Encoding.UTF8.GetBytes(literal), into);
            }
        }
        else
        {
            source.Where(matcher, wanted: true, into, cancellation);
        }

        into.Sort();
    }

    // The number of series for values that are named, the number of values to try for expressions (which come last).
    private static long Cost(PostingsSource source, LabelMatcher matcher) => matcher.Type switch
    {
        MatchType.Equal => source.CountOf(matcher.NameUtf8, Encoding.UTF8.GetBytes(matcher.Value)),
        MatchType.RegexMatch when matcher.LiteralAlternatives is { } literals =>
            literals.Sum(l => (long)source.CountOf(matcher.NameUtf8, Encoding.UTF8.GetBytes(l))),
        _ => int.MaxValue + (long)source.ValueCountOf(matcher.NameUtf8),
    };

    private static List<uint> Intersect(List<uint> left, List<uint> right)
    {
        var (small, large) = left.Count <= right.Count ? (left, right) : (right, left);
        var largeSpan = CollectionsMarshal.AsSpan(large);
        var kept = 0;
        var from = 0;
        var smallSpan = CollectionsMarshal.AsSpan(small);
        foreach (var series in smallSpan)
        {
            from = LowerBound(largeSpan, from, series);
            if (from == largeSpan.Length)
            {
                break;
            }

            if (largeSpan[from] == series)
            {
                smallSpan[kept++] = series;
            }
        }

        small.RemoveRange(kept, small.Count - kept);
        return small;
    }

    private static void Subtract(List<uint> from, List<uint> excluded)
    {
        if (excluded.Count == 0)
        {
            return;
        }

        var span = CollectionsMarshal.AsSpan(from);
        var excludedSpan = CollectionsMarshal.AsSpan(excluded);
        var kept = 0;
        var position = 0;
        foreach (var series in span)
        {
            position = LowerBound(excludedSpan, position, series);
            if (position == excludedSpan.Length || excludedSpan[position] != series)
            {
                span[kept++] = series;
            }
        }

        from.RemoveRange(kept, from.Count - kept);
    }

    // First position at or behind start whose value is not below the wanted one: steps that double, then halves.
    private static int LowerBound(ReadOnlySpan<uint> sorted, int start, uint wanted)
    {
        var step = 1;
        var high = start;
        while (high < sorted.Length && sorted[high] < wanted)
        {
            start = high + 1;
            high += step;
            step *= 2;
        }

        high = Math.Min(high, sorted.Length);
        while (start < high)
        {
            var middle = (start + high) >>> 1;
            if (sorted[middle] < wanted)
            {
                start = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return start;
    }
}
