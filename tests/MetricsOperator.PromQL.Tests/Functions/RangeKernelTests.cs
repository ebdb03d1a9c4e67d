using System.Globalization;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Functions;
using MetricsOperator.PromQL.Tests.Conformance;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Functions;

public sealed class RangeKernelTests
{
    private static readonly string[] Queries =
    [
        "rate(x[{0}])", "increase(x[{0}])", "delta(x[{0}])", "max_over_time(x[{0}])", "min_over_time(x[{0}])", "count_over_time(x[{0}])",
        "present_over_time(x[{0}])", "last_over_time(x[{0}])", "sum_over_time(x[{0}])", "avg_over_time(x[{0}])", "quantile_over_time(0.9, x[{0}])",
        "quantile_over_time(time() % 2, x[{0}])", "max_over_time(x[{0}] @ 400)", "rate(x[{0}] offset -1m)", "quantile_over_time(0.3, x[{0}:7s])",
    ];

    // Statistics by step make the engine compute each window on its own.
    [Fact]
    public void Kernels_give_the_same_bits_as_windows_computed_one_by_one() => SeededRandom.Run(random =>
    {
        var engine = new QueryEngine(new QueryEngineOptions());
        for (var round = 0; round < 12; round++)
        {
            var storage = Storage(random);
            foreach (var query in Queries)
            {
                var text = string.Format(CultureInfo.InvariantCulture, query, random.Next(4) switch { 0 => "5s", 1 => "47s", 2 => "3m", _ => "1h" });
                var (start, step) = (random.Next(-100, 600) * 1000L, random.Next(1, 90_000));
                var end = start + (step * random.Next(1, 200));
                var kernels = engine.Range(storage, text, start, end, step, QueryOptions.Default, default);
                var single = engine.Range(storage, text, start, end, step, new QueryOptions { PerStepStats = true }, default);

                Assert.Equal(single.Stats.TotalQueryableSamples, kernels.Stats.TotalQueryableSamples);
                Assert.Equal(single.Stats.PeakSamples, kernels.Stats.PeakSamples);
                Assert.Equal(single.Warnings, kernels.Warnings);

                // Zeros of either sign are equal in the order of values: which of them stands where is left open.
                var isOrdered = text.StartsWith("quantile", StringComparison.Ordinal);
                Assert.Equal(Text(single, isOrdered), Text(kernels, isOrdered));
            }
        }
    });

    [Fact]
    public void Drops_are_found_where_the_scalar_twin_finds_them() => SeededRandom.Run(random =>
    {
        for (var round = 0; round < 2000; round++)
        {
            var values = Values(random, random.Next(0, 40), random.Next(0, 12));
            var from = random.Next(1, values.Length + 2);

            Assert.Equal(Math.Max(from, CounterKernels.NextDropScalar(values, from)), Math.Max(from, CounterKernels.NextDrop(values, from)));
        }
    });

    [Fact]
    public void Sorted_window_holds_what_sorting_each_window_gives() => SeededRandom.Run(random =>
    {
        for (var round = 0; round < 200; round++)
        {
            var values = Values(random, 300, 4);
            var window = new SortedWindow();
            for (int low = 0, high = 0; high < values.Length;)
            {
                high = Math.Min(values.Length, high + random.Next(1, random.Next(2) == 0 ? 4 : 60));
                low = Math.Clamp(high - random.Next(1, 50), low, high - 1);
                var wanted = values[low..high];
                Array.Sort(wanted);

                Assert.Equal(wanted, window.Slide(values, low, high).ToArray());
            }

            window.Dispose();
        }
    });

    private static MemoryStorage Storage(Random random)
    {
        var storage = new MemoryStorage();
        for (var series = 0; series < 40; series++)
        {
            var labels = LabelSet.Of(("__name__", "x"), ("n", series.ToString(CultureInfo.InvariantCulture)));
            var values = Values(random, random.Next(0, 150), series % 12);
            var time = (long)random.Next(-50_000, 50_000);
            foreach (var value in values)
            {
                time += random.Next(10) == 0 ? random.Next(1, 200_000) : random.Next(3) == 0 ? random.Next(9_000, 11_000) : 10_000;
                storage.Add(labels, time, value);
            }
        }

        return storage;
    }

    private static double[] Values(Random random, int count, int kind)
    {
        var values = new double[count];
        var counter = random.Next(1000) / 8.0;
        for (var i = 0; i < count; i++)
        {
            counter = random.Next(25) == 0 ? 0 : counter + random.Next(5);
            values[i] = kind switch
            {
                < 6 => counter,
                6 => random.Next(3) == 0 ? double.NaN : counter,
                7 => random.Next(2) == 0 ? -0.0 : 0.0,
                8 => random.Next(3) switch { 0 => double.PositiveInfinity, 1 => double.NegativeInfinity, _ => counter },
                9 => double.NaN,
                _ => (random.NextDouble() - 0.5) * 1e10,
            };
        }

        return values;
    }

    private static List<string> Text(QueryResult result, bool zeroIsZero) => [.. ((MatrixValue)result.Value).Series.Select(
        s => s.Labels + " " + string.Join(' ', s.FloatTimestampsMs.Zip(s.Floats, (time, value) => $"{time}={Bits(value, zeroIsZero)}")))];

    // NaN is NaN whatever its payload.
    private static string Bits(double value, bool zeroIsZero) =>
        double.IsNaN(value) ? "NaN" : BitConverter.DoubleToInt64Bits(zeroIsZero && value == 0 ? 0 : value).ToString("x", CultureInfo.InvariantCulture);
}
