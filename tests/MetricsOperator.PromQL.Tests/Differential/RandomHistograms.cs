using MetricsOperator.TestKit.PromQL;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>Random native histograms for the metrics that <see cref="RandomQueries"/> asks for.</summary>
internal sealed class RandomHistograms(Random random, RandomData floats)
{
    private const double ZeroThreshold = 0.0009765625;

    /// <summary><c>sizes</c> counts, <c>load</c> is a gauge, <c>waits</c> has custom buckets, <c>mixed</c> alternates with floats.</summary>
    public IEnumerable<StoredSeries> Next()
    {
        foreach (var job in RandomData.Jobs)
        {
            foreach (var instance in RandomData.Instances)
            {
                yield return new(Labels("sizes", job, instance), [.. Counters(custom: false)]);
                yield return new(Labels("load", job, instance), [.. Gauges()]);
                yield return new(Labels("mixed", job, instance), [.. Mixed()]);
            }

            yield return new(Labels("waits", job, RandomData.Instances[0]), [.. Counters(custom: true)]);
        }
    }

    private static LabelSet Labels(string name, string job, string instance) => LabelSet.Of(("__name__", name), ("job", job), ("instance", instance));

    private static FloatHistogram Stale() => new() { Sum = StaleMarker.Value };

    private IEnumerable<StoredSample> Counters(bool custom)
    {
        var schema = custom ? FloatHistogram.CustomBucketsSchema : random.Next(1, 4);
        double[] bounds = custom ? [0.5, 1, 2.5, 10] : [];
        var observed = new SortedDictionary<int, double>();
        double sum = 0, zeros = 0;
        foreach (var time in floats.Times())
        {
            if (random.Next(30) == 0)
            {
                // A restart, perhaps of a version with other buckets.
                (sum, zeros) = (0, 0);
                observed.Clear();
                schema = custom ? schema : random.Next(1, 4);
                bounds = custom && random.Next(2) == 0 ? [0.5, 1, 4] : bounds;
            }
            else if (!custom && schema > 0 && random.Next(40) == 0)
            {
                schema--;
                observed = Coarser(observed);
            }

            for (var n = random.Next(6); n > 0; n--)
            {
                var index = custom ? random.Next(bounds.Length + 1) : random.Next(-4, 12);
                observed[index] = observed.GetValueOrDefault(index) + 1;
                sum += random.Next(80) / 8.0;
            }

            zeros += custom ? 0 : random.Next(2);
            yield return random.Next(40) == 0 ? new(time, 0, Stale()) : new(time, 0, Build(schema, bounds, zeros, sum, observed, [], CounterResetHint.Unknown));
        }
    }

    private IEnumerable<StoredSample> Gauges()
    {
        var schema = random.Next(3);
        foreach (var time in floats.Times())
        {
            yield return new(
                time, 0, Build(schema, [], random.Next(3), random.Next(-400, 400) / 8.0, Some(-4, 12), Some(-2, 4), CounterResetHint.Gauge));
        }
    }

    private IEnumerable<StoredSample> Mixed()
    {
        var isHistogram = random.Next(2) == 0;
        foreach (var sample in Counters(custom: false))
        {
            isHistogram ^= random.Next(12) == 0;
            yield return isHistogram ? sample : new(sample.TimestampMs, random.Next(800) / 8.0, null);
        }
    }

    private SortedDictionary<int, double> Some(int from, int to)
    {
        var buckets = new SortedDictionary<int, double>();
        for (var n = random.Next(6); n > 0; n--)
        {
            buckets[random.Next(from, to)] = random.Next(1, 9);
        }

        return buckets;
    }

    private static SortedDictionary<int, double> Coarser(SortedDictionary<int, double> buckets) =>
        new(buckets.GroupBy(b => (int)Math.Ceiling(b.Key / 2.0)).ToDictionary(g => g.Key, g => g.Sum(b => b.Value)));

    private static FloatHistogram Build(
        int schema, double[] bounds, double zeros, double sum, SortedDictionary<int, double> positive, SortedDictionary<int, double> negative, CounterResetHint hint) => new()
        {
            ResetHint = hint,
            Schema = schema,
            ZeroThreshold = schema == FloatHistogram.CustomBucketsSchema ? 0 : ZeroThreshold,
            ZeroCount = zeros,
            Count = zeros + positive.Values.Sum() + negative.Values.Sum(),
            Sum = sum,
            CustomValues = bounds,
            PositiveSpans = Spans(positive),
            PositiveBuckets = [.. positive.Values],
            NegativeSpans = Spans(negative),
            NegativeBuckets = [.. negative.Values],
        };

    private static BucketSpan[] Spans(SortedDictionary<int, double> buckets)
    {
        var spans = new List<BucketSpan>();
        var end = 0;
        foreach (var index in buckets.Keys)
        {
            if (spans.Count > 0 && index == end)
            {
                spans[^1] = spans[^1] with { Length = spans[^1].Length + 1 };
            }
            else
            {
                spans.Add(new BucketSpan(index - end, 1));
            }

            end = index + 1;
        }

        return [.. spans];
    }
}
