using MetricsOperator.PromQL.Histograms;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Functions;

/// <summary>rate, increase, delta and their instant variants, resets and changes.</summary>
internal static class CounterFunctions
{
    public static bool Rate(in Window window, out double value, out FloatHistogram? histogram) =>
        Extrapolate(window, isCounter: true, isRate: true, out value, out histogram);

    public static bool Increase(in Window window, out double value, out FloatHistogram? histogram) =>
        Extrapolate(window, isCounter: true, isRate: false, out value, out histogram);

    public static bool Delta(in Window window, out double value, out FloatHistogram? histogram) =>
        Extrapolate(window, isCounter: false, isRate: false, out value, out histogram);

    public static bool InstantRate(in Window window, out double value, out FloatHistogram? histogram) =>
        LastDifference(window, isRate: true, out value, out histogram);

    public static bool InstantDelta(in Window window, out double value, out FloatHistogram? histogram) =>
        LastDifference(window, isRate: false, out value, out histogram);

    public static bool Resets(in Window window, out double value, out FloatHistogram? histogram)
    {
        histogram = null;
        value = CountPairs(window, (previous, current) => current < previous, (previous, current) => current.DetectReset(previous));
        return true;
    }

    public static bool Changes(in Window window, out double value, out FloatHistogram? histogram)
    {
        histogram = null;
        value = CountPairs(
            window,
            (previous, current) => current != previous && !(double.IsNaN(current) && double.IsNaN(previous)),
            (previous, current) => !current.HasSameContent(previous));
        return true;
    }

    // Counts neighbours in time order for which a test holds; a change between float and histogram always counts.
    private static double CountPairs(in Window window, Func<double, double, bool> floats, Func<FloatHistogram, FloatHistogram, bool> histograms)
    {
        var count = 0;
        int f = 0, h = 0;
        double previousFloat = 0;
        FloatHistogram? previousHistogram = null;
        while (f < window.Values.Length || h < window.Histograms.Length)
        {
            var first = f + h == 0;
            if (h >= window.Histograms.Length || (f < window.Values.Length && window.Times[f] < window.HistogramTimes[h]))
            {
                var value = window.Values[f++];
                if (!first && (previousHistogram is not null || floats(previousFloat, value)))
                {
                    count++;
                }

                (previousFloat, previousHistogram) = (value, null);
            }
            else
            {
                var histogram = window.Histograms[h++]!;
                if (!first && (previousHistogram is null || histograms(previousHistogram, histogram)))
                {
                    count++;
                }

                previousHistogram = histogram;
            }
        }

        return count;
    }

    // The difference over the range, stretched to the range's edges where samples come close enough to them.
    private static bool Extrapolate(in Window window, bool isCounter, bool isRate, out double value, out FloatHistogram? histogram)
    {
        value = 0;
        histogram = null;
        if (window.Values.Length > 0 && window.Histograms.Length > 0)
        {
            window.Call.WarnMixed();
            return false;
        }

        double first;
        double difference;
        ReadOnlySpan<long> times;
        if (window.Histograms.Length > 1)
        {
            histogram = HistogramRate.Difference(window, isCounter);
            if (histogram is null)
            {
                return false;
            }

            times = window.HistogramTimes;
            (first, difference) = (window.Histograms[0]!.Count, histogram.Count);
        }
        else if (window.Values.Length > 1)
        {
            times = window.Times;
            (first, difference) = (window.Values[0], isCounter ? Increase(window.Values) : window.Values[^1] - window.Values[0]);
        }
        else
        {
            return false;
        }

        var factor = Factor(window.StartMs, window.EndMs, times[0], times[^1], times.Length, isCounter, first, difference);
        if (isRate)
        {
            factor /= (window.EndMs - window.StartMs) / 1000.0;
        }

        if (histogram is null)
        {
            value = difference * factor;
        }
        else
        {
            histogram.Multiply(factor);
        }

        return true;
    }

    // A drop is a counter reset: the counter started over from zero.
    private static double Increase(ReadOnlySpan<double> values)
    {
        var result = values[^1] - values[0];
        var previous = values[0];
        foreach (var value in values[1..])
        {
            if (value < previous)
            {
                result += previous;
            }

            previous = value;
        }

        return result;
    }

    /// <summary>By how much the difference between the first and the last sample is stretched to that of the whole range.</summary>
    public static double Factor(
        long startMs, long endMs, long firstMs, long lastMs, int samples, bool isCounter, double first, double difference)
    {
        var toStart = (firstMs - startMs) / 1000.0;
        var toEnd = (endMs - lastMs) / 1000.0;
        var sampled = (lastMs - firstMs) / 1000.0;
        var average = sampled / (samples - 1);

        // Up to 10% more than the usual distance between samples still counts as the edge of the range.
        var threshold = average * 1.1;
        if (toStart >= threshold)
        {
            toStart = average / 2;
        }

        if (isCounter && difference > 0 && first >= 0)
        {
            // A counter is not extrapolated below zero.
            toStart = Math.Min(toStart, sampled * (first / difference));
        }

        if (toEnd >= threshold)
        {
            toEnd = average / 2;
        }

        return (sampled + toStart + toEnd) / sampled;
    }

    private static bool LastDifference(in Window window, bool isRate, out double value, out FloatHistogram? histogram)
    {
        value = 0;
        histogram = null;
        var floats = window.Values.Length;
        var histograms = window.Histograms.Length;
        if (floats + histograms < 2)
        {
            return false;
        }

        // Of the last two samples, how many are histograms?
        var lastIsHistogram = floats == 0 || (histograms > 0 && window.HistogramTimes[^1] >= window.Times[^1]);
        var (f, h) = lastIsHistogram ? (floats, histograms - 1) : (floats - 1, histograms);
        var previousIsHistogram = f == 0 || (h > 0 && window.HistogramTimes[h - 1] >= window.Times[f - 1]);
        if (lastIsHistogram != previousIsHistogram)
        {
            window.Call.WarnMixed();
            return false;
        }

        var intervalMs = lastIsHistogram ? window.HistogramTimes[^1] - window.HistogramTimes[^2] : window.Times[^1] - window.Times[^2];
        if (intervalMs == 0)
        {
            return false;
        }

        if (lastIsHistogram)
        {
            histogram = HistogramRate.LastDifference(window, isRate, intervalMs / 1000.0);
            return histogram is not null;
        }

        var (last, previous) = (window.Values[^1], window.Values[^2]);
        value = isRate && last < previous ? last : last - previous;
        if (isRate)
        {
            value /= intervalMs / 1000.0;
        }

        return true;
    }
}
