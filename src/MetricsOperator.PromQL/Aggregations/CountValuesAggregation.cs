using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Functions;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Aggregations;

/// <summary><c>count_values</c>: the value becomes a label, so that groups differ from step to step.</summary>
internal static class CountValuesAggregation
{
    /// <exception cref="QueryExecutionException">The label name is not valid.</exception>
    public static IEnumerable<Column> Evaluate(Evaluator evaluator, AggregateExpr aggregate)
    {
        var label = LabelOf(aggregate.Parameter!);
        if (!LabelFunctions.IsValidName(label))
        {
            throw new QueryExecutionException("invalid label name " + StringLiterals.Quote(label));
        }

        var query = evaluator.Query;
        var grouping = aggregate.Without
            ? new AggregateExpr(aggregate.Operator, aggregate.Operand, null, aggregate.Grouping, without: true)
            : new AggregateExpr(aggregate.Operator, aggregate.Operand, null, [.. aggregate.Grouping, label], without: false);
        var groups = new Grouping(query, grouping);
        var counts = new List<double[]>();
        foreach (var column in evaluator.Stream(aggregate.Operand))
        {
            var valued = new Dictionary<string, int>(StringComparer.Ordinal);
            for (var step = 0; step < column.Steps; step++)
            {
                if (!column.Has(step))
                {
                    continue;
                }

                var value = column.HistogramAt(step) is { } histogram
                    ? histogram.ToString()
                    : GoNumbers.FormatPlain(column.Values[step]);
                if (!valued.TryGetValue(value, out var group))
                {
                    group = GroupOf(query, groups, column, label, value, counts);
                    valued.Add(value, group);
                }

                counts[group][step]++;
            }

            query.Budget.Release(column);
        }

        for (var i = 0; i < counts.Count; i++)
        {
            var result = groups.NewColumn(i, evaluator.Frame.Steps);
            for (var step = 0; step < result.Steps; step++)
            {
                if (counts[i][step] > 0)
                {
                    result.Set(step, counts[i][step]);
                }
            }

            query.Budget.Charge(result);
            yield return result;
        }
    }

    private static int GroupOf(QueryContext query, Grouping groups, Column column, string label, string value, List<double[]> counts)
    {
        var labels = new LabelSetBuilder(query.VisibleLabels(column)).Set(label, value).Build();
        var group = groups.Of(new Column(labels, 1, column.DropName && query.DelayedNameRemoval), out var isNew);
        if (isNew)
        {
            counts.Add(new double[column.Steps]);
        }

        return group;
    }

    private static string LabelOf(Expr parameter)
    {
        while (parameter is ParenExpr paren)
        {
            parameter = paren.Inner;
        }

        return ((StringLiteral)parameter).Value;
    }
}
