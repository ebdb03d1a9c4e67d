using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>
/// Evaluates PromQL straight from its definition, step by step, with plain lists and no regard for speed. It shares the parser with the engine
/// and nothing else.
/// </summary>
/// <param name="data">All series.</param>
/// <param name="startMs">Start of the query, for <c>@ start()</c>.</param>
/// <param name="endMs">End of the query, for <c>@ end()</c>.</param>
internal sealed class ReferenceEvaluator(IReadOnlyList<StoredSeries> data, long startMs, long endMs)
{
    private const long LookbackMs = 5 * 60 * 1000;
    private const long DefaultSubqueryStepMs = 60 * 1000;

    /// <summary>The vector at each of the times, which are in order and evenly spaced.</summary>
    public List<Element>[] Vectors(Expr expression, long[] times)
    {
        if (expression.Type == PromType.Scalar)
        {
            return [.. Scalars(expression, times).Select(v => new List<Element> { new(LabelSet.Empty, v) })];
        }

        return expression switch
        {
            ParenExpr paren => Vectors(paren.Inner, times),
            VectorSelector selector => [.. times.Select(t => Select(selector, t).Select(s => s.Element).ToList())],
            UnaryExpr unary => unary.Negate ? Negate(Vectors(unary.Operand, times)) : Vectors(unary.Operand, times),
            BinaryExpr binary => Binary(binary, times),
            AggregateExpr aggregate => Aggregate(aggregate, times),
            CallExpr call => new ReferenceFunctions(this, call, times).Evaluate(),
            _ => throw new InvalidOperationException($"no vector: {expression}"),
        };
    }

    /// <summary>The scalar at each of the times.</summary>
    public double[] Scalars(Expr expression, long[] times) => expression switch
    {
        NumberLiteral number => [.. times.Select(_ => number.Value)],
        ParenExpr paren => Scalars(paren.Inner, times),
        UnaryExpr unary => [.. Scalars(unary.Operand, times).Select(v => unary.Negate ? -v : v)],
        BinaryExpr binary => [.. Scalars(binary.Left, times).Zip(Scalars(binary.Right, times), (l, r) => ReferenceOperators.OfScalars(binary.Operator, l, r))],
        CallExpr { Function.Name: "time" } => [.. times.Select(t => t / 1000.0)],
        CallExpr { Function.Name: "pi" } => [.. times.Select(_ => Math.PI)],
        CallExpr { Function.Name: "scalar" } call => [.. Vectors(call.Arguments[0], times)
            .Select(v => v.Where(e => e.IsFloat).ToList() is [var only] ? only.Value : double.NaN)],
        _ => throw new InvalidOperationException($"no scalar: {expression}"),
    };

    /// <summary>The latest sample of each series in the lookback, unless it is a stale marker.</summary>
    public IEnumerable<(Element Element, long TimestampMs)> Select(VectorSelector selector, long timeMs)
    {
        var at = (FixedTime(selector.Time) ?? timeMs) - selector.Time.OffsetMs;
        foreach (var series in Matching(selector))
        {
            var latest = series.Samples.LastOrDefault(s => s.TimestampMs <= at, new StoredSample(long.MinValue, 0, null));
            if (latest.TimestampMs > at - LookbackMs && !latest.IsStale)
            {
                yield return (Read(series.Labels, latest), latest.TimestampMs);
            }
        }
    }

    /// <summary>The windows of a range selector or subquery at each of the times.</summary>
    public List<RangeSeries> Ranges(Expr expression, long[] times) => expression switch
    {
        ParenExpr paren => Ranges(paren.Inner, times),
        MatrixSelector matrix => [.. Matching(matrix.Selector).Select(s => Cut(
            s.Labels,
            [.. s.Samples.Where(p => !p.IsStale).Select(p => (p.TimestampMs, p.Value, p.Histogram is null ? null : ReferenceHistogram.Of(p.Histogram)))],
            matrix.Selector.Time,
            matrix.RangeMs,
            times))],
        SubqueryExpr subquery => Subquery(subquery, times),
        _ => throw new InvalidOperationException($"no range: {expression}"),
    };

    /// <summary>Fails when a vector has two elements with the same labels.</summary>
    public static List<Element> Distinct(IEnumerable<Element> elements)
    {
        List<Element> vector = [.. elements];
        RequireDistinct(vector.Select(e => e.Labels));
        return vector;
    }

