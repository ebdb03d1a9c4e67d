using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>An index from label values to series, of the head or of a block. Series are numbers that ascend in every list.</summary>
internal abstract class PostingsSource
{
    /// <summary>Adds all series.</summary>
    public abstract void All(List<uint> into);

    /// <summary>Adds the series with a label value.</summary>
    public abstract void Equal(byte[] name, ReadOnlySpan<byte> value, List<uint> into);

    /// <summary>How many series have a label value, or a guess that is good enough to order matchers by.</summary>
    public abstract int CountOf(byte[] name, ReadOnlySpan<byte> value);

    /// <summary>How many values a label name has.</summary>
    public abstract int ValueCountOf(byte[] name);

    /// <summary>Adds the series of each value of a name for which the matcher's answer is <paramref name="wanted"/>; not in order.</summary>
    public abstract void Where(LabelMatcher matcher, bool wanted, List<uint> into, CancellationToken cancellation);

    /// <summary>
    /// Removes the series whose label does not satisfy the matcher. Each value that occurs is matched once, whatever the number of series.
    /// </summary>
    public abstract void RemoveUnmatched(List<uint> series, LabelMatcher matcher, CancellationToken cancellation);

    /// <summary>Remembers whether values, by their symbols, satisfy a matcher.</summary>
    protected static bool Matches(Dictionary<long, bool> known, long symbol, ReadOnlySpan<byte> value, LabelMatcher matcher)
    {
        ref var answer = ref CollectionsMarshal.GetValueRefOrAddDefault(known, symbol, out var isKnown);
        if (!isKnown)
        {
            answer = matcher.Matches(value);
        }

        return answer;
    }
}
