using MetricsOperator.PromQL.Engine;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Functions;

/// <summary>deriv, predict_linear and double_exponential_smoothing.</summary>
internal static class RegressionFunctions
{
    public static bool Derivative(in Window window, out double value, out FloatHistogram? histogram)
    {
        value = 0;
        histogram = null;
        if (!HasTwoFloats(window))
        {
            return false;
        }

        value = Fit(window, window.Times[0]).Slope;
        return true;
    }

    public static bool PredictLinear(in Window window, out double value, out FloatHistogram? histogram)
    {
        value = 0;
        histogram = null;
        if (!HasTwoFloats(window))
        {
            return false;
        }

        var (slope, intercept) = Fit(window, window.EvaluationMs);
        value = (slope * window.Scalar(1)) + intercept;
        return true;
    }

    public static bool DoubleExponentialSmoothing(in Window window, out double value, out FloatHistogram? histogram)
    {
        value = 0;
        histogram = null;
        var smoothing = window.Scalar(1);
        var trend = window.Scalar(2);
        if (!(smoothing > 0 && smoothing < 1))
        {
            throw new QueryExecutionException($"invalid smoothing factor. Expected: 0 < sf < 1, got: {Fixed(smoothing)}");
        }

        if (!(trend > 0 && trend < 1))
        {
            throw new QueryExecutionException($"invalid trend factor. Expected: 0 < tf < 1, got: {Fixed(trend)}");
        }

        if (!HasTwoFloats(window))
        {
            return false;
        }

        var values = window.Values;
        double before = 0, level = values[0], slope = values[1] - values[0];
        for (var i = 1; i < values.Length; i++)
        {
            if (i > 1)
            {
                slope = (trend * (level - before)) + ((1 - trend) * slope);
            }

            (before, level) = (level, (smoothing * values[i]) + ((1 - smoothing) * (level + slope)));
        }

        value = level;
        return true;
    }

    private static bool HasTwoFloats(in Window window)
    {
        if (window.Values.Length > 0 && window.Histograms.Length > 0)
        {
            window.Call.InformHistogramsIgnored();
        }

        return window.Values.Length > 1;
    }

    // Least squares; the intercept is the value at a time near the samples, because large times lose digits.
    private static (double Slope, double Intercept) Fit(in Window window, long interceptMs)
    {
        double n = window.Values.Length;
        double sumX = 0, cX = 0, sumY = 0, cY = 0, sumXY = 0, cXY = 0, sumX2 = 0, cX2 = 0;
        var first = window.Values[0];
        var constant = true;
        for (var i = 0; i < window.Values.Length; i++)
        {
            var y = window.Values[i];
            var x = (window.Times[i] - interceptMs) / 1e3;
            constant &= i == 0 || y == first;
            KahanSum.Add(x, ref sumX, ref cX);
            KahanSum.Add(y, ref sumY, ref cY);
            KahanSum.Add(x * y, ref sumXY, ref cXY);
            KahanSum.Add(x * x, ref sumX2, ref cX2);
        }

        if (constant)
        {
            return double.IsInfinity(first) ? (double.NaN, double.NaN) : (0, first);
        }

        sumX += cX;
        sumY += cY;
        sumXY += cXY;
        sumX2 += cX2;
        var slope = (sumXY - (sumX * sumY / n)) / (sumX2 - (sumX * sumX / n));
        return (slope, (sumY / n) - (slope * sumX / n));
    }

    private static string Fixed(double value) => value.ToString("F6", System.Globalization.CultureInfo.InvariantCulture);
}
