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

    /// <summary>True if the series' label satisfies the matcher.</summary>
    public abstract bool Matches(uint series, LabelMatcher matcher);
}
