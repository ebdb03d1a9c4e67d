using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.Tsdb.Tests.Encoders;

/// <summary>
/// A histogram as the formats hold it: integers as counts and differences from bucket to bucket, or floats as they are. Spans are
/// (offset, length).
/// </summary>
internal sealed record RawHistogram
{
    public bool IsFloat { get; init; }

    public int Hint { get; init; }

    public int Schema { get; init; }

    public double ZeroThreshold { get; init; }

    /// <summary>The count, as a number or as the bits of a double.</summary>
    public ulong Count { get; init; }

    public ulong ZeroCount { get; init; }

    public double Sum { get; init; }

    public (int Offset, uint Length)[] Positive { get; init; } = [];

    public (int Offset, uint Length)[] Negative { get; init; } = [];

    /// <summary>Bucket differences, or bits of doubles.</summary>
    public long[] PositiveBuckets { get; init; } = [];

    public long[] NegativeBuckets { get; init; } = [];

    public double[] Bounds { get; init; } = [];

    public bool IsCustom => Schema == -53;

    public bool IsStale => BitConverter.DoubleToUInt64Bits(Sum) == 0x7FF0000000000002;

    /// <summary>A random one with the given spans and bounds; integer counts are up to 2^40.</summary>
    public static RawHistogram Random(Random random, bool isFloat, RawHistogram? layout = null)
    {
        layout ??= RandomLayout(random);
        var positive = layout.Positive.Sum(s => (int)s.Length);
        var negative = layout.Negative.Sum(s => (int)s.Length);
        return layout with
        {
            IsFloat = isFloat,
            Count = Number(),
            ZeroCount = Number(),
            Sum = random.Next(4) == 0 ? random.Next(3) : random.NextDouble() * 1e6,
            PositiveBuckets = Buckets(positive),
            NegativeBuckets = Buckets(negative),
        };

        ulong Number() => isFloat ? BitConverter.DoubleToUInt64Bits(random.Next(1000) / 4.0) : (ulong)random.NextInt64(1L << random.Next(1, 41));
        long[] Buckets(int count) => Enumerable.Range(0, count)
            .Select(_ => isFloat ? (long)Number() : random.NextInt64(-(1L << random.Next(1, 30)), 1L << random.Next(1, 30))).ToArray();
    }

    public static RawHistogram RandomLayout(Random random)
    {
        var custom = random.Next(3) == 0;
        var bounds = custom ? Enumerable.Range(1, random.Next(1, 8)).Select(i => random.Next(2) == 0 ? i * 0.005 : i * Math.PI).Order().Distinct().ToArray() : [];
        return new RawHistogram
        {
            Hint = random.Next(4),
            Schema = custom ? -53 : random.Next(-4, 9),
            ZeroThreshold = custom ? 0 : random.Next(4) switch { 0 => 0, 1 => Math.Pow(2, -128), 2 => 0.001, _ => 1 },
            Positive = custom ? CustomSpans() : Spans(),
            Negative = custom ? [] : Spans(),
            Bounds = bounds,
        };

        // Custom buckets lie between the bounds, the last one above them.
        (int, uint)[] CustomSpans()
        {
            var first = random.Next(bounds.Length);
            return random.Next(4) == 0 ? [] : [(first, (uint)random.Next(1, bounds.Length + 2 - first))];
        }

        (int, uint)[] Spans() => Enumerable.Range(0, random.Next(4)).Select(i => (random.Next(i == 0 ? -300 : 0, 300), (uint)random.Next(1, 5))).ToArray();
    }

    public static RawHistogram Stale(bool isFloat) => new() { IsFloat = isFloat, Sum = BitConverter.UInt64BitsToDouble(0x7FF0000000000002) };

    /// <summary>The form in which the tests of the database compare histograms.</summary>
    public string Text => $"h{Value(Count)}/{Sum}/{string.Join(',', Absolute(PositiveBuckets))}";

    /// <summary>Fails unless a decoded histogram has the same numbers.</summary>
    public void AssertSame(FloatHistogram got)
    {
        Assert.Equal(BitConverter.DoubleToUInt64Bits(Sum), BitConverter.DoubleToUInt64Bits(got.Sum));
        if (IsStale)
        {
            Assert.True(StaleMarker.IsStale(got.Sum));
            Assert.Empty(got.PositiveBuckets);
            return;
        }

        Assert.Equal((Schema, ZeroThreshold), (got.Schema, got.ZeroThreshold));
        Assert.Equal((Value(Count), Value(ZeroCount)), (got.Count, got.ZeroCount));
        Assert.Equal(Positive, got.PositiveSpans.Select(s => (s.Offset, s.Length)));
        Assert.Equal(Negative, got.NegativeSpans.Select(s => (s.Offset, s.Length)));
        Assert.Equal(Absolute(PositiveBuckets), got.PositiveBuckets);
        Assert.Equal(Absolute(NegativeBuckets), got.NegativeBuckets);
        Assert.Equal(Bounds, got.CustomValues);
    }

    private double Value(ulong raw) => IsFloat ? BitConverter.UInt64BitsToDouble(raw) : raw;

    private IEnumerable<double> Absolute(long[] buckets)
    {
        long sum = 0;
        return buckets.Select(b => IsFloat ? BitConverter.Int64BitsToDouble(b) : (double)(sum += b)).ToArray();
    }
}
