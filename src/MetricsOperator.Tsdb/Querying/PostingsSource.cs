using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>An index from label values to series, of the head or of a block. Series are numbers that ascend in every list.</summary>
internal abstract class PostingsSource
{
    /// <summary>Adds all series.</summary>
    public abstract void All(List<uint> into);

    /// <summary>What looking at a label of one series takes, in nanoseconds or so.</summary>
    public abstract int SeriesCost { get; }

    /// <summary>The list of series with a label value.</summary>
    public abstract PostingsList Find(byte[] name, ReadOnlySpan<byte> value);

    /// <summary>Adds the lists of the values of a name for which the matcher's answer is <paramref name="wanted"/>.</summary>
    public abstract void Find(LabelMatcher matcher, bool wanted, List<PostingsList> into, CancellationToken cancellation);

    /// <summary>Adds the series of a list.</summary>
    public abstract void Read(PostingsList list, List<uint> into);

    /// <summary>How many values a label name has.</summary>
    public abstract int ValueCountOf(byte[] name);

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

/// <summary>A list of series with a label value.</summary>
/// <param name="Reference">What the index finds it by.</param>
/// <param name="Count">How many series it has, or a guess that is good enough to order matchers by.</param>
internal readonly record struct PostingsList(long Reference, int Count);
