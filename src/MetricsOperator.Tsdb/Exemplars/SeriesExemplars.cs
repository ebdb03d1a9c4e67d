using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Exemplars;

/// <summary>Exemplars of one series, oldest first.</summary>
public sealed record SeriesExemplars(LabelSet Labels, IReadOnlyList<Exemplar> Exemplars);
