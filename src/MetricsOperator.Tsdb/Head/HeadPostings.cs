using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Head;

/// <summary>The index of the head as the selector sees it; used under the head's lock.</summary>
internal sealed class HeadPostings(SeriesStore store) : PostingsSource
{
    public override void All(List<uint> into)
    {
        into.EnsureCapacity(into.Count + store.Count);
        for (uint series = 0; series < store.Count; series++)
        {
            into.Add(series);
        }
    }

    public override void Equal(byte[] name, ReadOnlySpan<byte> value, List<uint> into)
    {
        var (nameSymbol, valueSymbol) = (store.Symbols.Find(name), store.Symbols.Find(value));
        if (nameSymbol >= 0 && valueSymbol >= 0)
        {
            store.Postings.Read(nameSymbol, valueSymbol, into);
        }
    }

    public override int CountOf(byte[] name, ReadOnlySpan<byte> value)
    {
        var (nameSymbol, valueSymbol) = (store.Symbols.Find(name), store.Symbols.Find(value));
        return nameSymbol >= 0 && valueSymbol >= 0 ? store.Postings.CountOf(nameSymbol, valueSymbol) : 0;
    }

    public override int ValueCountOf(byte[] name)
    {
        var symbol = store.Symbols.Find(name);
        return symbol >= 0 ? store.Postings.ValueCountOf(symbol) : 0;
    }

    public override void Where(LabelMatcher matcher, bool wanted, List<uint> into, CancellationToken cancellation)
    {
        var name = store.Symbols.Find(matcher.NameUtf8);
        if (name < 0)
        {
            return;
        }

        for (var values = store.Postings.ValuesOf(name); values.MoveNext();)
        {
            cancellation.ThrowIfCancellationRequested();
            if (matcher.Matches(store.Symbols.Text(values.Value)) == wanted)
            {
                store.Postings.Read(name, values.Value, into);
            }
        }
    }

    public override void RemoveUnmatched(List<uint> series, LabelMatcher matcher, CancellationToken cancellation)
    {
        var known = new Dictionary<long, bool>();
        var name = store.Symbols.Find(matcher.NameUtf8);
        series.RemoveAll(number =>
        {
            cancellation.ThrowIfCancellationRequested();
            for (var labels = store.LabelsOf((int)number); labels.MoveNext();)
            {
                if (labels.Name == name)
                {
                    return !Matches(known, labels.Value, store.Symbols.Text(labels.Value), matcher);
                }
            }

            return !matcher.MatchesEmpty;
        });
    }
}
