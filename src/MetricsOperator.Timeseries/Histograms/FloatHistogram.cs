namespace MetricsOperator.Timeseries.Histograms;

/// <summary>What a histogram sample knows about a counter reset before it.</summary>
public enum CounterResetHint : byte
{
    Unknown,
    Reset,
    NotReset,
    Gauge,
}

/// <summary>A run of consecutive buckets; <paramref name="Offset"/> is relative to the end of the run before (absolute for the first).</summary>
public readonly record struct BucketSpan(int Offset, uint Length);

/// <summary>
/// A native histogram with float counts, buckets absolute. Schema -4..8 is exponential (base 2^(2^-schema)), -53 has custom upper
/// bounds in <see cref="CustomValues"/> and only positive buckets. A stale sample has <see cref="Sum"/> = the stale marker and no buckets.
/// </summary>
public sealed partial class FloatHistogram
{
    public const int CustomBucketsSchema = -53;

    public CounterResetHint ResetHint { get; set; }

    public int Schema { get; set; }

    public double ZeroThreshold { get; set; }

    public double ZeroCount { get; set; }

    public double Count { get; set; }

    public double Sum { get; set; }

    public BucketSpan[] PositiveSpans { get; set; } = [];

    public BucketSpan[] NegativeSpans { get; set; } = [];

    public double[] PositiveBuckets { get; set; } = [];

    public double[] NegativeBuckets { get; set; } = [];

    public double[] CustomValues { get; set; } = [];

    public bool UsesCustomBuckets => Schema == CustomBucketsSchema;
}
