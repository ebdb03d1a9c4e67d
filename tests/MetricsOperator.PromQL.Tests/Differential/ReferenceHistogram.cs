using System.Globalization;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>A native histogram as a map from bucket index to count, so that arithmetic on it is what it says. All zero buckets are equally wide.</summary>
internal sealed class ReferenceHistogram
{
    public int Schema { get; private init; }

    public double ZeroThreshold { get; private init; }

    public double ZeroCount { get; private init; }

    public double Count { get; private init; }

    public double Sum { get; private init; }

    public double[] Bounds { get; private init; } = [];

    public CounterResetHint Hint { get; private init; }

    public SortedDictionary<int, double> Positive { get; private init; } = [];

    public SortedDictionary<int, double> Negative { get; private init; } = [];

    public bool IsCustom => Schema == FloatHistogram.CustomBucketsSchema;

    public static ReferenceHistogram Of(FloatHistogram histogram) => new()
    {
        Schema = histogram.Schema,
        ZeroThreshold = histogram.ZeroThreshold,
        ZeroCount = histogram.ZeroCount,
        Count = histogram.Count,
        Sum = histogram.Sum,
        Bounds = histogram.CustomValues,
        Hint = histogram.ResetHint,
        Positive = Buckets(histogram.PositiveSpans, histogram.PositiveBuckets),
        Negative = Buckets(histogram.NegativeSpans, histogram.NegativeBuckets),
    };

    /// <summary>A histogram without observations that fits to another one.</summary>
    public static ReferenceHistogram EmptyLike(ReferenceHistogram other) =>
        new() { Schema = other.Schema, ZeroThreshold = other.ZeroThreshold, Bounds = other.Bounds };

    public bool FitsTo(ReferenceHistogram other) => IsCustom == other.IsCustom && (!IsCustom || Bounds.SequenceEqual(other.Bounds));

    public ReferenceHistogram Scale(double factor) => Map(v => v * factor, factor < 0 ? CounterResetHint.Gauge : Hint);

    public ReferenceHistogram DivideBy(double divisor)
    {
        var result = Map(v => v / divisor, divisor < 0 ? CounterResetHint.Gauge : Hint);
        return divisor == 0 ? new ReferenceHistogram { Schema = Schema, ZeroThreshold = ZeroThreshold, Bounds = Bounds, ZeroCount = result.ZeroCount, Count = result.Count, Sum = result.Sum } : result;
    }

    /// <summary>this + factor * other, at the coarser resolution; null when they do not fit.</summary>
    public ReferenceHistogram? Plus(ReferenceHistogram other, double factor = 1)
    {
        if (!FitsTo(other))
        {
            return null;
        }

        var schema = Math.Min(Schema, other.Schema);
        var (left, right) = (AtSchema(schema), other.AtSchema(schema));
        return new ReferenceHistogram
        {
            Schema = schema,
            ZeroThreshold = ZeroThreshold,
            Bounds = Bounds,
            Hint = Hint == other.Hint ? Hint : Hint == CounterResetHint.Gauge || other.Hint == CounterResetHint.Gauge ? CounterResetHint.Gauge : CounterResetHint.Unknown,
            ZeroCount = left.ZeroCount + (factor * right.ZeroCount),
            Count = left.Count + (factor * right.Count),
            Sum = left.Sum + (factor * right.Sum),
            Positive = Merge(left.Positive, right.Positive, factor),
            Negative = Merge(left.Negative, right.Negative, factor),
        };
    }

    /// <summary>The same observations in fewer buckets: two neighbours become one per schema step.</summary>
    public ReferenceHistogram AtSchema(int schema) => schema == Schema || IsCustom
        ? this
        : new ReferenceHistogram
        {
            Schema = schema,
            ZeroThreshold = ZeroThreshold,
            ZeroCount = ZeroCount,
            Count = Count,
            Sum = Sum,
            Hint = Hint,
            Positive = Coarsen(Positive, Schema - schema),
            Negative = Coarsen(Negative, Schema - schema),
        };

