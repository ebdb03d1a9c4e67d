using System.Buffers;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Histograms;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Functions;

/// <summary>The <c>*_over_time</c> functions.</summary>
internal static class OverTimeFunctions
{
    public static bool Sum(in Window window, out double value, out FloatHistogram? histogram)
    {
        value = 0;
        histogram = null;
        if (window.Histograms.Length == 0)
        {
            value = KahanSum.Sum(window.Values);
            return true;
        }

        if (window.Values.Length > 0)
        {
            window.Call.WarnMixed();
            return false;
        }

        histogram = window.Histograms[0]!.Copy();
        foreach (var sample in window.Histograms[1..])
        {
            var mismatch = histogram.Add(sample!);
            if (mismatch != HistogramMismatch.None)
            {
                HistogramRate.WarnMismatch(window.Call, mismatch);
                return false;
            }
        }

        return true;
    }

    public static bool Average(in Window window, out double value, out FloatHistogram? histogram)
    {
        value = 0;
        histogram = null;
        if (window.Histograms.Length == 0)
        {
            var mean = default(RunningMean);
            foreach (var sample in window.Values)
            {
                mean.Add(sample);
            }

            value = mean.Value;
            return true;
        }

        if (window.Values.Length > 0)
        {
            window.Call.WarnMixed();
            return false;
        }

        var histogramMean = new HistogramMean(window.Histograms[0]!);
        foreach (var sample in window.Histograms[1..])
        {
            var mismatch = histogramMean.Add(sample!);
            if (mismatch != HistogramMismatch.None)
            {
                HistogramRate.WarnMismatch(window.Call, mismatch);
                return false;
            }
        }

        histogram = histogramMean.Value;
        return true;
    }

    public static bool Count(in Window window, out double value, out FloatHistogram? histogram)
    {
        histogram = null;
        value = window.Values.Length + window.Histograms.Length;
        return true;
    }

    public static bool Present(in Window window, out double value, out FloatHistogram? histogram)
    {
        histogram = null;
        value = 1;
        return true;
    }

    public static bool Last(in Window window, out double value, out FloatHistogram? histogram)
    {
        var isHistogram = LastIsHistogram(window);
        histogram = isHistogram ? window.Histograms[^1] : null;
        value = isHistogram ? 0 : window.Values[^1];
        return true;
    }

    public static bool TimeOfLast(in Window window, out double value, out FloatHistogram? histogram)
    {
        histogram = null;
        value = (LastIsHistogram(window) ? window.HistogramTimes[^1] : window.Times[^1]) / 1000.0;
        return true;
    }

    public static bool Max(in Window window, out double value, out FloatHistogram? histogram) =>
        Extreme(window, (current, best) => current > best, out value, out _, out histogram);

    public static bool Min(in Window window, out double value, out FloatHistogram? histogram) =>
        Extreme(window, (current, best) => current < best, out value, out _, out histogram);

    public static bool TimeOfMax(in Window window, out double value, out FloatHistogram? histogram) =>
        Extreme(window, (current, best) => current >= best, out _, out value, out histogram);

    public static bool TimeOfMin(in Window window, out double value, out FloatHistogram? histogram) =>
        Extreme(window, (current, best) => current <= best, out _, out value, out histogram);

    public static bool Deviation(in Window window, out double value, out FloatHistogram? histogram)
    {
        var found = Variance(window, out value, out histogram);
        value = Math.Sqrt(value);
        return found;
    }

    public static bool Variance(in Window window, out double value, out FloatHistogram? histogram)
    {
        value = 0;
        histogram = null;
        if (!HasFloats(window))
        {
            return false;
        }

        double count = 0, mean = 0, meanCompensation = 0, sum = 0, sumCompensation = 0;
        foreach (var sample in window.Values)
        {
            count++;
            var delta = sample - (mean + meanCompensation);
            KahanSum.Add(delta / count, ref mean, ref meanCompensation);
            KahanSum.Add(delta * (sample - (mean + meanCompensation)), ref sum, ref sumCompensation);
        }

        value = (sum + sumCompensation) / count;
        return true;
    }

    /// <summary>Median of the absolute deviations from the median.</summary>
    public static bool MedianDeviation(in Window window, out double value, out FloatHistogram? histogram)
    {
        value = 0;
        histogram = null;
        if (!HasFloats(window))
        {
            return false;
        }

        var rented = ArrayPool<double>.Shared.Rent(window.Values.Length);
        var values = rented.AsSpan(0, window.Values.Length);
        window.Values.CopyTo(values);
        var median = Quantiles.Of(0.5, values);
        foreach (ref var sample in values)
        {
            sample = Math.Abs(sample - median);
        }

        value = Quantiles.Of(0.5, values);
        ArrayPool<double>.Shared.Return(rented);
        return true;
    }

    public static bool Quantile(in Window window, out double value, out FloatHistogram? histogram)
    {
        value = 0;
        histogram = null;
        if (window.Values.Length == 0)
        {
            return false;
        }

        var q = window.Scalar(0);
        Quantiles.WarnIfInvalid(q, window.Call.Annotations, window.Call.PositionOf(0));
        HasFloats(window);
        var rented = ArrayPool<double>.Shared.Rent(window.Values.Length);
        var values = rented.AsSpan(0, window.Values.Length);
        window.Values.CopyTo(values);
        value = Quantiles.Of(q, values);
        ArrayPool<double>.Shared.Return(rented);
        return true;
    }

    /// <summary>1 at the steps at which no series has a sample in its window.</summary>
    public static IEnumerable<Column> Absent(FunctionCall call)
    {
        var seen = new StepMask(call.Frame.Steps);
        using (var source = RangeSource.Open(call.Evaluator, call.Argument(0)))
        {
            while (source.MoveNext())
            {
                MarkSteps(source, ref seen);
            }
        }

        return AbsenceFunctions.Missing(call, seen);
    }

    private static void MarkSteps(RangeSource source, ref StepMask seen)
    {
        var floats = source.Samples.FloatTimes;
        var histograms = source.Samples.HistogramTimes;
        for (var step = 0; step < source.Grid.Steps; step++)
        {
            var end = source.Grid.End(step);
            if (HasSample(floats, end - source.Grid.RangeMs, end) || HasSample(histograms, end - source.Grid.RangeMs, end))
            {
                seen.Set(step);
            }
        }
    }

    private static bool HasSample(ReadOnlySpan<long> times, long start, long end)
    {
        var first = times.BinarySearch(start + 1);
        first = first < 0 ? ~first : first;
        return first < times.Length && times[first] <= end;
    }

    private static bool LastIsHistogram(in Window window) =>
        window.Values.Length == 0 || (window.Histograms.Length > 0 && window.HistogramTimes[^1] > window.Times[^1]);

    // Functions of floats only: ranges with histograms alone are left out silently, a mix with a remark.
    private static bool HasFloats(in Window window)
    {
        if (window.Values.Length > 0 && window.Histograms.Length > 0)
        {
            window.Call.InformHistogramsIgnored();
        }

        return window.Values.Length > 0;
    }

    private static bool Extreme(
        in Window window, Func<double, double, bool> better, out double value, out double seconds, out FloatHistogram? histogram)
    {
        histogram = null;
        (value, seconds) = (0, 0);
        if (!HasFloats(window))
        {
            return false;
        }

        var best = 0;
        for (var i = 0; i < window.Values.Length; i++)
        {
            if (better(window.Values[i], window.Values[best]) || double.IsNaN(window.Values[best]))
            {
                best = i;
            }
        }

        value = window.Values[best];
        seconds = window.Times[best] / 1000.0;
        return true;
    }
}
