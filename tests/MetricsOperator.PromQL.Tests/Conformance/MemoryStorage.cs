using System.Globalization;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using IQueryable = MetricsOperator.Timeseries.Contracts.IQueryable;

namespace MetricsOperator.PromQL.Tests.Conformance;

/// <summary>Series in memory. Selects in order of appearance, hands samples out in small batches so that batch borders are exercised.</summary>
internal sealed class MemoryStorage : IQueryable
{
    private readonly Dictionary<LabelSet, SortedList<long, (double Value, FloatHistogram? Histogram)>> _series = [];

    public int Selects { get; private set; }

    public void Add(LabelSet labels, long timestampMs, double value, FloatHistogram? histogram = null)
    {
        if (!_series.TryGetValue(labels, out var samples))
        {
            _series.Add(labels, samples = []);
        }

        samples[timestampMs] = (value, histogram);
    }

    public ISeriesQuerier OpenQuerier(long minMs, long maxMs) => new Querier(this, minMs, maxMs);

    private sealed class Querier(MemoryStorage storage, long minMs, long maxMs) : ISeriesQuerier
    {
        public ISeriesSet Select(bool sorted, SelectHints hints, IReadOnlyList<LabelMatcher> matchers, CancellationToken cancellation)
        {
            storage.Selects++;
            var series = storage._series.Where(s => matchers.All(m => m.Matches(s.Key)));
            return new Series(series.GetEnumerator(), Math.Max(minMs, hints.StartMs), Math.Min(maxMs, hints.EndMs));
        }

        public IReadOnlyList<string> LabelValues(string name, IReadOnlyList<LabelMatcher> matchers, int limit, CancellationToken cancellation) => [];

        public IReadOnlyList<string> LabelNames(IReadOnlyList<LabelMatcher> matchers, int limit, CancellationToken cancellation) => [];

        public void Dispose()
        {
        }
    }

    private sealed class Series(
        IEnumerator<KeyValuePair<LabelSet, SortedList<long, (double Value, FloatHistogram? Histogram)>>> series, long minMs, long maxMs) : ISeriesSet
    {
        public LabelSet Labels => series.Current.Key;

        public IReadOnlyList<string> Warnings => [];

        public bool MoveNext() => series.MoveNext();

        public SampleReader OpenReader() => new Reader(series.Current.Value, minMs, maxMs);
    }

    private sealed class Reader : SampleReader
    {
        private const int Batch = 7;

        private readonly SortedList<long, (double Value, FloatHistogram? Histogram)> _samples;
        private readonly int _end;
        private int _next;

        public Reader(SortedList<long, (double Value, FloatHistogram? Histogram)> samples, long minMs, long maxMs)
        {
            _samples = samples;
            _next = FirstAtLeast(minMs);
            _end = maxMs == long.MaxValue ? samples.Count : FirstAtLeast(maxMs + 1);
        }

        public override SampleKind NextKind() => _next >= _end
            ? SampleKind.None
            : _samples.Values[_next].Histogram is null ? SampleKind.Float : SampleKind.Histogram;

        public override int ReadFloats(Span<long> timestampsMs, Span<double> values)
        {
            var count = 0;
            for (; count < Batch && count < values.Length && NextKind() == SampleKind.Float; count++, _next++)
            {
                timestampsMs[count] = _samples.Keys[_next];
                values[count] = _samples.Values[_next].Value;
            }

            return count;
        }

        public override int ReadHistograms(Span<long> timestampsMs, Span<FloatHistogram?> values)
        {
            var count = 0;
            for (; count < Batch && count < values.Length && NextKind() == SampleKind.Histogram; count++, _next++)
            {
                timestampsMs[count] = _samples.Keys[_next];
                values[count] = _samples.Values[_next].Histogram!.Copy();
            }

            return count;
        }

        public override void SkipTo(long timestampMs) => _next = Math.Max(_next, FirstAtLeast(timestampMs));

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{_next}/{_end}");

        private int FirstAtLeast(long timestampMs)
        {
            var (low, high) = (0, _samples.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (_samples.Keys[middle] < timestampMs)
                {
                    low = middle + 1;
                }
                else
                {
                    high = middle;
                }
            }

            return low;
        }
    }
}
