using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Samples;

namespace MetricsOperator.PromQL.Engine;

/// <summary>
/// Turns the samples of a series into the latest sample at each step: one pass over the samples, filling the steps that lie before
/// the next sample. A step has nothing when the latest sample is a stale marker or older than the lookback.
/// </summary>
internal sealed class InstantReader(long firstMs, long stepMs, int steps, long lookbackMs, bool yieldTimes)
{
    private const int Batch = 512;

    private readonly long[] _times = new long[Batch];
    private readonly double[] _values = new double[Batch];
    private readonly FloatHistogram?[] _histograms = new FloatHistogram?[16];
    private int _step;
    private long _lastTime;
    private double _lastValue;
    private FloatHistogram? _lastHistogram;
    private bool _hasLast;

    /// <summary>True if the series read last had a histogram.</summary>
    public bool SawHistogram { get; private set; }

    /// <summary>Reads one series into an empty column.</summary>
    public void Read(SampleReader reader, Column into, SampleBudget budget)
    {
        _step = 0;
        SawHistogram = false;
        _hasLast = false;
        reader.SkipTo(firstMs - lookbackMs + 1);
        while (_step < steps)
        {
            switch (reader.NextKind())
            {
                case SampleKind.Float:
                    var floats = reader.ReadFloats(_times, _values);
                    for (var i = 0; i < floats; i++)
                    {
                        Advance(_times[i], into);
                        (_lastTime, _lastValue, _lastHistogram, _hasLast) = (_times[i], _values[i], null, !StaleMarker.IsStale(_values[i]));
                    }

                    break;
                case SampleKind.Histogram:
                    SawHistogram = true;
                    var histograms = reader.ReadHistograms(_times.AsSpan(0, _histograms.Length), _histograms);
                    for (var i = 0; i < histograms; i++)
                    {
                        Advance(_times[i], into);
                        var histogram = _histograms[i]!;
                        (_lastTime, _lastHistogram, _hasLast) = (_times[i], histogram, !StaleMarker.IsStale(histogram.Sum));
                    }

                    break;
                default:
                    Advance(long.MaxValue, into);
                    return;
            }

            budget.ThrowIfStopped();
        }
    }

    // Fills the steps before a sample with what was the latest until then.
    private void Advance(long time, Column into)
    {
        if (!_hasLast)
        {
            if (time == long.MaxValue)
            {
                _step = steps;
            }
            else if (_step < steps && At(_step) < time)
            {
                _step = (int)Math.Min(steps, ((time - firstMs - 1) / stepMs) + 1);
            }

            return;
        }

        for (; _step < steps && At(_step) < time; _step++)
        {
            if (At(_step) - lookbackMs >= _lastTime)
            {
                continue;
            }

            if (yieldTimes)
            {
                into.Set(_step, _lastTime / 1000.0);
            }
            else if (_lastHistogram is not null)
            {
                into.Set(_step, _lastHistogram);
            }
            else
            {
                into.Set(_step, _lastValue);
            }
        }
    }

    private long At(int step) => firstMs + (stepMs * step);
}
