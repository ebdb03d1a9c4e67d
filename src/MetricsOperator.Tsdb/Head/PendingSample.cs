using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Tsdb.Head;

/// <summary>A float sample of a transaction.</summary>
internal readonly record struct PendingSample(ulong Series, long Timestamp, double Value);

/// <summary>A histogram sample of a transaction.</summary>
internal readonly record struct PendingHistogram(ulong Series, long Timestamp, FloatHistogram Value);

/// <summary>An exemplar of a transaction.</summary>
internal readonly record struct PendingExemplar(ulong Series, Exemplar Value);

/// <summary>Metadata of a transaction.</summary>
internal readonly record struct PendingMetadata(ulong Series, MetricMetadata Value);

/// <summary>What an accepted float sample is to its series.</summary>
internal enum SampleFate : byte
{
    /// <summary>Newer than all others.</summary>
    InOrder,

    /// <summary>The newest one again.</summary>
    Repetition,

    /// <summary>Older than others, within the window that allows it.</summary>
    Late,
}
