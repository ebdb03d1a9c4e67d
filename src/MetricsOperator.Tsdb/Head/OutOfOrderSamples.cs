using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Tsdb.Compaction;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Late samples, by series and sorted by time, until they are written to blocks of their own. Two generations: while the older one is being
/// written, new samples go to the younger one. Not thread-safe: the head's lock guards it.
/// </summary>
internal sealed class OutOfOrderSamples
{
    /// <summary>A time and a value, in lists that are three quarters full.</summary>
    private const long BytesPerSample = 22;

    /// <summary>Two lists, their owner and an entry of the dictionary.</summary>
    private const long BytesPerSeries = 200;

    private long _youngCount;
    private long _oldCount;
    private long _youngHistogramBytes;
    private long _oldHistogramBytes;
    private Dictionary<ulong, SampleList> _young = [];
    private Dictionary<ulong, SampleList> _old = [];

    public bool IsEmpty => _young.Count == 0 && _old.Count == 0;

    /// <summary>Samples in both generations.</summary>
    public long Count => _youngCount + _oldCount;

    /// <summary>Estimated bytes of both generations.</summary>
    public long Bytes =>
        (Count * BytesPerSample) + ((_young.Count + _old.Count) * BytesPerSeries) + _youngHistogramBytes + _oldHistogramBytes;

    public bool Has(ulong series) => _young.ContainsKey(series) || _old.ContainsKey(series);

    /// <summary>Adds a float sample, or a histogram if there is one; false when the series has a sample of that time.</summary>
    public bool Add(ulong series, long timestamp, double value, FloatHistogram? histogram = null)
    {
        if (_old.Count > 0 && _old.TryGetValue(series, out var old) && old.Has(timestamp))
        {
            return false;
        }

        if (!_young.TryGetValue(series, out var samples))
        {
            _young[series] = samples = new SampleList();
        }

        if (!samples.Add(timestamp, value, histogram))
        {
            return false;
        }

        _youngCount++;
        _youngHistogramBytes += BytesOf(histogram);
        return true;
    }

    /// <summary>Removes the samples of a series in a closed time range.</summary>
    public void Delete(ulong series, long minTime, long maxTime)
    {
        Delete(_young, series, minTime, maxTime, ref _youngCount, ref _youngHistogramBytes);
        Delete(_old, series, minTime, maxTime, ref _oldCount, ref _oldHistogramBytes);
    }

    /// <summary>Starts of the aligned ranges of this length in which samples of either generation may be.</summary>
    public SortedSet<long> Starts(long rangeMs)
    {
        var starts = new SortedSet<long>();
        foreach (var samples in _young.Values.Concat(_old.Values))
        {
            for (var start = CompactionPlan.Align(samples.MinTime, rangeMs); start <= samples.MaxTime; start += rangeMs)
            {
                starts.Add(start);
            }
        }

        return starts;
    }

    /// <summary>Makes what there is the older generation.</summary>
    public void BeginFlush()
    {
        if (_old.Count == 0)
        {
            (_old, _young) = (_young, []);
            (_oldCount, _youngCount) = (_youngCount, 0);
            (_oldHistogramBytes, _youngHistogramBytes) = (_youngHistogramBytes, 0);
        }
    }

    /// <summary>Series of the older generation with their first and last times.</summary>
    public List<(ulong Series, long MinTime, long MaxTime)> Flushing() => _old.Select(s => (s.Key, s.Value.MinTime, s.Value.MaxTime)).ToList();

    /// <summary>Forgets the older generation, which is in blocks now.</summary>
    public void EndFlush()
    {
        _old = [];
        _oldCount = 0;
        _oldHistogramBytes = 0;
    }

    /// <summary>A copy of a series' samples in a closed time range; null when there are none.</summary>
    public LateSamples? Copy(ulong series, long minTime, long maxTime)
    {
        if (IsEmpty)
        {
            return null;
        }

        var young = _young.TryGetValue(series, out var y) ? y.Copy(minTime, maxTime) : null;
        var old = _old.TryGetValue(series, out var o) ? o.Copy(minTime, maxTime) : null;
        return young is not null && old is not null ? LateSamples.Merge(young, old) : young ?? old;
    }

