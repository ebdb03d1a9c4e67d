using System.Globalization;

namespace MetricsOperator.TestKit.PromQL;

/// <summary>
/// Random float series for the metrics that <see cref="RandomQueries"/> asks for: counters with resets, gauges with NaN and infinities, classic
/// histograms; with gaps, stale markers, jitter. Values are multiples of 1/8, so that sums of them are exact in any order.
/// </summary>
public sealed class RandomData(Random random, QueryDialect dialect)
{
    /// <summary>When the first samples are taken, in milliseconds.</summary>
    public const long StartMs = 1_600_000_000_000;

    /// <summary>How long the data is: short enough for a head that takes nothing older than an hour.</summary>
    public const long LengthMs = 45 * 60 * 1000;

    public static readonly string[] Jobs = ["api", "db", "web"];
    public static readonly string[] Instances = ["a:1", "b:2"];
    public static readonly string[] Codes = ["200", "404", "500"];
    public static readonly string[] Bounds = ["0.5", "1", "2.5", "10", "+Inf"];

    private static readonly double StaleMarker = BitConverter.UInt64BitsToDouble(0x7FF0000000000002);

    /// <summary>Makes a set of series; every metric has some.</summary>
    public IReadOnlyList<RandomSeries> Next()
    {
        var series = new List<RandomSeries>();
        foreach (var job in Jobs)
        {
            foreach (var instance in Instances)
            {
                Add(series, Gauge, ("__name__", "temperature"), ("instance", instance), ("job", job));
                Add(series, Switch, ("__name__", "enabled"), ("instance", instance), ("job", job));
                Add(series, Counter, ("__name__", "errors_total"), ("instance", instance), ("job", job));
                Add(series, One, ("__name__", "build_info"), ("instance", instance), ("job", job), ("version", $"v{random.Next(3)}"));
                foreach (var code in Codes.Where(_ => random.Next(3) > 0))
                {
                    Add(series, Counter, ("__name__", "requests_total"), ("code", code), ("instance", instance), ("job", job));
                }
            }

            AddClassicHistogram(series, job);
        }

        return series;
    }

    /// <summary>The times of a series' samples, with gaps.</summary>
    public List<long> Times()
    {
        var times = new List<long>();

        // Later versions leave the left border of a window out, earlier ones do not: no sample may lie on one then.
        var onBorders = dialect.Newer && random.Next(2) == 0;
        var interval = random.Next(1, 5) * 15_000;
        var phase = onBorders ? 0 : 137 + (random.Next(12) * 1000);
        for (var at = StartMs + phase; at < StartMs + LengthMs; at += interval)
        {
            if (random.Next(40) == 0)
            {
                // A gap, shorter or longer than the lookback.
                at += interval * random.Next(1, 20);
            }
            else if (random.Next(8) > 0)
            {
                times.Add(onBorders ? at : at + random.Next(300));
            }
        }

        return times;
    }

    private void Add(List<RandomSeries> series, Func<IEnumerable<double>> values, params (string Name, string Value)[] labels)
    {
        if (random.Next(10) == 0)
        {
            return;
        }

        series.Add(new RandomSeries(labels, WithStaleMarkers(Times().Zip(values()))));
    }

    private List<(long TimestampMs, double Value)> WithStaleMarkers(IEnumerable<(long TimestampMs, double Value)> samples) =>
        [.. samples.Select(s => random.Next(40) == 0 ? (s.TimestampMs, StaleMarker) : s)];

    private void AddClassicHistogram(List<RandomSeries> series, string job)
    {
        var times = Times();
        var counts = Bounds.Select((_, bucket) => dialect.Newer ? 0 : 10_000.0 * (bucket + 1)).ToArray();
        var buckets = Bounds.Select(_ => new List<(long TimestampMs, double Value)>()).ToArray();
        foreach (var time in times)
        {
            for (var observations = random.Next(20); observations > 0; observations--)
            {
                for (var bucket = random.Next(Bounds.Length); bucket < Bounds.Length; bucket++)
                {
                    counts[bucket]++;
                }
            }

            for (var bucket = 0; bucket < Bounds.Length; bucket++)
            {
                buckets[bucket].Add((time, counts[bucket]));
            }
        }

        for (var bucket = 0; bucket < Bounds.Length; bucket++)
        {
            if (random.Next(15) > 0)
            {
                series.Add(new RandomSeries([("__name__", "latency_bucket"), ("job", job), ("le", Bounds[bucket])], buckets[bucket]));
            }
        }
    }

    private IEnumerable<double> Counter()
    {
        // Far above zero, where all versions extrapolate alike, unless only the newest is asked.
        var value = dialect.Newer && random.Next(3) == 0 ? 0 : 1_000_000.0;
        while (true)
        {
            value = random.Next(30) == 0 ? (dialect.Newer ? random.Next(5) : Math.Floor(value / 2)) : value + (random.Next(3) == 0 ? 0 : random.Next(400) / 8.0);
            yield return value;
        }
    }

    private IEnumerable<double> Gauge()
    {
        var strange = random.Next(3) == 0;
        while (true)
        {
            yield return strange && random.Next(12) == 0
                ? random.Next(3) switch { 0 => double.NaN, 1 => double.PositiveInfinity, _ => double.NegativeInfinity }
                : random.Next(6) == 0 ? 0 : random.Next(-4000, 4000) / 8.0;
        }
    }

    private IEnumerable<double> Switch()
    {
        while (true)
        {
            yield return random.Next(2);
        }
    }

    private static IEnumerable<double> One()
    {
        while (true)
        {
            yield return 1;
        }
    }

    /// <summary>A series as text, for failure messages.</summary>
    public static string Describe(RandomSeries series) =>
        "{" + string.Join(",", series.Labels.Select(l => $"{l.Name}=\"{l.Value}\"")) + "} "
        + string.Join(' ', series.Samples.Select(s => string.Create(CultureInfo.InvariantCulture, $"{ValueText(s.Value)}@{(s.TimestampMs - StartMs) / 1000.0}")));

    private static string ValueText(double value) => BitConverter.DoubleToUInt64Bits(value) == BitConverter.DoubleToUInt64Bits(StaleMarker)
        ? "stale"
        : value.ToString("R", CultureInfo.InvariantCulture);
}
