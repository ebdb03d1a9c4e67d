using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.Timeseries.Tests.Histograms;

public sealed class FloatHistogramTests
{
    [Fact]
    public void Bounds_are_those_of_prometheus_to_the_bit()
    {
        static void Check(int index, int schema, double want) => Assert.Equal(BitConverter.DoubleToInt64Bits(want), BitConverter.DoubleToInt64Bits(ExponentialBounds.UpperBound(index, schema)));

        Check(0, 0, 1);
        Check(3, 0, 8);
        Check(-1, 0, 0.5);
        Check(1, 1, 1.414213562373095);
        Check(-1, 1, 0.7071067811865475);
        Check(-3, 2, 0.5946035575013605);
        Check(-1, 2, 0.8408964152537144);
        Check(-7, 3, 0.5452538663326288);
        Check(-1, 8, 0.9972960560854698);
        Check(-255, 8, 0.5013556375251013);
        Check(-53, 8, 0.8663180910111553);
        Check(-100, 8, 0.762799075372269);
        Check(1, -1, 4);
        Check(-1, -4, Math.Pow(2, -16));
        Check(1024, 0, double.MaxValue);
        Check(1025, 0, double.PositiveInfinity);
        Check(64, -4, double.MaxValue);
        Check(65, -4, double.PositiveInfinity);
        Check(2048, 1, double.MaxValue);
        Check(2049, 1, double.PositiveInfinity);
        Check(-1073, 0, Math.ScaleB(1, -1073));
    }

    [Fact]
    public void Bounds_grow_with_the_index_and_agree_between_schemas()
    {
        for (var schema = ExponentialBounds.MinSchema; schema <= ExponentialBounds.MaxSchema; schema++)
        {
            for (var i = -600; i < 600; i++)
            {
                Assert.True(ExponentialBounds.UpperBound(i, schema) <= ExponentialBounds.UpperBound(i + 1, schema));
                if (schema > ExponentialBounds.MinSchema)
                {
                    Assert.True(ExponentialBounds.UpperBound(i, schema) <= ExponentialBounds.UpperBound(ExponentialBounds.Coarsen(i, schema, schema - 1), schema - 1));
                    Assert.True(ExponentialBounds.UpperBound(i - 1, schema) >= ExponentialBounds.UpperBound(ExponentialBounds.Coarsen(i, schema, schema - 1) - 1, schema - 1));
                }
            }
        }
    }

    [Fact]
    public void Buckets_are_walked_in_every_direction()
    {
        var h = new FloatHistogram
        {
            Schema = 0,
            ZeroThreshold = 0.25,
            ZeroCount = 5,
            PositiveSpans = [new(0, 2), new(0, 0), new(2, 1)],
            PositiveBuckets = [1, 0, 3],
            NegativeSpans = [new(1, 1), new(1, 1)],
            NegativeBuckets = [7, 8],
        };
        string Show(FloatHistogram.BucketEnumerable buckets)
        {
            var text = "";
            foreach (var b in buckets)
            {
                text += $"{(b.LowerInclusive ? '[' : '(')}{b.Lower},{b.Upper}{(b.UpperInclusive ? ']' : ')')}:{b.Count} ";
            }

            return text.TrimEnd();
        }

        Assert.Equal("(0.5,1]:1 (1,2]:0 (8,16]:3", Show(h.PositiveBucketsUp));
        Assert.Equal("[-2,-1):7 [-8,-4):8", Show(h.NegativeBucketsDown));
        Assert.Equal("[-8,-4):8 [-2,-1):7 [-0.25,0.25]:5 (0.5,1]:1 (1,2]:0 (8,16]:3", Show(h.AllBucketsUp));
        Assert.Equal("(8,16]:3 (1,2]:0 (0.5,1]:1 [-0.25,0.25]:5 [-2,-1):7 [-8,-4):8", Show(h.AllBucketsDown));
        h.ZeroCount = 0;
        Assert.Equal("[-8,-4):8 [-2,-1):7 (0.5,1]:1 (1,2]:0 (8,16]:3", Show(h.AllBucketsUp));
        Assert.Equal("{count:0, sum:0, [-8,-4):8, [-2,-1):7, (0.5,1]:1, (8,16]:3}", h.ToString());

        var custom = new FloatHistogram { Schema = -53, CustomValues = [-1, 5], PositiveSpans = [new(0, 3)], PositiveBuckets = [1, 2, 3] };
        Assert.Equal("[-Infinity,-1]:1 (-1,5]:2 (5,Infinity]:3", Show(custom.AllBucketsUp));
        Assert.Equal("", Show(new FloatHistogram().AllBucketsDown));
    }

