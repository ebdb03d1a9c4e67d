using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Head;

/// <content>What metrics are.</content>
internal sealed partial class MemoryHead
{
    /// <summary>Newest metadata of all metrics.</summary>
    public IReadOnlyDictionary<string, MetricMetadata> AllMetadata()
    {
        lock (_metadata)
        {
            return new Dictionary<string, MetricMetadata>(_metadata, StringComparer.Ordinal);
        }
    }

    /// <summary>Newest metadata of all metrics that have a series, with the reference of one.</summary>
    public List<(ulong Series, MetricMetadata Metadata)> MetadataBySeries()
    {
        var all = AllMetadata();
        return Read(head =>
        {
            var found = new List<(ulong Series, MetricMetadata Metadata)>();
            var name = head.Store.Symbols.Find(LabelNames.MetricNameUtf8);
            foreach (var (metric, metadata) in all)
            {
                var number = name < 0 ? -1 : head.Store.Postings.FirstOf(name, head.Store.Symbols.Find(Encoding.UTF8.GetBytes(metric)));
                if (number >= 0)
                {
                    found.Add((head.Store[number].Reference, metadata));
                }
            }

            return found;
        });
    }

    public MetricMetadata? Metadata(string metricName)
    {
        lock (_metadata)
        {
            return _metadata.GetValueOrDefault(metricName);
        }
    }

    /// <summary>Remembers the metadata of a metric.</summary>
    public void SetMetadata(string metricName, MetricMetadata metadata)
    {
        lock (_metadata)
        {
            _metadata[metricName] = metadata;
        }
    }
}
