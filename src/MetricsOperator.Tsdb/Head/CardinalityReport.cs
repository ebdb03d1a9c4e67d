using System.Text;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Head;

/// <summary>Finds the largest entries of the head's index.</summary>
internal static class CardinalityReport
{
    public static HeadCardinality Of(SeriesStore store, int limit)
    {
        var metrics = new Largest(limit);
        var values = new Largest(limit);
        var bytes = new Largest(limit);
        var pairs = new Largest(limit);
        var metricName = store.Symbols.Find(LabelNames.MetricNameUtf8);
        foreach (var name in store.Postings.Names)
        {
            long size = 0;
            for (var value = store.Postings.ValuesOf(name); value.MoveNext();)
            {
                size += store.Symbols.LengthOf(value.Value);
                pairs.Offer((name, value.Value), value.Count);
                if (name == metricName)
                {
                    metrics.Offer((name, value.Value), value.Count);
                }
            }

            values.Offer((name, -1), store.Postings.ValueCountOf(name));
            bytes.Offer((name, -1), size);
        }

        return new HeadCardinality(
            metrics.List(k => Text(store, k.Value)),
            values.List(k => Text(store, k.Name)),
            bytes.List(k => Text(store, k.Name)),
            pairs.List(k => $"{Text(store, k.Name)}={Text(store, k.Value)}"));
    }

    private static string Text(SeriesStore store, int symbol) => Encoding.UTF8.GetString(store.Symbols.Text(symbol));

    /// <summary>Keeps the largest few of many.</summary>
    private sealed class Largest(int limit)
    {
        private readonly PriorityQueue<(int Name, int Value), long> _queue = new();

        public void Offer((int Name, int Value) key, long size)
        {
            if (_queue.Count < limit)
            {
                _queue.Enqueue(key, size);
            }
            else if (limit > 0 && _queue.TryPeek(out _, out var smallest) && size > smallest)
            {
                _queue.EnqueueDequeue(key, size);
            }
        }

        public List<NamedCount> List(Func<(int Name, int Value), string> name) => _queue.UnorderedItems
            .Select(i => new NamedCount(name(i.Element), i.Priority))
            .OrderByDescending(c => c.Value)
            .ThenBy(c => c.Name, StringComparer.Ordinal)
            .ToList();
    }
}