    [Fact]
    public void Compact_removes_what_is_empty()
    {
        static void Check(BucketSpan[] spans, double[] buckets, int max, BucketSpan[] wantSpans, double[] wantBuckets)
        {
            var h = new FloatHistogram { NegativeSpans = spans, NegativeBuckets = buckets, PositiveSpans = spans, PositiveBuckets = buckets }.Compact(max);
            Assert.Equal(wantSpans, h.PositiveSpans);
            Assert.Equal(wantBuckets, h.PositiveBuckets);
            Assert.Equal(wantSpans, h.NegativeSpans);
            Assert.Equal(wantBuckets, h.NegativeBuckets);
        }

        Check([], [], 0, [], []);
        Check([new(-2, 1), new(2, 3)], [1, 3, 3, 2], 0, [new(-2, 1), new(2, 3)], [1, 3, 3, 2]);
        Check([new(-2, 2), new(0, 2)], [1, 3, 3, 2], 0, [new(-2, 4)], [1, 3, 3, 2]);
        Check([new(-4, 6), new(3, 1)], [0, 0, 1, 0, 0, 2, 0], 0, [new(-2, 1), new(2, 1)], [1, 2]);
        Check([new(-4, 6), new(3, 1)], [0, 0, 1, 0, 0, 2, 5], 2, [new(-2, 4), new(3, 1)], [1, 0, 0, 2, 5]);
        Check([new(-4, 6), new(3, 1)], [0, 0, 1, 0, 0, 2, 5], 3, [new(-2, 8)], [1, 0, 0, 2, 0, 0, 0, 5]);
        Check([new(1, 0), new(2, 2)], [0, 0], 3, [], []);
    }

    [Fact]
    public void Resolution_is_reduced_by_merging()
    {
        var h = new FloatHistogram
        {
            Schema = 1,
            PositiveSpans = [new(0, 5), new(2, 1)],
            PositiveBuckets = [1, 2, 3, 4, 5, 6],
            NegativeSpans = [new(-3, 3)],
            NegativeBuckets = [1, 1, 1],
        };
        var coarse = h.CopyToSchema(0);
        Assert.Equal((0, "0+3 1+1", "1 5 9 6", "-1+2", "2 1"), (coarse.Schema, Show(coarse.PositiveSpans), string.Join(' ', coarse.PositiveBuckets), Show(coarse.NegativeSpans), string.Join(' ', coarse.NegativeBuckets)));
        Assert.Equal(1, h.Schema);
        Assert.Throws<ArgumentException>(() => h.CopyToSchema(2));
        Assert.Throws<ArgumentException>(() => new FloatHistogram { Schema = -53 }.CopyToSchema(-54));
    }

    [Fact]
    public void Adding_agrees_with_adding_numbers()
    {
        SeededRandom.Run(random =>
        {
            for (var round = 0; round < 2000; round++)
            {
                var left = Random(random);
                var right = Random(random);
                var (leftText, rightText) = (left.ToString(), right.ToString());
                var sum = left.Copy();
                Assert.Equal(HistogramMismatch.None, sum.Add(right));
                Assert.Equal((leftText, rightText), (left.ToString(), right.ToString()));
                Assert.Null(sum.FindProblem());
                Assert.Equal(left.Count + right.Count, sum.Count);
                Assert.Equal(left.Sum + right.Sum, sum.Sum);
                Assert.Equal(Math.Min(left.Schema, right.Schema), sum.Schema);
                Assert.Equal(Total(left) + Total(right), Total(sum));
                Assert.True(sum.ZeroThreshold >= Math.Max(left.ZeroThreshold, right.ZeroThreshold));

                var other = right.Copy();
                other.Add(left);
                Assert.True(sum.Compact().HasSameContent(other.Compact()), $"{sum} {other}");

                // The part above a bound that both have counts the same on either way.
                foreach (var bound in new[] { 16.0, 256.0, 65536.0 })
                {
                    if (sum.ZeroThreshold <= bound && sum.Schema >= -2)
                    {
                        Assert.Equal(Above(left, bound) + Above(right, bound), Above(sum, bound));
                    }
                }

                Assert.Equal(HistogramMismatch.None, sum.Subtract(right));
                Assert.Equal(Total(left), Total(sum));
                Assert.Equal(left.Count, sum.Count);
            }
        });
    }

