using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Tests.Differential;

/// <summary>Binary operators at one step.</summary>
internal static class ReferenceOperators
{
    public static double OfScalars(BinaryOperator op, double left, double right) =>
        op.IsComparison() ? (Holds(op, left, right) ? 1 : 0) : Compute(op, left, right);

    public static IEnumerable<Element> WithScalar(BinaryExpr binary, IEnumerable<Element> vector, double scalar, bool scalarOnLeft)
    {
        var op = binary.Operator;
        foreach (var element in vector)
        {
            if (element.Histogram is { } histogram)
            {
                var scaled = op == BinaryOperator.Mul ? histogram.Scale(scalar) : op == BinaryOperator.Div && !scalarOnLeft ? histogram.DivideBy(scalar) : null;
                if (scaled is not null)
                {
                    yield return new Element(ReferenceEvaluator.WithoutName(element.Labels), 0, scaled);
                }

                continue;
            }

            var (left, right) = scalarOnLeft ? (scalar, element.Value) : (element.Value, scalar);
            if (!op.IsComparison())
            {
                yield return new Element(ReferenceEvaluator.WithoutName(element.Labels), Compute(op, left, right));
            }
            else if (binary.ReturnBool)
            {
                yield return new Element(ReferenceEvaluator.WithoutName(element.Labels), Holds(op, left, right) ? 1 : 0);
            }
            else if (Holds(op, left, right))
            {
                yield return element;
            }
        }
    }

    public static IEnumerable<Element> OfVectors(BinaryExpr binary, List<Element> left, List<Element> right)
    {
        var matching = binary.Matching!;
        switch (binary.Operator)
        {
            case BinaryOperator.And:
                return left.Where(l => right.Any(r => Key(matching, l) == Key(matching, r)));
            case BinaryOperator.Unless:
                return left.Where(l => !right.Any(r => Key(matching, l) == Key(matching, r)));
            case BinaryOperator.Or:
                return left.Concat(right.Where(r => !left.Any(l => Key(matching, l) == Key(matching, r))));
            default:
                return Match(binary, matching, left, right);
        }
    }

    private static List<Element> Match(BinaryExpr binary, VectorMatching matching, List<Element> left, List<Element> right)
    {
        var results = new List<Element>();
        if (left.Count == 0 || right.Count == 0)
        {
            return results;
        }

        var swapped = matching.Cardinality == MatchCardinality.OneToMany;
        var (many, one) = swapped ? (right, left) : (left, right);
        if (one.GroupBy(e => Key(matching, e)).Any(g => g.Count() > 1))
        {
            throw new ReferenceErrorException("found duplicate series for the match group");
        }

        var used = new HashSet<(LabelSet Key, LabelSet? Result)>();
        foreach (var element in many)
        {
            var other = one.Find(e => Key(matching, e) == Key(matching, element));
            if (other is null || Apply(binary, swapped ? other : element, swapped ? element : other) is not { } result)
            {
                continue;
            }

            var labels = ResultLabels(binary, matching, element.Labels, other.Labels);
            if (!used.Add((Key(matching, element), matching.Cardinality == MatchCardinality.OneToOne ? null : labels)))
            {
                throw new ReferenceErrorException("multiple matches for labels");
            }

            results.Add(result with { Labels = labels });
        }

        return results;
    }

    // The result of a pair without its labels; null when there is none.
    private static Element? Apply(BinaryExpr binary, Element left, Element right)
    {
        var op = binary.Operator;
        if (left.IsFloat && right.IsFloat)
        {
            return !op.IsComparison() ? left with { Value = Compute(op, left.Value, right.Value) }
                : binary.ReturnBool ? left with { Value = Holds(op, left.Value, right.Value) ? 1 : 0 }
                : Holds(op, left.Value, right.Value) ? left : null;
        }

        if (op is BinaryOperator.Equal or BinaryOperator.NotEqual && left.Histogram is not null && right.Histogram is not null)
        {
            var holds = left.Histogram.SameAs(right.Histogram, (a, b) => a.Equals(b)) == (op == BinaryOperator.Equal);
            return binary.ReturnBool ? new Element(left.Labels, holds ? 1 : 0) : holds ? left : null;
        }

        var histogram = (op, left.Histogram, right.Histogram) switch
        {
            (BinaryOperator.Add, { } l, { } r) => l.Plus(r),
            (BinaryOperator.Sub, { } l, { } r) => l.Plus(r, -1),
            (BinaryOperator.Mul, { } l, null) => l.Scale(right.Value),
            (BinaryOperator.Mul, null, { } r) => r.Scale(left.Value),
            (BinaryOperator.Div, { } l, null) => l.DivideBy(right.Value),
            _ => null,
        };
        return histogram is null ? null : new Element(left.Labels, 0, histogram);
    }

    private static LabelSet ResultLabels(BinaryExpr binary, VectorMatching matching, LabelSet many, LabelSet one)
    {
        var labels = new LabelSetBuilder(many);
        if (!binary.Operator.IsComparison() || binary.ReturnBool)
        {
            labels.Remove("__name__");
        }

        if (matching.Cardinality == MatchCardinality.OneToOne)
        {
            foreach (var (name, _) in many.ToPairs())
            {
                if (matching.Labels.Contains(name) != matching.On)
                {
                    labels.Remove(name);
                }
            }
        }

        foreach (var name in matching.Include)
        {
            labels.Set(name, one.Get(name));
        }

        return labels.Build();
    }

    // Labels that two elements must share to match.
    private static LabelSet Key(VectorMatching matching, Element element) => LabelSet.Of(
        [.. element.Labels.ToPairs().Where(l => matching.On ? matching.Labels.Contains(l.Key) : l.Key != "__name__" && !matching.Labels.Contains(l.Key)).Select(l => (l.Key, l.Value))]);

    private static double Compute(BinaryOperator op, double left, double right) => op switch
    {
        BinaryOperator.Add => left + right,
        BinaryOperator.Sub => left - right,
        BinaryOperator.Mul => left * right,
        BinaryOperator.Div => left / right,
        BinaryOperator.Mod => Digits.Remainder(left, right),
        BinaryOperator.Pow => Math.Pow(left, right),
        BinaryOperator.Atan2 => Math.Atan2(left, right),
        _ => throw new InvalidOperationException($"no arithmetic: {op}"),
    };

    private static bool Holds(BinaryOperator op, double left, double right) => Digits.Clear(left, right) && op switch
    {
        BinaryOperator.Equal => left == right,
        BinaryOperator.NotEqual => left != right,
        BinaryOperator.Greater => left > right,
        BinaryOperator.Less => left < right,
        BinaryOperator.GreaterOrEqual => left >= right,
        BinaryOperator.LessOrEqual => left <= right,
        _ => throw new InvalidOperationException($"no comparison: {op}"),
    };
}
