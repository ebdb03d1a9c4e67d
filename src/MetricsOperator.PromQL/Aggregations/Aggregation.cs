using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Aggregations;

/// <summary>Evaluates aggregations; the simple ones take columns from a stream and keep only their groups.</summary>
internal static class Aggregation
{
    public static IEnumerable<Column> Evaluate(Evaluator evaluator, AggregateExpr aggregate) => aggregate.Operator switch
    {
        AggregateOperator.TopK or AggregateOperator.BottomK or AggregateOperator.LimitK or AggregateOperator.LimitRatio =>
            SelectingAggregation.Evaluate(evaluator, aggregate),
        AggregateOperator.CountValues => CountValuesAggregation.Evaluate(evaluator, aggregate),
        AggregateOperator.Quantile => QuantileAggregation.Evaluate(evaluator, aggregate),
        _ => Accumulate(evaluator, aggregate),
    };

    private static IEnumerable<Column> Accumulate(Evaluator evaluator, AggregateExpr aggregate)
    {
        // Sums, compensations or counts by step, and the group's key and labels.
        var groupBytes = 256 + (24L * evaluator.Frame.Steps);
        var groups = new Grouping(evaluator.Query, aggregate);
        var accumulators = new List<Accumulator>();
        var remarks = new AggregationRemarks(evaluator.Query.Annotations, aggregate);
        foreach (var column in evaluator.Stream(aggregate.Operand))
        {
            var group = groups.Of(column, out var isNew);
            if (isNew)
            {
                evaluator.Query.Budget.ChargeBytes(groupBytes);
                accumulators.Add(Accumulator.Create(aggregate.Operator, evaluator.Frame.Steps, remarks));
            }

            accumulators[group].Add(column);
            evaluator.Query.Budget.Release(column);
        }

        for (var i = 0; i < accumulators.Count; i++)
        {
            var result = groups.NewColumn(i, evaluator.Frame.Steps);
            accumulators[i].Finish(result);
            evaluator.Query.Budget.RefundBytes(groupBytes);
            if (result.IsEmpty)
            {
                result.Release();
                continue;
            }

            evaluator.Query.Budget.Charge(result);
            yield return result;
        }
    }
}
