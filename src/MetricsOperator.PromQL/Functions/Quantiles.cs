using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Functions;

/// <summary>Quantiles of plain values.</summary>
internal static class Quantiles
{
    /// <summary>The φ-quantile, interpolated between neighbours; sorts the values. NaN sorts first.</summary>
    public static double Of(double q, Span<double> values)
    {
        values.Sort();
        return OfSorted(q, values);
    }

    /// <summary>The φ-quantile of sorted values.</summary>
    public static double OfSorted(double q, ReadOnlySpan<double> values)
    {
        if (values.IsEmpty || double.IsNaN(q))
        {
            return double.NaN;
        }

        if (q < 0 || q > 1)
        {
            return q < 0 ? double.NegativeInfinity : double.PositiveInfinity;
        }

        var rank = q * (values.Length - 1);
        var lower = (int)Math.Max(0, Math.Floor(rank));
        var upper = Math.Min(values.Length - 1, lower + 1);
        var weight = rank - Math.Floor(rank);
        return (values[lower] * (1 - weight)) + (values[upper] * weight);
    }

    public static void WarnIfInvalid(double q, Annotations annotations, PositionRange position)
    {
        if (double.IsNaN(q) || q < 0 || q > 1)
        {
            annotations.Warn($"quantile value should be between 0 and 1, got {GoNumbers.Format(q)}", position);
        }
    }
}
