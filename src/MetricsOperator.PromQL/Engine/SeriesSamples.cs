using System.Buffers;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.PromQL.Engine;

/// <summary>The decoded samples of one series, floats and histograms apart, stale markers left out. Buffers are reused from series to series.</summary>
internal sealed class SeriesSamples : IDisposable
{
    private long[] _floatTimes = ArrayPool<long>.Shared.Rent(256);
    private double[] _floats = ArrayPool<double>.Shared.Rent(256);
    private long[] _histogramTimes = [];
    private FloatHistogram?[] _histograms = [];
    private int _floatCount;
    private int _histogramCount;

    public ReadOnlySpan<long> FloatTimes => _floatTimes.AsSpan(0, _floatCount);

    public ReadOnlySpan<double> Floats => _floats.AsSpan(0, _floatCount);

    public ReadOnlySpan<long> HistogramTimes => _histogramTimes.AsSpan(0, _histogramCount);

    public ReadOnlySpan<FloatHistogram?> Histograms => _histograms.AsSpan(0, _histogramCount);

    public bool IsEmpty => _floatCount == 0 && _histogramCount == 0;

    /// <summary>Decodes the samples with <paramref name="fromMs"/> &lt; t &lt;= <paramref name="toMs"/>.</summary>
    public void Load(SampleReader reader, long fromMs, long toMs, SampleBudget budget)
    {
        _floatCount = 0;
        _histogramCount = 0;
        reader.SkipTo(fromMs + 1);
        while (true)
        {
            switch (reader.NextKind())
            {
                case SampleKind.Float:
                    if (!LoadFloats(reader, toMs))
                    {
                        return;
                    }

                    break;
                case SampleKind.Histogram:
                    if (!LoadHistograms(reader, toMs))
                    {
                        return;
                    }

                    break;
                default:
                    return;
            }

            budget.ThrowIfStopped();
        }
    }

    /// <summary>Takes over the present steps of a column.</summary>
    public void Load(Column column, Frame frame)
    {
        _floatCount = 0;
        _histogramCount = 0;
        var values = column.Values;
        for (var i = 0; i < frame.Steps; i++)
        {
            if (column.HistogramAt(i) is { } histogram)
            {
                EnsureHistograms(1);
                _histogramTimes[_histogramCount] = frame.At(i);
                _histograms[_histogramCount++] = histogram;
            }
            else if (column.Present[i])
            {
                EnsureFloats(1);
                _floatTimes[_floatCount] = frame.At(i);
                _floats[_floatCount++] = values[i];
            }
        }
    }

    public void Dispose()
    {
        ArrayPool<long>.Shared.Return(_floatTimes);
        ArrayPool<double>.Shared.Return(_floats);
        _floatTimes = [];
        _floats = [];
    }

    private bool LoadFloats(SampleReader reader, long toMs)
    {
        EnsureFloats(128);
        var count = reader.ReadFloats(_floatTimes.AsSpan(_floatCount), _floats.AsSpan(_floatCount));
        var kept = _floatCount;
        for (var i = _floatCount; i < _floatCount + count; i++)
        {
            if (_floatTimes[i] > toMs)
            {
                _floatCount = kept;
                return false;
            }

            if (!StaleMarker.IsStale(_floats[i]))
            {
                _floatTimes[kept] = _floatTimes[i];
                _floats[kept++] = _floats[i];
            }
        }

        _floatCount = kept;
        return true;
    }

    private bool LoadHistograms(SampleReader reader, long toMs)
    {
        EnsureHistograms(16);
        var count = reader.ReadHistograms(_histogramTimes.AsSpan(_histogramCount), _histograms.AsSpan(_histogramCount));
        var kept = _histogramCount;
        for (var i = _histogramCount; i < _histogramCount + count; i++)
        {
            if (_histogramTimes[i] > toMs)
            {
                _histogramCount = kept;
                return false;
            }

            if (!StaleMarker.IsStale(_histograms[i]!.Sum))
            {
                _histogramTimes[kept] = _histogramTimes[i];
                _histograms[kept++] = _histograms[i];
            }
        }

        _histogramCount = kept;
        return true;
    }

    private void EnsureFloats(int more)
    {
        if (_floats.Length - _floatCount >= more && _floatTimes.Length - _floatCount >= more)
        {
            return;
        }

        var size = Math.Max(_floats.Length * 2, _floatCount + more);
        _floatTimes = Grow(_floatTimes, _floatCount, size);
        _floats = Grow(_floats, _floatCount, size);
    }

    private void EnsureHistograms(int more)
    {
        if (_histograms.Length - _histogramCount < more)
        {
            var size = Math.Max(_histograms.Length * 2, _histogramCount + more);
            Array.Resize(ref _histogramTimes, size);
            Array.Resize(ref _histograms, size);
        }
    }

    private static T[] Grow<T>(T[] old, int used, int size)
    {
        var larger = ArrayPool<T>.Shared.Rent(size);
        old.AsSpan(0, used).CopyTo(larger);
        ArrayPool<T>.Shared.Return(old);
        return larger;
    }
}
