using MetricsOperator.PromQL.Engine;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Conformance;

/// <summary>A result that is not as the script expects.</summary>
internal sealed class MismatchException(string message) : Exception(message);

/// <summary>Compares results with expectations as Prometheus' own runner does: relative tolerance 1e-6, NaN equals NaN.</summary>
internal static class Comparison
{
    private const double Epsilon = 1e-6;

    public static bool AlmostEqual(double a, double b, double epsilon = Epsilon)
    {
        const double MinNormal = 2.2250738585072014e-308;
        if ((double.IsNaN(a) && double.IsNaN(b)) || a == b)
        {
            return true;
        }

        var (sum, difference) = (Math.Abs(a) + Math.Abs(b), Math.Abs(a - b));
        return a == 0 || b == 0 || sum < MinNormal ? difference < epsilon * MinNormal : difference / Math.Min(sum, double.MaxValue) < epsilon;
    }

    public static void CheckValue(Eval eval, PromValue value)
    {
        switch (value)
        {
            case MatrixValue matrix:
                CheckMatrix(eval, matrix);
                break;
            case VectorValue vector:
                CheckVector(eval, [.. vector.Samples]);
                break;
            case ScalarValue scalar:
                CheckScalar(eval, scalar.Value);
                break;
            case StringValue text:
                Require(text.Value == (eval.Text ?? string.Empty), $"wrong string {text.Value}");
                break;
        }
    }

    /// <summary>The step of a range query that has an instant query's time.</summary>
    public static void CheckStep(Eval eval, MatrixValue matrix, long timeMs, bool isScalar)
    {
        RequireSorted(matrix);
        var points = new List<VectorSample>();
        foreach (var series in matrix.Series)
        {
            var f = Array.IndexOf(series.FloatTimestampsMs, timeMs);
            var h = Array.IndexOf(series.HistogramTimestampsMs, timeMs);
            if (f >= 0 || h >= 0)
            {
                points.Add(new VectorSample(series.Labels, timeMs, f >= 0 ? series.Floats[f] : 0, h >= 0 ? series.Histograms[h] : null));
            }
        }

        if (isScalar)
        {
            Require(points.Count == 1, "want one scalar value");
            CheckScalar(eval, points[0].Value);
        }
        else
        {
            CheckVector(eval, points);
        }
    }

    private static void CheckScalar(Eval eval, double value)
    {
        Require(eval.Scalar is not null, $"got scalar {value}");
        Require(AlmostEqual(eval.Scalar!.Value, value), $"scalar: got {value}, want {eval.Scalar}");
    }

    private static void CheckVector(Eval eval, List<VectorSample> samples)
    {
        Require(eval.Scalar is null && eval.Text is null, "got a vector");
        var seen = new HashSet<LabelSet>();
        for (var i = 0; i < samples.Count; i++)
        {
            var sample = samples[i];
            Require(eval.Series.TryGetValue(sample.Labels, out var expected), $"unexpected series {sample.Labels} {sample.Value} {sample.Histogram}");
            Require(seen.Add(sample.Labels), $"series {sample.Labels} is there twice");
            Require(!eval.Ordered || expected!.Position == i, $"{sample.Labels} at position {i}, want {expected!.Position}");
            CheckPoint(expected!.Values[0], sample.Value, sample.Histogram, sample.Labels);
        }

        RequireAll(eval, seen);
    }

    private static void CheckMatrix(Eval eval, MatrixValue matrix)
    {
        Require(!eval.Ordered && eval.Scalar is null && eval.Text is null, "got a matrix");
        RequireSorted(matrix);
        var seen = new HashSet<LabelSet>();
        foreach (var series in matrix.Series)
        {
            Require(eval.Series.TryGetValue(series.Labels, out var expected), $"unexpected series {series.Labels}: {string.Join(' ', series.Floats)}");
            seen.Add(series.Labels);
            int f = 0, h = 0;
            for (var i = 0; i < expected!.Values.Count; i++)
            {
                var time = eval.StartMs + (i * eval.StepMs);
                var want = expected.Values[i];
                if (want.IsGap)
                {
                    continue;
                }

                if (want.Histogram is not null)
                {
                    Require(h < series.Histograms.Length && series.HistogramTimestampsMs[h] == time, $"{series.Labels}: no histogram at {time}");
                    CheckPoint(want, 0, series.Histograms[h++], series.Labels);
                }
                else
                {
                    Require(f < series.Floats.Length && series.FloatTimestampsMs[f] == time, $"{series.Labels}: no float at {time}");
                    CheckPoint(want, series.Floats[f++], null, series.Labels);
                }
            }

            Require(f == series.Floats.Length && h == series.Histograms.Length, $"{series.Labels}: more points than wanted");
        }

        RequireAll(eval, seen);
    }

    private static void CheckPoint(Point want, double value, FloatHistogram? histogram, LabelSet labels)
    {
        if (want.Histogram is null)
        {
            Require(histogram is null, $"{labels}: got a histogram, want a float");
            Require(AlmostEqual(want.Number ?? 0, value), $"{labels}: got {value}, want {want.Number}");
            return;
        }

        Require(histogram is not null, $"{labels}: got a float, want a histogram");
        var got = Populated(histogram!);
        var expected = Populated(want.Histogram);
        var same = AlmostEqual(want.Histogram.Count, histogram!.Count) && AlmostEqual(want.Histogram.Sum, histogram.Sum) && got.Count == expected.Count;
        for (var i = 0; same && i < got.Count; i++)
        {
            same = AlmostEqual(got[i].Lower, expected[i].Lower, 1e-9) && AlmostEqual(got[i].Upper, expected[i].Upper, 1e-9)
                && AlmostEqual(got[i].Count, expected[i].Count);
        }

        Require(same, $"{labels}: got {histogram}, want {want.Histogram}");
        Require(
            !want.HintIsExplicit || want.Histogram.ResetHint == histogram.ResetHint, $"{labels}: got hint {histogram.ResetHint}, want {want.Histogram.ResetHint}");
    }

    private static List<HistogramBucket> Populated(FloatHistogram histogram)
    {
        var list = new List<HistogramBucket>();
        foreach (var bucket in histogram.AllBucketsUp)
        {
            if (bucket.Count != 0)
            {
                list.Add(bucket);
            }
        }

        return list;
    }

    private static void RequireAll(Eval eval, HashSet<LabelSet> seen)
    {
        foreach (var labels in eval.Series.Keys)
        {
            Require(seen.Contains(labels), $"series {labels} not found");
        }
    }

    private static void RequireSorted(MatrixValue matrix)
    {
        for (var i = 1; i < matrix.Series.Count; i++)
        {
            Require(matrix.Series[i - 1].Labels <= matrix.Series[i].Labels, "matrix is not sorted");
        }
    }

    private static void Require(bool condition, string problem)
    {
        if (!condition)
        {
            throw new MismatchException(problem);
        }
    }
}
