using System.Buffers;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Functions;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Aggregations;

/// <summary><c>quantile</c>: needs all values of a group at a step at once.</summary>
internal static class QuantileAggregation
{
    public static IEnumerable<Column> Evaluate(Evaluator evaluator, AggregateExpr aggregate)
    {
        var query = evaluator.Query;
        var parameters = evaluator.Scalar(aggregate.Parameter!);
        WarnIfInvalid(parameters, query.Annotations, aggregate.Parameter!.Position);
        var remarks = new AggregationRemarks(query.Annotations, aggregate);
        var groups = new Grouping(query, aggregate);
        var members = new List<List<Column>>();
        foreach (var column in evaluator.Stream(aggregate.Operand))
        {
            if (column.Histograms is not null)
            {
                remarks.HistogramIgnored("quantile");
            }

            var group = groups.Of(column, out var isNew);
            if (isNew)
            {
                members.Add([]);
            }

            members[group].Add(column);
        }

        for (var i = 0; i < members.Count; i++)
        {
            var result = groups.NewColumn(i, evaluator.Frame.Steps);
            Fill(query.Budget, members[i], parameters, result);
            foreach (var column in members[i])
            {
                query.Budget.Release(column);
            }

            if (!result.IsEmpty)
            {
                query.Budget.Charge(result);
                yield return result;
            }
        }
    }

    // One remark each for NaN, the largest and the smallest value out of bounds.
    private static void WarnIfInvalid(double[] parameters, Annotations annotations, PositionRange position)
    {
        var ordered = parameters.Where(p => !double.IsNaN(p)).DefaultIfEmpty(0).ToList();
        if (Array.Exists(parameters, double.IsNaN))
        {
            Quantiles.WarnIfInvalid(double.NaN, annotations, position);
        }

        Quantiles.WarnIfInvalid(ordered.Max(), annotations, position);
        Quantiles.WarnIfInvalid(ordered.Min(), annotations, position);
    }

    private static void Fill(SampleBudget budget, List<Column> columns, double[] parameters, Column result)
    {
        var rented = ArrayPool<double>.Shared.Rent(columns.Count);
        for (var step = 0; step < result.Steps; step++)
        {
            budget.ThrowIfStopped();
            var count = 0;
            foreach (var column in columns)
            {
                if (column.Present[step])
                {
                    rented[count++] = column.Values[step];
                }
            }

            if (count > 0)
            {
                result.Set(step, Quantiles.Of(parameters[step], rented.AsSpan(0, count)));
            }
        }

        ArrayPool<double>.Shared.Return(rented);
    }
}
