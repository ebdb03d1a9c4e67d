using MetricsOperator.Timeseries.Contracts;

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

    public MetricMetadata? Metadata(string metricName)
    {
        lock (_metadata)
        {
            return _metadata.GetValueOrDefault(metricName);
        }
    }

    /// <summary>Remembers the metadata of a metric; false when it is known already.</summary>
    public bool SetMetadata(string metricName, MetricMetadata metadata)
    {
        lock (_metadata)
        {
            if (_metadata.TryGetValue(metricName, out var known) && known == metadata)
            {
                return false;
            }

            _metadata[metricName] = metadata;
            return true;
        }
    }
}
