namespace MetricsOperator.TestKit.PromQL;

/// <summary>A series of floats for random queries.</summary>
/// <param name="Labels">Labels, the name included.</param>
/// <param name="Samples">Samples in time order; stale markers among them.</param>
public sealed record RandomSeries(IReadOnlyList<(string Name, string Value)> Labels, IReadOnlyList<(long TimestampMs, double Value)> Samples);
