using System.Runtime.InteropServices;
using System.Text;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>
/// Finds the series that satisfy matchers, the cheapest matcher first. The first one's series are read from the index; each further one takes series
/// away, by the lists of its values or by a look at the series that are left, whichever is less work.
/// </summary>
internal static class PostingsSelector
{
    // Nanoseconds or so: reading a series of a list, and trying a value of a label.
    private const long PostingCost = 2;
    private const long ValueCost = 80;

    /// <summary>Series that satisfy all matchers, ascending; all series without matchers.</summary>
    public static List<uint> Select(PostingsSource source, IReadOnlyList<LabelMatcher> matchers, CancellationToken cancellation)
    {
        List<uint>? selected = null;

        // A matcher that the empty value satisfies also selects series without the label; it can only take series away.
        foreach (var matcher in matchers.Where(m => !m.MatchesEmpty).OrderBy(m => Cost(source, m)))
        {
            cancellation.ThrowIfCancellationRequested();
            if (selected is null)
            {
                selected = First(source, matcher, cancellation);
            }
            else if (selected.Count > 0)
            {
                Narrow(source, matcher, selected, cancellation);
            }
        }

        if (selected is null)
        {
            selected = [];
            source.All(selected);
        }

        foreach (var matcher in matchers.Where(m => m.MatchesEmpty))
        {
            cancellation.ThrowIfCancellationRequested();
            if (selected.Count > 0)
            {
                Narrow(source, matcher, selected, cancellation);
            }
        }

        return selected;
    }

    private static List<uint> First(PostingsSource source, LabelMatcher matcher, CancellationToken cancellation)
    {
        var lists = new List<PostingsList>();
        if (!TryFindNamed(source, matcher, lists))
        {
            source.Find(matcher, wanted: true, lists, cancellation);
        }

        var selected = new List<uint>();
        foreach (var list in lists)
        {
            cancellation.ThrowIfCancellationRequested();
            source.Read(list, selected);
        }

        if (lists.Count > 1)
        {
            selected.Sort();
        }

        return selected;
    }

    // Lists of values that the empty value goes with are those that take series away.
    private static void Narrow(PostingsSource source, LabelMatcher matcher, List<uint> selected, CancellationToken cancellation)
    {
        var lists = new List<PostingsList>();
        var look = (long)selected.Count * source.SeriesCost;
        if (!TryFindNamed(source, matcher, lists))
        {
            if (source.ValueCountOf(matcher.NameUtf8) * ValueCost > look)
            {
                source.RemoveUnmatched(selected, matcher, cancellation);
                return;
            }

            source.Find(matcher, wanted: !matcher.MatchesEmpty, lists, cancellation);
        }

        if (lists.Sum(l => l.Count * PostingCost) > look)
        {
            source.RemoveUnmatched(selected, matcher, cancellation);
            return;
        }

        var isListed = new bool[selected.Count];
        var series = new List<uint>();
        foreach (var list in lists)
        {
            cancellation.ThrowIfCancellationRequested();
            series.Clear();
            source.Read(list, series);
            Mark(CollectionsMarshal.AsSpan(selected), CollectionsMarshal.AsSpan(series), isListed);
        }

        var kept = 0;
        for (var i = 0; i < isListed.Length; i++)
        {
            if (isListed[i] != matcher.MatchesEmpty)
            {
                selected[kept++] = selected[i];
            }
        }

        selected.RemoveRange(kept, selected.Count - kept);
    }

    // The lists that are named without a look at all values: those that satisfy the matcher, or, where the empty value does, those that do not.
    private static bool TryFindNamed(PostingsSource source, LabelMatcher matcher, List<PostingsList> into)
    {
        if (matcher.Type is MatchType.Equal or MatchType.NotEqual && matcher.MatchesEmpty == (matcher.Type == MatchType.NotEqual))
        {
            into.Add(source.Find(matcher.NameUtf8, Encoding.UTF8.GetBytes(matcher.Value)));
            return true;
        }

        if (matcher.Type == MatchType.RegexMatch && !matcher.MatchesEmpty && matcher.LiteralAlternatives is { } literals)
        {
            into.AddRange(literals.Distinct(StringComparer.Ordinal).Select(l => source.Find(matcher.NameUtf8, Encoding.UTF8.GetBytes(l))));
            return true;
        }

        return false;
    }

    // The number of series for values that are named, the number of values to try for expressions (which come last).
    private static long Cost(PostingsSource source, LabelMatcher matcher)
    {
        var lists = new List<PostingsList>();
        return TryFindNamed(source, matcher, lists) ? lists.Sum(l => (long)l.Count) : int.MaxValue + (long)source.ValueCountOf(matcher.NameUtf8);
    }

    private static void Mark(ReadOnlySpan<uint> selected, ReadOnlySpan<uint> series, bool[] isListed)
    {
        var at = 0;
        for (var i = 0; i < series.Length && at < selected.Length;)
        {
            at = LowerBound(selected, at, series[i]);
            if (at == selected.Length)
            {
                return;
            }

            i = LowerBound(series, i, selected[at]);
            if (i < series.Length && series[i] == selected[at])
            {
                isListed[at++] = true;
                i++;
            }
        }
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