    [Fact]
    public void Zero_buckets_are_widened_over_counted_buckets()
    {
        var narrow = new FloatHistogram { Schema = 0, ZeroThreshold = 0.5, ZeroCount = 1, Count = 6, PositiveSpans = [new(0, 3)], PositiveBuckets = [1, 2, 2] };
        var wide = new FloatHistogram { Schema = 0, ZeroThreshold = 1.5, ZeroCount = 10, Count = 12, PositiveSpans = [new(2, 1)], PositiveBuckets = [2] };
        narrow.Add(wide);
        Assert.Equal("{count:18, sum:0, [-2,2]:14, (2,4]:4}", narrow.ToString());
        Assert.Equal("{count:12, sum:0, [-1.5,1.5]:10, (2,4]:2}", wide.ToString());
    }

    [Fact]
    public void Different_kinds_do_not_mix()
    {
        var exponential = new FloatHistogram { Count = 1 };
        FloatHistogram Custom(params double[] bounds) => new() { Schema = -53, CustomValues = bounds, Count = 1, PositiveSpans = [new(0, 1)], PositiveBuckets = [1] };
        Assert.Equal(HistogramMismatch.MixedSchemas, exponential.Add(Custom(1)));
        Assert.Equal(HistogramMismatch.MixedSchemas, Custom(1).Subtract(exponential));
        Assert.Equal(HistogramMismatch.CustomBounds, Custom(1).Add(Custom(1, 2)));
        Assert.Equal(1, exponential.Count);
        var sum = Custom(1, 2);
        Assert.Equal(HistogramMismatch.None, sum.Add(Custom(1, 2)));
        Assert.Equal("{count:2, sum:0, [-Inf,1]:2}", sum.ToString());
    }

    [Fact]
    public void Scaling_changes_all_counts_and_hints_follow_the_rules()
    {
        FloatHistogram Make() => new() { ResetHint = CounterResetHint.NotReset, Count = 4, Sum = 8, ZeroCount = 1, PositiveSpans = [new(0, 1)], PositiveBuckets = [2], NegativeSpans = [new(0, 1)], NegativeBuckets = [1] };
        Assert.Equal("{count:8, sum:16, [-1,-0.5):2, [-0,0]:2, (0.5,1]:4}", Make().Multiply(2).ToString());
        Assert.Equal("{count:2, sum:4, [-1,-0.5):0.5, [-0,0]:0.5, (0.5,1]:1}", Make().Divide(2).ToString());
        Assert.Equal("{count:+Inf, sum:+Inf, [-0,0]:+Inf}", Make().Divide(0).ToString());
        Assert.Equal(CounterResetHint.Gauge, Make().Multiply(-1).ResetHint);

        void Check(CounterResetHint left, CounterResetHint right, CounterResetHint want)
        {
            var h = new FloatHistogram { ResetHint = left };
            h.Add(new FloatHistogram { ResetHint = right });
            Assert.Equal(want, h.ResetHint);
        }

        Check(CounterResetHint.NotReset, CounterResetHint.NotReset, CounterResetHint.NotReset);
        Check(CounterResetHint.Gauge, CounterResetHint.Reset, CounterResetHint.Gauge);
        Check(CounterResetHint.Reset, CounterResetHint.Gauge, CounterResetHint.Gauge);
        Check(CounterResetHint.Unknown, CounterResetHint.Reset, CounterResetHint.Unknown);
        Check(CounterResetHint.Reset, CounterResetHint.NotReset, CounterResetHint.Unknown);
        Assert.True(new FloatHistogram { ResetHint = CounterResetHint.Reset }.ResetHintsCollide(new FloatHistogram { ResetHint = CounterResetHint.NotReset }));
    }

