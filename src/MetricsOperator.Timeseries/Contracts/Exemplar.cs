using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Timeseries.Contracts;

/// <summary>A sample observation with its own labels (a trace id), attached to a series.</summary>
public sealed record Exemplar(LabelSet Labels, double Value, long TimestampMs)
{
    /// <summary>False when the time is that of the sample, because the source gave none: the next scrape has the same exemplar at another time.</summary>
    public bool HasOwnTime { get; init; } = true;
}

/// <summary>What a metric is, as its target describes it.</summary>
public sealed record MetricMetadata(string Type, string Unit, string Help);
