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

    public override int SeriesCost => 30;

    public override PostingsList Find(byte[] name, ReadOnlySpan<byte> value)
    {
        var (nameSymbol, valueSymbol) = (store.Symbols.Find(name), store.Symbols.Find(value));
        var pair = nameSymbol >= 0 && valueSymbol >= 0 ? store.Postings.Find(nameSymbol, valueSymbol) : -1;
        return new PostingsList(pair, pair < 0 ? 0 : store.Postings.CountOf(pair));
    }

    public override void Find(LabelMatcher matcher, bool wanted, List<PostingsList> into, CancellationToken cancellation)
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
                into.Add(new PostingsList(values.Pair, values.Count));
            }
        }
    }

    public override void Read(PostingsList list, List<uint> into)
    {
        if (list.Reference >= 0)
        {
            store.Postings.Read((int)list.Reference, into);
        }
    }

    public override int ValueCountOf(byte[] name)
    {
        var symbol = store.Symbols.Find(name);
        return symbol >= 0 ? store.Postings.ValueCountOf(symbol) : 0;
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
