using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Histograms;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Histograms;

namespace MetricsOperator.PromQL.Functions;

/// <summary>Functions of histograms; quantile and fraction take classic and native ones.</summary>
internal static class HistogramFunctions
{
    /// <summary>A number computed from each native histogram; floats are left out.</summary>
    public static FunctionBody OfNative(Func<FloatHistogram, double> compute) => new FunctionBody.Vector(call => MapNative(call, compute), merge: true);

    public static IEnumerable<Column> Quantile(FunctionCall call)
    {
        var q = call.Scalar(0);
        foreach (var value in q)
        {
            Quantiles.WarnIfInvalid(value, call.Query.Annotations, call.Position(0));
        }

        return HistogramVector.Read(call, 1).Evaluate(
            (histogram, step, name) =>
            {
                var result = NativeQuantiles.Quantile(q[step], histogram, out var effect);
                InformOfNaN(call, effect, name);
                return result;
            },
            (buckets, step, name) =>
            {
                var result = ClassicHistograms.Quantile(q[step], buckets, out var forced);
                if (forced)
                {
                    call.Query.Annotations.Inform(
                        "input to histogram_quantile needed to be fixed for monotonicity (see "
                        + "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name "
                        + StringLiterals.Quote(name),
                        call.Position(1));
                }

                return result;
            });
    }

    public static IEnumerable<Column> Fraction(FunctionCall call)
    {
        var lower = call.Scalar(0);
        var upper = call.Scalar(1);
        return HistogramVector.Read(call, 2).Evaluate(
            (histogram, step, name) =>
            {
                if (double.IsNaN(histogram.Sum))
                {
                    call.Query.Annotations.Inform(
                        "input to histogram_fraction has NaN observations, which are excluded from all fractions for metric name "
                        + StringLiterals.Quote(name),
                        call.Position(0));
                }

                return NativeQuantiles.Fraction(lower[step], upper[step], histogram);
            },
            (buckets, step, _) => ClassicHistograms.Fraction(lower[step], upper[step], buckets));
    }

    private static void InformOfNaN(FunctionCall call, NaNEffect effect, string name)
    {
        if (effect != NaNEffect.None)
        {
            call.Query.Annotations.Inform(
                $"input to histogram_quantile has NaN observations, result is {(effect == NaNEffect.Skewed ? "skewed higher" : "NaN")} for metric name "
                + StringLiterals.Quote(name),
                call.Position(0));
        }
    }

    private static IEnumerable<Column> MapNative(FunctionCall call, Func<FloatHistogram, double> compute)
    {
        foreach (var column in call.Stream(0))
        {
            column.Present = new StepMask(column.Steps);
            for (var i = 0; column.Histograms is not null && i < column.Steps; i++)
            {
                if (column.Histograms[i] is { } histogram)
                {
                    column.Set(i, compute(histogram));
                }
            }

            column.DropHistograms();
            if (column.IsEmpty)
            {
                call.Query.Budget.Release(column);
                continue;
            }

            column.DropName = true;
            yield return column;
        }
    }
}
