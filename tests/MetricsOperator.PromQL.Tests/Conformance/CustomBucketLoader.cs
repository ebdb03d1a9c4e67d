using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Conformance;

/// <summary><c>load_with_nhcb</c>: builds native histograms with custom buckets from classic ones.</summary>
internal static class CustomBucketLoader
{
    public static IEnumerable<(LabelSet Labels, long TimestampMs, FloatHistogram Histogram)> Convert(Load load)
    {
        var converted = new Dictionary<LabelSet, SortedDictionary<long, Classic>>();
        foreach (var (labels, values) in load.Series)
        {
            var name = labels.MetricName;
            var suffix = new[] { "_bucket", "_count", "_sum" }.FirstOrDefault(s => name.EndsWith(s, StringComparison.Ordinal));
            if (suffix is null || (suffix == "_bucket" && GoNumbers.TryParseFloat(labels.Get("le")) is null))
            {
                continue;
            }

            var target = new LabelSetBuilder(labels).Remove("le").Set(LabelNames.MetricName, name[..^suffix.Length]).Build();
            if (!converted.TryGetValue(target, out var byTime))
            {
                converted.Add(target, byTime = []);
            }

            for (var i = 0; i < values.Count; i++)
            {
                if (values[i].Number is { } number)
                {
                    var time = i * load.StepMs;
                    if (!byTime.TryGetValue(time, out var classic))
                    {
                        byTime.Add(time, classic = new Classic());
                    }

                    classic.Set(suffix, labels, number);
                }
            }
        }

        foreach (var (labels, byTime) in converted)
        {
            foreach (var (time, classic) in byTime)
            {
                yield return (labels, time, classic.ToNative());
            }
        }
    }

    private sealed class Classic
    {
        private readonly SortedDictionary<double, double> _buckets = [];
        private double? _count;
        private double _sum;

        public void Set(string suffix, LabelSet labels, double value)
        {
            switch (suffix)
            {
                case "_bucket": _buckets.TryAdd(GoNumbers.TryParseFloat(labels.Get("le"))!.Value, value); break;
                case "_count": _count = value; break;
                default: _sum = value; break;
            }
        }

        public FloatHistogram ToNative()
        {
            var total = _count ?? (_buckets.Count > 0 ? _buckets.Values.Last() : 0);
            _buckets.TryAdd(double.PositiveInfinity, total);
            var counts = new List<double>();
            double previous = 0;
            foreach (var count in _buckets.Values)
            {
                counts.Add(count - previous);
                previous = count;
            }

            return new FloatHistogram
            {
                Schema = FloatHistogram.CustomBucketsSchema,
                Count = total,
                Sum = _sum,
                PositiveBuckets = [.. counts],
                PositiveSpans = [new BucketSpan(0, (uint)counts.Count)],
                CustomValues = [.. _buckets.Keys.Where(double.IsFinite)],
            }.Compact();
        }
    }
}
