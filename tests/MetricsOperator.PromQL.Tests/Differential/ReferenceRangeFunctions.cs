namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>Functions of one window.</summary>
internal static class ReferenceRangeFunctions
{
    /// <summary>The result of a function, without labels; null when the window has none.</summary>
    /// <param name="name">The function.</param>
    /// <param name="window">The window, with at least one sample.</param>
    /// <param name="scalars">The scalar arguments at this step, in order.</param>
    /// <param name="timeMs">The time of the step.</param>
    public static (double Value, ReferenceHistogram? Histogram)? Evaluate(string name, Window window, double[] scalars, long timeMs)
    {
        var floats = window.Floats;
        List<double> values = [.. floats.Select(s => s.Value)];
        switch (name)
        {
            case "rate" or "increase" or "delta":
                return Extrapolate(window, isCounter: name != "delta", isRate: name == "rate");
            case "irate" or "idelta":
                return LastTwo(window, isRate: name == "irate");
            case "resets":
                return (Neighbours(window).Count(p => IsReset(p.Before, p.After)), null);
            case "changes":
                return (Neighbours(window).Count(p => IsChange(p.Before, p.After)), null);
            case "count_over_time":
                return (window.Samples.Count, null);
            case "present_over_time":
                return (1, null);
            case "last_over_time":
                return (window.Samples[^1].Value, window.Samples[^1].Histogram);
            case "ts_of_last_over_time":
                return (window.Samples[^1].TimestampMs / 1000.0, null);
            case "sum_over_time" or "avg_over_time":
                return SumOrAverage(window, values, isAverage: name == "avg_over_time");
            case "double_exponential_smoothing":
                return values.Count < 2 ? null : (Smooth(values, scalars[0], scalars[1]), null);
            case "deriv":
                return values.Count < 2 ? null : (Fit(floats, floats[0].TimestampMs).Slope, null);
            case "predict_linear":
                return values.Count < 2 ? null : (Fit(floats, timeMs) is var line ? (line.Slope * scalars[0]) + line.Intercept : 0, null);
        }

        return values.Count == 0 ? null : (OfFloats(name, floats, values, scalars), null);
    }

    private static double OfFloats(string name, List<(long TimestampMs, double Value)> floats, List<double> values, double[] scalars) => name switch
    {
        "min_over_time" => ReferenceAggregations.Extreme(values, smallest: true),
        "max_over_time" => ReferenceAggregations.Extreme(values, smallest: false),
        "ts_of_min_over_time" => TimeOf(floats, ReferenceAggregations.Extreme(values, smallest: true)),
        "ts_of_max_over_time" => TimeOf(floats, ReferenceAggregations.Extreme(values, smallest: false)),
        "stddev_over_time" => Math.Sqrt(ReferenceAggregations.Variance(values)),
        "stdvar_over_time" => ReferenceAggregations.Variance(values),
        "quantile_over_time" => ReferenceAggregations.Quantile(scalars[0], values),
        "mad_over_time" => MedianDeviation(values),
        _ => throw new InvalidOperationException($"no range function: {name}"),
    };

    private static IEnumerable<((double Value, ReferenceHistogram? Histogram) Before, (double Value, ReferenceHistogram? Histogram) After)> Neighbours(Window window) =>
        window.Samples.Zip(window.Samples.Skip(1), (a, b) => ((a.Value, a.Histogram), (b.Value, b.Histogram)));

    private static bool IsReset((double Value, ReferenceHistogram? Histogram) before, (double Value, ReferenceHistogram? Histogram) after) =>
        (before.Histogram, after.Histogram) switch
        {
            (null, null) => Digits.Less(after.Value, before.Value),
            ({ } b, { } a) => a.IsResetSince(b),
            _ => true,
        };

    private static bool IsChange((double Value, ReferenceHistogram? Histogram) before, (double Value, ReferenceHistogram? Histogram) after) =>
        (before.Histogram, after.Histogram) switch
        {
            (null, null) => !Digits.Equal(before.Value, after.Value) && !(double.IsNaN(before.Value) && double.IsNaN(after.Value)),
            ({ } b, { } a) => !b.SameAs(a, (x, y) => x.Equals(y)),
            _ => true,
        };

    // From the first to the last sample, stretched to the borders of the window if they are near (1.1 times the usual distance of samples), else by
    // half that distance; a counter is not stretched to where it would be negative.
    private static (double Value, ReferenceHistogram? Histogram)? Extrapolate(Window window, bool isCounter, bool isRate)
    {
        var samples = window.Samples;
        if (samples.Count < 2 || (window.Floats.Count > 0 && window.Histograms.Count > 0))
        {
            return null;
        }

        double first, difference;
        ReferenceHistogram? histogram = null;
        if (window.Histograms.Count > 0)
        {
            histogram = Difference([.. window.Histograms.Select(h => h.Histogram)], isCounter);
            if (histogram is null)
            {
                return null;
            }

            (first, difference) = (window.Histograms[0].Histogram.Count, histogram.Count);
        }
        else
        {
            var values = window.Floats.ConvertAll(s => s.Value);
            (first, difference) = (values[0], values[^1] - values[0]);
            for (var i = 1; isCounter && i < values.Count; i++)
            {
                // After a reset the counter counts from zero again.
                difference += Digits.Less(values[i], values[i - 1]) ? values[i - 1] : 0;
            }
        }

        var sampled = (samples[^1].TimestampMs - samples[0].TimestampMs) / 1000.0;
        var usual = sampled / (samples.Count - 1);
        var before = (samples[0].TimestampMs - window.StartMs) / 1000.0;
        var after = (window.EndMs - samples[^1].TimestampMs) / 1000.0;
        before = before >= usual * 1.1 ? usual / 2 : before;
        after = after >= usual * 1.1 ? usual / 2 : after;
        if (isCounter && difference > 0 && first >= 0)
        {
            before = Math.Min(before, sampled * (first / difference));
        }

        var factor = (sampled + before + after) / sampled;
        factor = isRate ? factor / ((window.EndMs - window.StartMs) / 1000.0) : factor;
        return (difference * factor, histogram?.Scale(factor));
    }

