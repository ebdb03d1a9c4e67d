using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Tsdb.Head;

/// <summary>A float sample of a transaction.</summary>
/// <param name="Series">Reference that the appender was given.</param>
/// <param name="Number">Where the series was when the sample was checked; a hint, since numbers change.</param>
/// <param name="Timestamp">Milliseconds since 1970.</param>
/// <param name="Value">The value.</param>
internal readonly record struct PendingSample(ulong Series, int Number, long Timestamp, double Value);

/// <summary>A histogram sample of a transaction.</summary>
internal readonly record struct PendingHistogram(ulong Series, long Timestamp, FloatHistogram Value);

/// <summary>An exemplar of a transaction.</summary>
internal readonly record struct PendingExemplar(ulong Series, Exemplar Value);

/// <summary>Metadata of a transaction.</summary>
internal readonly record struct PendingMetadata(ulong Series, MetricMetadata Value);