    [Fact]
    public void Resets_are_detected_by_anything_that_shrinks()
    {
        FloatHistogram Make(double count = 10, int schema = 1, double zeroThreshold = 0.01, double zeroCount = 2, double first = 3, double second = 4, double negative = 1) => new()
        {
            Schema = schema,
            Count = count,
            ZeroThreshold = zeroThreshold,
            ZeroCount = zeroCount,
            PositiveSpans = [new(1, 2)],
            PositiveBuckets = [first, second],
            NegativeSpans = [new(0, 1)],
            NegativeBuckets = [negative],
        };
        void Check(bool want, FloatHistogram current, FloatHistogram previous) => Assert.Equal(want, current.DetectReset(previous));

        Check(false, Make(), Make());
        Check(false, Make(count: 11, second: 5), Make());
        Check(true, Make(count: 9), Make());
        Check(true, Make(count: 12, first: 2, second: 7), Make());
        Check(true, Make(count: 12, zeroCount: 1), Make());
        Check(true, Make(count: 12, negative: 0), Make());
        Check(true, Make(schema: 2), Make());
        Check(true, Make(zeroThreshold: 0.001), Make());
        Check(false, Make(count: 12, zeroThreshold: 0.02), Make());
        Check(true, Make(count: 20, zeroThreshold: 1.2), Make());
        Check(false, Make().CopyToSchema(0), Make());
        Check(true, new FloatHistogram { Schema = 0, Count = 100, ZeroThreshold = 0.01, ZeroCount = 2, PositiveSpans = [new(2, 1)], PositiveBuckets = [7], NegativeSpans = [new(0, 1)], NegativeBuckets = [1] }, Make());
        var hinted = Make(count: 1);
        hinted.ResetHint = CounterResetHint.NotReset;
        Check(false, hinted, Make());
        hinted = Make();
        hinted.ResetHint = CounterResetHint.Reset;
        Check(true, hinted, Make());
        var empty = new FloatHistogram { Schema = 1, Count = 20, ZeroThreshold = 0.01, ZeroCount = 2 };
        Check(true, empty, Make());
        Check(false, Make(count: 30), empty);
        Check(true, new FloatHistogram { Schema = -53, Count = 100 }, Make());
        Check(true, new FloatHistogram { Schema = -53, Count = 100, CustomValues = [1] }, new FloatHistogram { Schema = -53, CustomValues = [2] });
        Check(false, new FloatHistogram { Schema = -53, Count = 2, CustomValues = [1], PositiveSpans = [new(0, 1)], PositiveBuckets = [2] }, new FloatHistogram { Schema = -53, Count = 1, CustomValues = [1], PositiveSpans = [new(0, 1)], PositiveBuckets = [1] });
    }

    [Fact]
    public void Same_content_does_not_depend_on_how_spans_are_written()
    {
        FloatHistogram Make(BucketSpan[] spans, params double[] buckets) => new() { PositiveSpans = spans, PositiveBuckets = buckets };
        var h = Make([new(0, 2), new(1, 1)], 1, 2, 3);
        Assert.True(h.HasSameContent(Make([new(0, 1), new(0, 1), new(0, 0), new(1, 1)], 1, 2, 3)));
        Assert.True(h.HasSameContent(h.Copy()));
        Assert.False(h.HasSameContent(Make([new(0, 4)], 1, 2, 0, 3)));
        Assert.False(h.HasSameContent(Make([new(0, 3)], 1, 2, 3)));
        Assert.False(h.HasSameContent(null));
        Assert.True(new FloatHistogram { Sum = double.NaN }.HasSameContent(new FloatHistogram { Sum = double.NaN }));
    }

    private static string Show(BucketSpan[] spans) => string.Join(' ', spans.Select(s => $"{s.Offset}+{s.Length}"));

    private static double Total(FloatHistogram h) => h.ZeroCount + h.PositiveBuckets.Sum() + h.NegativeBuckets.Sum();

    private static double Above(FloatHistogram h, double bound)
    {
        var count = 0.0;
        foreach (var bucket in h.PositiveBucketsUp)
        {
            count += bucket.Lower >= bound ? bucket.Count : 0;
        }

        return count;
    }

    private static FloatHistogram Random(Random random)
    {
        (BucketSpan[], double[]) Side()
        {
            var layout = new BucketLayout();
            var index = random.Next(-20, 5);
            for (var i = random.Next(8); i > 0; i--)
            {
                layout.Add(index, random.Next(4));
                index += random.Next(1, 5);
            }

            return (layout.Spans, layout.Buckets);
        }

        var h = new FloatHistogram { Schema = random.Next(-2, 4), ZeroThreshold = new[] { 0, 0.001, 0.5, 0.7, 3 }[random.Next(5)], ZeroCount = random.Next(5), Sum = random.Next(100) };
        (h.PositiveSpans, h.PositiveBuckets) = Side();
        (h.NegativeSpans, h.NegativeBuckets) = Side();

        // Nothing is counted within the zero bucket and beside it.
        var threshold = h.ZeroThreshold;
        h.ZeroThreshold = 0;
        h.Add(new FloatHistogram { Schema = h.Schema, ZeroThreshold = threshold });
        h.Count = Total(h);
        return h;
    }
}