    /// <summary>True if the counter started over since a sample before.</summary>
    public bool IsResetSince(ReferenceHistogram previous)
    {
        if (Hint is CounterResetHint.Reset or CounterResetHint.NotReset)
        {
            return Hint == CounterResetHint.Reset;
        }

        if (!FitsTo(previous) || Schema > previous.Schema || Count < previous.Count || ZeroCount < previous.ZeroCount)
        {
            return true;
        }

        var before = previous.AtSchema(Schema);
        return before.Positive.Any(b => Positive.GetValueOrDefault(b.Key) < b.Value) || before.Negative.Any(b => Negative.GetValueOrDefault(b.Key) < b.Value);
    }

    /// <summary>Equal in everything but how empty buckets are written.</summary>
    public bool SameAs(ReferenceHistogram other, Func<double, double, bool> same) =>
        Schema == other.Schema && Bounds.SequenceEqual(other.Bounds) && ZeroThreshold == other.ZeroThreshold
        && same(ZeroCount, other.ZeroCount) && same(Count, other.Count) && same(Sum, other.Sum)
        && SameBuckets(Positive, other.Positive, same) && SameBuckets(Negative, other.Negative, same);

    /// <summary>Buckets that count something, ascending, each with its bounds.</summary>
    public IReadOnlyList<(double Lower, double Upper, double Count)> Ascending()
    {
        var buckets = new List<(double Lower, double Upper, double Count)>();
        foreach (var (index, count) in Negative.Reverse())
        {
            buckets.Add((-Bound(index), -Bound(index - 1), count));
        }

        buckets.Add((-ZeroThreshold, ZeroThreshold, ZeroCount));
        foreach (var (index, count) in Positive)
        {
            buckets.Add((Bound(index - 1), Bound(index), count));
        }

        return [.. buckets.Where(b => b.Count != 0)];
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{{schema {Schema} count {Count:R} sum {Sum:R} zero {ZeroCount:R} + [{Show(Positive)}] - [{Show(Negative)}] bounds [{string.Join(' ', Bounds)}] {Hint}}}");

    // Bounds are powers of 2^(2^-schema), the same as the storage's to the last digits.
    private double Bound(int index)
    {
        if (!IsCustom)
        {
            return ExponentialBounds.UpperBound(index, Schema);
        }

        return index < 0 ? double.NegativeInfinity : index < Bounds.Length ? Bounds[index] : double.PositiveInfinity;
    }

    private static string Show(SortedDictionary<int, double> buckets) => string.Join(' ', buckets.Select(b => string.Create(CultureInfo.InvariantCulture, $"{b.Key}:{b.Value:R}")));

    private static bool SameBuckets(SortedDictionary<int, double> left, SortedDictionary<int, double> right, Func<double, double, bool> same) =>
        left.Keys.Union(right.Keys).All(index => same(left.GetValueOrDefault(index), right.GetValueOrDefault(index)));

    private static SortedDictionary<int, double> Buckets(BucketSpan[] spans, double[] counts)
    {
        var buckets = new SortedDictionary<int, double>();
        var index = 0;
        var next = 0;
        foreach (var span in spans)
        {
            index += span.Offset;
            for (var i = 0; i < span.Length; i++)
            {
                buckets.Add(index++, counts[next++]);
            }
        }

        return buckets;
    }

    private static SortedDictionary<int, double> Merge(SortedDictionary<int, double> left, SortedDictionary<int, double> right, double factor) =>
        new(left.Keys.Union(right.Keys).ToDictionary(i => i, i => left.GetValueOrDefault(i) + (factor * right.GetValueOrDefault(i))));

    private static SortedDictionary<int, double> Coarsen(SortedDictionary<int, double> buckets, int steps) => new(
        buckets.GroupBy(b => (int)Math.Ceiling(b.Key / Math.Pow(2, steps))).ToDictionary(g => g.Key, g => g.Sum(b => b.Value)));

    private ReferenceHistogram Map(Func<double, double> map, CounterResetHint hint) => new()
    {
        Schema = Schema,
        ZeroThreshold = ZeroThreshold,
        Bounds = Bounds,
        Hint = hint,
        ZeroCount = map(ZeroCount),
        Count = map(Count),
        Sum = map(Sum),
        Positive = new(Positive.ToDictionary(b => b.Key, b => map(b.Value))),
        Negative = new(Negative.ToDictionary(b => b.Key, b => map(b.Value))),
    };
}