    private static void Delete(
        Dictionary<ulong, SampleList> generation, ulong series, long minTime, long maxTime, ref long count, ref long histogramBytes)
    {
        if (generation.TryGetValue(series, out var samples))
        {
            count -= samples.Delete(minTime, maxTime, ref histogramBytes);
            if (samples.Count == 0)
            {
                generation.Remove(series);
            }
        }
    }

    // The object with its arrays; spans and bounds are mostly shared or short.
    private static long BytesOf(FloatHistogram? histogram) =>
        histogram is null ? 0 : 200 + (8L * (histogram.PositiveBuckets.Length + histogram.NegativeBuckets.Length + histogram.CustomValues.Length));

    private sealed class SampleList
    {
        private readonly List<long> _times = [];
        private readonly List<double> _values = [];

        /// <summary>Null as long as there are only floats.</summary>
        private List<FloatHistogram?>? _histograms;

        public int Count => _times.Count;

        public long MinTime => _times[0];

        public long MaxTime => _times[^1];

        public bool Has(long timestamp) => _times.BinarySearch(timestamp) >= 0;

        public bool Add(long timestamp, double value, FloatHistogram? histogram)
        {
            var position = _times.BinarySearch(timestamp);
            if (position >= 0)
            {
                return false;
            }

            _times.Insert(~position, timestamp);
            _values.Insert(~position, value);
            if (histogram is not null && _histograms is null)
            {
                _histograms = [.. new FloatHistogram?[_times.Count - 1]];
            }

            _histograms?.Insert(~position, histogram);
            return true;
        }

        /// <returns>How many samples there were in the range.</returns>
        public int Delete(long minTime, long maxTime, ref long histogramBytes)
        {
            var first = LowerBound(minTime);
            var count = (maxTime == long.MaxValue ? Count : LowerBound(maxTime + 1)) - first;
            if (count <= 0)
            {
                return 0;
            }

            for (var i = first; _histograms is not null && i < first + count; i++)
            {
                histogramBytes -= BytesOf(_histograms[i]);
            }

            _times.RemoveRange(first, count);
            _values.RemoveRange(first, count);
            _histograms?.RemoveRange(first, count);
            return count;
        }

        public LateSamples? Copy(long minTime, long maxTime)
        {
            var first = LowerBound(minTime);
            var end = maxTime == long.MaxValue ? Count : LowerBound(maxTime + 1);
            return first >= end ? null : new LateSamples([.. _times[first..end]], [.. _values[first..end]], _histograms?[first..end].ToArray());
        }

        private int LowerBound(long timestamp)
        {
            var position = _times.BinarySearch(timestamp);
            return position >= 0 ? position : ~position;
        }
    }
}

/// <summary>Late samples of one series in time order; <paramref name="Histograms"/> is null when all are floats.</summary>
internal sealed record LateSamples(long[] Times, double[] Values, FloatHistogram?[]? Histograms)
{
    public SampleReader Open() => new ArraySampleReader(Times, Values, Histograms);

    /// <summary>Joins two lists without common times.</summary>
    public static LateSamples Merge(LateSamples left, LateSamples right)
    {
        long[] times = [.. left.Times, .. right.Times];
        double[] values = [.. left.Values, .. right.Values];
        FloatHistogram?[]? histograms = null;
        if (left.Histograms is not null || right.Histograms is not null)
        {
            histograms =
            [
                .. left.Histograms ?? new FloatHistogram?[left.Times.Length],
                .. right.Histograms ?? new FloatHistogram?[right.Times.Length],
            ];
            Array.Sort(times.ToArray(), histograms);
        }

        Array.Sort(times, values);
        return new LateSamples(times, values, histograms);
    }
}
