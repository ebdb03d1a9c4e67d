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

    // The newest sample before the batch that is at hand; what was before the first one is as if it were stale.
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
        _hasLast = false;
        _lastHistogram = null;
        SawHistogram = false;
        while (_step < steps)
        {
            // Samples that are older than the lookback of the next open step are for none.
            reader.SkipTo(At(_step) - lookbackMs + 1);
            switch (reader.NextKind())
            {
                case SampleKind.Float:
                    FillFromFloats(reader.ReadFloats(_times, _values), into);
                    break;
                case SampleKind.Histogram:
                    FillFromHistograms(reader.ReadHistograms(_times.AsSpan(0, _histograms.Length), _histograms), into);
                    break;
                default:
                    FillBefore(long.MaxValue, into);
                    return;
            }

            budget.ThrowIfStopped();
        }
    }

    private void FillFromFloats(int count, Column into)
    {
        FillBefore(_times[0], into);
        var times = _times.AsSpan(0, count);
        var values = into.Values;
        var (step, next, stride) = (_step, 1, 1);
        for (; step < steps; step++)
        {
            // Samples as a rule come at an even pace: as many of them belong to this step as to the one before.
            var time = At(step);
            if (next + stride < count && times[next + stride - 1] <= time && times[next + stride] > time)
            {
                next += stride;
            }
            else
            {
                var from = next;
                while (next < count && times[next] <= time)
                {
                    next++;
                }

                if (next == count)
                {
                    break;
                }

                stride = Math.Max(1, next - from);
            }

            if (time - lookbackMs < times[next - 1] && !StaleMarker.IsStale(_values[next - 1]))
            {
                values[step] = yieldTimes ? times[next - 1] / 1000.0 : _values[next - 1];
                into.Present.Set(step);
            }
        }

        _step = step;
        (_lastTime, _lastValue, _lastHistogram, _hasLast) = (times[^1], _values[count - 1], null, !StaleMarker.IsStale(_values[count - 1]));
    }

    private void FillFromHistograms(int count, Column into)
    {
        SawHistogram = true;
        for (var i = 0; i < count; i++)
        {
            FillBefore(_times[i], into);
            var histogram = _histograms[i]!;
            (_lastTime, _lastHistogram, _hasLast) = (_times[i], histogram, !StaleMarker.IsStale(histogram.Sum));
        }
    }

    // Fills the steps before a time with the newest sample until then.
    private void FillBefore(long time, Column into)
    {
        for (; _step < steps && At(_step) < time; _step++)
        {
            if (!_hasLast || At(_step) - lookbackMs >= _lastTime)
            {
                // Nothing comes before the time: the steps until then are empty.
                _step = time == long.MaxValue ? steps : (int)Math.Min(steps, ((time - firstMs - 1) / stepMs) + 1);
                return;
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
