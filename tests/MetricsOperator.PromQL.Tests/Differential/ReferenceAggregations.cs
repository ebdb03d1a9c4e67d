using System.Globalization;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>Aggregations at one step.</summary>
internal static class ReferenceAggregations
{
    public static IEnumerable<Element> Evaluate(AggregateExpr aggregate, List<Element> vector, double parameter)
    {
        if (aggregate.Operator == AggregateOperator.CountValues)
        {
            return CountValues(aggregate, vector);
        }

        if (aggregate.Operator is AggregateOperator.TopK or AggregateOperator.BottomK or AggregateOperator.LimitK && !(Math.Abs(parameter) < long.MaxValue))
        {
            throw new ReferenceErrorException($"no number of series: {parameter}");
        }

        return vector.GroupBy(e => GroupLabels(aggregate.Without, aggregate.Grouping, e.Labels)).SelectMany(group => Group(aggregate.Operator, group.Key, [.. group], parameter));
    }

    /// <summary>The φ-quantile: interpolated between the two values whose ranks are around φ; NaN is the smallest.</summary>
    public static double Quantile(double q, List<double> values)
    {
        if (values.Count == 0 || double.IsNaN(q))
        {
            return double.NaN;
        }

        if (q < 0 || q > 1)
        {
            return q < 0 ? double.NegativeInfinity : double.PositiveInfinity;
        }

        List<double> sorted = [.. values.Order()];
        var rank = q * (sorted.Count - 1);
        var below = (int)Math.Floor(rank);
        var above = Math.Min(below + 1, sorted.Count - 1);
        var weight = rank - below;
        return (sorted[below] * (1 - weight)) + (sorted[above] * weight);
    }

    private static IEnumerable<Element> Group(AggregateOperator op, LabelSet labels, List<Element> members, double parameter)
    {
        List<double> floats = [.. members.Where(e => e.IsFloat).Select(e => e.Value)];
        switch (op)
        {
            case AggregateOperator.Sum or AggregateOperator.Avg:
                return SumOrAverage(op, labels, members, floats);
            case AggregateOperator.Count:
                return [new(labels, members.Count)];
            case AggregateOperator.Group:
                return [new(labels, 1)];
            case AggregateOperator.TopK or AggregateOperator.BottomK:
                return Best([.. members.Where(e => e.IsFloat)], op == AggregateOperator.TopK, (long)parameter);
            case AggregateOperator.LimitK:
                return parameter < 1 ? [] : parameter >= members.Count ? members : throw new AmbiguousException("any of the series may be chosen");
            default:
                return floats.Count == 0 ? [] : [new(labels, OfFloats(op, floats, parameter))];
        }
    }

    private static double OfFloats(AggregateOperator op, List<double> floats, double parameter) => op switch
    {
        AggregateOperator.Min => Extreme(floats, smallest: true),
        AggregateOperator.Max => Extreme(floats, smallest: false),
        AggregateOperator.Stddev => Math.Sqrt(Variance(floats)),
        AggregateOperator.Stdvar => Variance(floats),
        AggregateOperator.Quantile => Quantile(parameter, floats),
        _ => throw new InvalidOperationException($"no aggregation: {op}"),
    };

    private static IEnumerable<Element> SumOrAverage(AggregateOperator op, LabelSet labels, List<Element> members, List<double> floats)
    {
        if (floats.Count == members.Count)
        {
            return [new(labels, op == AggregateOperator.Sum ? ExactSum.Of(floats) : ExactSum.Mean(floats))];
        }

        if (floats.Count > 0)
        {
            // Floats and histograms have no common sum.
            return [];
        }

        var sum = members[0].Histogram!;
        foreach (var member in members.Skip(1))
        {
            if (sum.Plus(member.Histogram!) is not { } next)
            {
                return [];
            }

            sum = next;
        }

        return [new(labels, 0, op == AggregateOperator.Sum ? sum : sum.DivideBy(members.Count))];
    }

    /// <summary>The smallest or largest value; NaN only if there is nothing else.</summary>
    public static double Extreme(IEnumerable<double> values, bool smallest)
    {
        List<double> numbers = [.. values.Where(v => !double.IsNaN(v))];
        return numbers.Count == 0 ? double.NaN : smallest ? numbers.Min() : numbers.Max();
    }

    /// <summary>Population variance by Welford's recurrence, which is what fixes the last digits; NaN as soon as something is not finite.</summary>
    public static double Variance(List<double> values)
    {
        if (values.Any(v => !double.IsFinite(v)))
        {
            return double.NaN;
        }

        double mean = 0, squares = 0;
        for (var i = 0; i < values.Count; i++)
        {
            var distance = values[i] - mean;
            mean += distance / (i + 1);
            squares += distance * (values[i] - mean);
        }

        return squares / values.Count;
    }

    private static List<Element> Best(List<Element> members, bool largest, long count)
    {
        if (count < 1)
        {
            return [];
        }

        // NaN is worse than any number.
        List<Element> ordered = [.. members.OrderBy(e => double.IsNaN(e.Value)).ThenBy(e => largest ? -e.Value : e.Value)];
        var (last, next) = count < ordered.Count ? (ordered[(int)count - 1].Value, ordered[(int)count].Value) : (0, 1);
        if (Digits.Equal(last, next) || (double.IsNaN(last) && double.IsNaN(next)))
        {
            throw new AmbiguousException("any of the equal values may be chosen");
        }

        return count < ordered.Count ? ordered[..(int)count] : ordered;
    }

    private static IEnumerable<Element> CountValues(AggregateExpr aggregate, List<Element> vector)
    {
        var label = ((StringLiteral)aggregate.Parameter!).Value;
        if (vector.Any(e => !e.IsFloat))
        {
            throw new AmbiguousException("the text of a histogram is not compared");
        }

        // The value is a label like the others: without() may drop it, by() keeps it.
        string[] grouping = aggregate.Without ? [.. aggregate.Grouping] : [.. aggregate.Grouping, label];
        var valued = vector.Select(e => GroupLabels(aggregate.Without, grouping, new LabelSetBuilder(e.Labels).Set(label, Text(e.Value)).Build()));
        return valued.GroupBy(l => l).Select(g => new Element(g.Key, g.Count()));
    }

    // Without exponent, as many digits as it takes. The last digits of long ones depend on the order of operations.
    private static string Text(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
        }

        var text = value.ToString("R", CultureInfo.InvariantCulture);
        return text.Contains('E', StringComparison.Ordinal) || text.Length > 12 ? throw new AmbiguousException("the text of values with many digits is not compared") : text;
    }

    private static LabelSet GroupLabels(bool without, IReadOnlyList<string> names, LabelSet labels) => LabelSet.Of(
        [.. labels.ToPairs().Where(l => without ? l.Key != "__name__" && !names.Contains(l.Key) : names.Contains(l.Key)).Select(l => (l.Key, l.Value))]);
}
