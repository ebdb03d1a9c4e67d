namespace MetricsOperator.Timeseries.Histograms;

/// <summary>A bucket with its bounds and its own (not cumulative) count.</summary>
/// <param name="Lower">Lower bound.</param>
/// <param name="Upper">Upper bound.</param>
/// <param name="LowerInclusive">True if an observation equal to the lower bound belongs here.</param>
/// <param name="UpperInclusive">True if an observation equal to the upper bound belongs here.</param>
/// <param name="Count">Observations in the bucket.</param>
/// <param name="Index">Index within schema and sign; means nothing for the zero bucket.</param>
public readonly record struct HistogramBucket(double Lower, double Upper, bool LowerInclusive, bool UpperInclusive, double Count, int Index);
