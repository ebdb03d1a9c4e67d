using MetricsOperator.PromQL.Functions;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Histograms;

/// <summary>Differences of native histograms over a window.</summary>
internal static class HistogramRate
{
    /// <summary>Last minus first, counter resets added back; null (with a warning) when the histograms do not fit together.</summary>
    public static FloatHistogram? Difference(in Window window, bool isCounter)
    {
        var samples = window.Histograms;
        var call = window.Call;
        var first = samples[0]!;
        var last = samples[^1]!;
        if (isCounter)
        {
            WarnGauges(window);

            // The layout of a sample before a reset does not matter: it is not looked at.
            if (samples[1]!.DetectReset(first))
            {
                first = new FloatHistogram { Schema = samples[1]!.Schema, CustomValues = samples[1]!.CustomValues };
            }
        }

        var schema = Math.Min(first.Schema, last.Schema);
        if (last.UsesCustomBuckets != first.UsesCustomBuckets)
        {
            return WarnMismatch(call, HistogramMismatch.MixedSchemas);
        }

        foreach (var sample in isCounter ? samples[1..^1] : default)
        {
            schema = Math.Min(schema, sample!.Schema);
            if (sample.UsesCustomBuckets != first.UsesCustomBuckets)
            {
                return WarnMismatch(call, HistogramMismatch.MixedSchemas);
            }
        }

        var result = last.CopyToSchema(schema);
        var mismatch = result.Subtract(first);
        if (mismatch != HistogramMismatch.None)
        {
            return WarnMismatch(call, mismatch);
        }

        if (isCounter)
        {
            var previous = first;
            foreach (var sample in samples[1..])
            {
                if (sample!.DetectReset(previous))
                {
                    mismatch = result.Add(previous);
                    if (mismatch != HistogramMismatch.None)
                    {
                        return WarnMismatch(call, mismatch);
                    }
                }

                previous = sample;
            }
        }
        else if (samples[0]!.ResetHint != CounterResetHint.Gauge || last.ResetHint != CounterResetHint.Gauge)
        {
            WarnNotGauge(call);
        }

        result.ResetHint = CounterResetHint.Gauge;
        return result.Compact();
    }

    /// <summary>The last sample minus the one before, per second for rates; null (with a warning) when they do not fit together.</summary>
    public static FloatHistogram? LastDifference(in Window window, bool isRate, double seconds)
    {
        var (previous, last) = (window.Histograms[^2]!, window.Histograms[^1]!);
        var call = window.Call;
        var gauges = (previous.ResetHint == CounterResetHint.Gauge ? 1 : 0) + (last.ResetHint == CounterResetHint.Gauge ? 1 : 0);
        if (isRate && gauges > 0)
        {
            WarnNotCounter(call);
        }
        else if (!isRate && gauges < 2)
        {
            WarnNotGauge(call);
        }

        var result = last.Copy();
        if (!isRate || !last.DetectReset(previous))
        {
            var mismatch = result.Subtract(previous);
            if (mismatch != HistogramMismatch.None)
            {
                return WarnMismatch(call, mismatch);
            }
        }

        if (isRate)
        {
            result.Divide(seconds);
        }

        result.ResetHint = CounterResetHint.Gauge;
        return result.Compact();
    }

    /// <summary>Warns about histograms that cannot be combined; always null.</summary>
    public static FloatHistogram? WarnMismatch(RangeCall call, HistogramMismatch mismatch)
    {
        call.Annotations.Warn(
            mismatch == HistogramMismatch.MixedSchemas
                ? $"vector contains a mix of histograms with exponential and custom buckets schemas for metric name {call.QuotedName}"
                : $"vector contains histograms with incompatible custom buckets for metric name {call.QuotedName}",
            call.Position);
        return null;
    }

    private static void WarnGauges(in Window window)
    {
        foreach (var sample in window.Histograms)
        {
            if (sample!.ResetHint == CounterResetHint.Gauge)
            {
                WarnNotCounter(window.Call);
                return;
            }
        }
    }

    private static void WarnNotCounter(RangeCall call) =>
        call.Annotations.Warn($"this native histogram metric is not a counter: {call.QuotedName}", call.Position);

    private static void WarnNotGauge(RangeCall call) =>
        call.Annotations.Warn($"this native histogram metric is not a gauge: {call.QuotedName}", call.Position);
}