    private static ReferenceHistogram? Difference(List<ReferenceHistogram> samples, bool isCounter)
    {
        if (!isCounter)
        {
            return samples[^1].Plus(samples[0], -1);
        }

        // What was before a reset at once after the first sample does not matter.
        if (samples[1].IsResetSince(samples[0]))
        {
            samples[0] = ReferenceHistogram.EmptyLike(samples[1]);
        }

        if (samples.Any(s => s.IsCustom != samples[^1].IsCustom))
        {
            return null;
        }

        var schema = samples.Min(s => s.Schema);
        var result = samples[^1].AtSchema(schema).Plus(samples[0], -1);
        for (var i = 1; result is not null && i < samples.Count; i++)
        {
            result = samples[i].IsResetSince(samples[i - 1]) ? result.Plus(samples[i - 1]) : result;
        }

        return result;
    }

    private static (double Value, ReferenceHistogram? Histogram)? LastTwo(Window window, bool isRate)
    {
        if (window.Samples.Count < 2)
        {
            return null;
        }

        var (before, last) = (window.Samples[^2], window.Samples[^1]);
        var seconds = (last.TimestampMs - before.TimestampMs) / 1000.0;
        if (before.Histogram is null && last.Histogram is null)
        {
            return isRate ? ((Digits.Less(last.Value, before.Value) ? last.Value : last.Value - before.Value) / seconds, null) : (last.Value - before.Value, null);
        }

        if (before.Histogram is null || last.Histogram is null)
        {
            return null;
        }

        var difference = isRate && last.Histogram.IsResetSince(before.Histogram) ? last.Histogram : last.Histogram.Plus(before.Histogram, -1);
        return difference is null ? null : (0, isRate ? difference.DivideBy(seconds) : difference);
    }

    private static (double Value, ReferenceHistogram? Histogram)? SumOrAverage(Window window, List<double> values, bool isAverage)
    {
        if (window.Histograms.Count == 0)
        {
            return (isAverage ? ExactSum.Mean(values) : ExactSum.Of(values), null);
        }

        if (values.Count > 0)
        {
            return null;
        }

        ReferenceHistogram? sum = window.Histograms[0].Histogram;
        foreach (var (_, histogram) in window.Histograms.Skip(1))
        {
            sum = sum?.Plus(histogram);
        }

        return sum is null ? null : (0, isAverage ? sum.DivideBy(window.Histograms.Count) : sum);
    }

    private static double TimeOf(List<(long TimestampMs, double Value)> samples, double value) =>
        samples.Last(s => s.Value == value || double.IsNaN(value)).TimestampMs / 1000.0;

    private static double MedianDeviation(List<double> values)
    {
        var median = ReferenceAggregations.Quantile(0.5, values);
        return ReferenceAggregations.Quantile(0.5, values.ConvertAll(v => Math.Abs(v - median)));
    }

    private static double Smooth(List<double> values, double smoothing, double trendFactor)
    {
        var level = values[0];
        var trend = values[1] - values[0];
        var previous = 0.0;
        for (var i = 1; i < values.Count; i++)
        {
            trend = i == 1 ? trend : (trendFactor * (level - previous)) + ((1 - trendFactor) * trend);
            previous = level;
            level = (smoothing * values[i]) + ((1 - smoothing) * (level + trend));
        }

        return level;
    }

    // Least squares, with times in seconds from where the intercept is wanted. All sums are exact but for their terms.
    private static (double Slope, double Intercept) Fit(List<(long TimestampMs, double Value)> samples, long originMs)
    {
        if (samples.TrueForAll(s => s.Value == samples[0].Value))
        {
            return double.IsInfinity(samples[0].Value) ? (double.NaN, double.NaN) : (0, samples[0].Value);
        }

        double n = samples.Count;
        var x = samples.ConvertAll(s => (s.TimestampMs - originMs) / 1000.0);
        var y = samples.ConvertAll(s => s.Value);
        var (sumX, sumY) = (ExactSum.Of(x), ExactSum.Of(y));
        var sumXY = ExactSum.Of([.. x.Zip(y, (a, b) => a * b)]);
        var sumXX = ExactSum.Of([.. x.Select(a => a * a)]);
        var slope = (sumXY - (sumX * sumY / n)) / (sumXX - (sumX * sumX / n));
        return (slope, (sumY / n) - (slope * sumX / n));
    }
}
