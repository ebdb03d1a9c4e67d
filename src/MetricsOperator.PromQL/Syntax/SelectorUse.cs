using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Syntax;

/// <summary>One selector of an expression and how much time its result depends on.</summary>
/// <param name="Selector">The selector.</param>
/// <param name="RangeMs">Its range (<c>[5m]</c>), 0 for an instant selector.</param>
/// <param name="SubqueryRangeMs">Sum of the ranges of the subqueries around it.</param>
/// <param name="Function">Innermost function or aggregator around it, or empty.</param>
public sealed record SelectorUse(VectorSelector Selector, long RangeMs, long SubqueryRangeMs, string Function)
{
    /// <summary>Matchers on <c>__name__</c>.</summary>
    public IEnumerable<LabelMatcher> NameMatchers => Selector.Matchers.Where(m => m.Name == LabelNames.MetricName);

    /// <summary>All selectors of an expression, in the order of the text.</summary>
    public static IReadOnlyList<SelectorUse> Of(Expr expression)
    {
        var uses = new List<SelectorUse>();
        Collect(expression, 0, 0, string.Empty, uses);
        return uses;
    }

    private static void Collect(Expr node, long range, long subqueryRange, string function, List<SelectorUse> into)
    {
        switch (node)
        {
            case VectorSelector selector:
                into.Add(new SelectorUse(selector, range, subqueryRange, function));
                break;
            case MatrixSelector matrix:
                Collect(matrix.Selector, matrix.RangeMs, subqueryRange, function, into);
                break;
            case SubqueryExpr subquery:
                Collect(subquery.Inner, 0, subqueryRange + subquery.RangeMs, string.Empty, into);
                break;
            default:
                var name = node switch
                {
                    CallExpr call => call.Function.Name,
                    AggregateExpr aggregate => aggregate.Operator.Symbol(),
                    ParenExpr => function,
                    _ => string.Empty,
                };
                foreach (var child in node.Children)
                {
                    Collect(child, 0, subqueryRange, name, into);
                }

                break;
        }
    }
}