    public static void RequireDistinct(IEnumerable<LabelSet> labels)
    {
        var seen = new HashSet<LabelSet>();
        if (!labels.All(seen.Add))
        {
            throw new ReferenceErrorException("vector cannot contain metrics with the same labelset");
        }
    }

    public static LabelSet WithoutName(LabelSet labels) => new LabelSetBuilder(labels).Remove("__name__").Build();

    // The whole result is checked, not only each step: two series may not become one.
    private static List<Element>[] Negate(List<Element>[] vectors)
    {
        RequireDistinct(vectors.SelectMany(v => v).Select(e => e.Labels).Distinct().Select(WithoutName));
        return [.. vectors.Select(v => v.Select(e => new Element(WithoutName(e.Labels), -e.Value, e.Histogram?.Scale(-1))).ToList())];
    }

    private static Element Read(LabelSet labels, StoredSample sample) =>
        new(labels, sample.Value, sample.Histogram is null ? null : ReferenceHistogram.Of(sample.Histogram));

    private IEnumerable<StoredSeries> Matching(VectorSelector selector) => data.Where(s => selector.Matchers.All(m => m.Matches(s.Labels)));

    private long? FixedTime(TimeModifiers time) => time.Anchor switch
    {
        AtAnchor.Start => startMs,
        AtAnchor.End => endMs,
        _ => time.AtMs,
    };

    private RangeSeries Cut(
        LabelSet labels, List<(long TimestampMs, double Value, ReferenceHistogram? Histogram)> samples, TimeModifiers time, long rangeMs, long[] times)
    {
        var windows = times.Select(t =>
        {
            var end = (FixedTime(time) ?? t) - time.OffsetMs;
            return new Window([.. samples.Where(s => s.TimestampMs > end - rangeMs && s.TimestampMs <= end)], end - rangeMs, end);
        });
        return new RangeSeries(labels, [.. windows]);
    }

    // The inner expression is evaluated at the multiples of the step in the range of any of the times.
    private List<RangeSeries> Subquery(SubqueryExpr subquery, long[] times)
    {
        var step = subquery.StepMs > 0 ? subquery.StepMs : DefaultSubqueryStepMs;
        var from = (FixedTime(subquery.Time) ?? times[0]) - subquery.Time.OffsetMs - subquery.RangeMs;
        var to = (FixedTime(subquery.Time) ?? times[^1]) - subquery.Time.OffsetMs;
        var inner = new List<long>();
        for (var t = from - (from % step); t <= to; t += step)
        {
            if (t > from)
            {
                inner.Add(t);
            }
        }

        var vectors = inner.Count == 0 ? [] : Vectors(subquery.Inner, [.. inner]);
        var series = new List<(LabelSet Labels, List<(long TimestampMs, double Value, ReferenceHistogram? Histogram)> Samples)>();
        for (var i = 0; i < vectors.Length; i++)
        {
            foreach (var element in vectors[i])
            {
                var index = series.FindIndex(s => s.Labels == element.Labels);
                if (index < 0)
                {
                    index = series.Count;
                    series.Add((element.Labels, []));
                }

                series[index].Samples.Add((inner[i], element.Value, element.Histogram));
            }
        }

        return series.ConvertAll(s => Cut(s.Labels, s.Samples, subquery.Time, subquery.RangeMs, times));
    }

    private List<Element>[] Binary(BinaryExpr binary, long[] times)
    {
        if (binary.Left.Type == PromType.Scalar)
        {
            return [.. Scalars(binary.Left, times).Zip(Vectors(binary.Right, times), (s, v) => Distinct(ReferenceOperators.WithScalar(binary, v, s, scalarOnLeft: true)))];
        }

        if (binary.Right.Type == PromType.Scalar)
        {
            return [.. Vectors(binary.Left, times).Zip(Scalars(binary.Right, times), (v, s) => Distinct(ReferenceOperators.WithScalar(binary, v, s, scalarOnLeft: false)))];
        }

        return [.. Vectors(binary.Left, times).Zip(Vectors(binary.Right, times), (l, r) => Distinct(ReferenceOperators.OfVectors(binary, l, r)))];
    }

    private List<Element>[] Aggregate(AggregateExpr aggregate, long[] times)
    {
        var parameters = aggregate.Parameter?.Type == PromType.Scalar ? Scalars(aggregate.Parameter, times) : new double[times.Length];
        return [.. Vectors(aggregate.Operand, times).Select((v, i) => Distinct(ReferenceAggregations.Evaluate(aggregate, v, parameters[i])))];
    }
}
