using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;

namespace MetricsOperator.PromQL.Aggregations;

/// <summary>
/// <c>topk</c>, <c>bottomk</c>, <c>limitk</c> and <c>limit_ratio</c>: they keep series, with all their labels, at the steps at which they are chosen.
/// </summary>
internal sealed class SelectingAggregation
{
    private readonly Evaluator _evaluator;
    private readonly AggregateExpr _aggregate;
    private readonly AggregationRemarks _remarks;
    private readonly double[] _parameters;

    private SelectingAggregation(Evaluator evaluator, AggregateExpr aggregate)
    {
        _evaluator = evaluator;
        _aggregate = aggregate;
        _remarks = new AggregationRemarks(evaluator.Query.Annotations, aggregate);
        _parameters = evaluator.Scalar(aggregate.Parameter!);
    }

    /// <exception cref="QueryExecutionException">The parameter is not a usable number.</exception>
    public static IEnumerable<Column> Evaluate(Evaluator evaluator, AggregateExpr aggregate) => new SelectingAggregation(evaluator, aggregate).Run();

    private bool IsRatio => _aggregate.Operator == AggregateOperator.LimitRatio;

    private bool IsRanking => _aggregate.Operator is AggregateOperator.TopK or AggregateOperator.BottomK;

    private List<Column> Run()
    {
        var budget = _evaluator.Query.Budget;
        var ratios = IsRatio ? CheckRatios() : [];
        var counts = IsRatio ? [] : CheckCounts();
        var groups = new Grouping(_evaluator.Query, _aggregate);
        var choices = new List<SeriesChoice>();
        var number = 0;
        foreach (var column in _evaluator.Stream(_aggregate.Operand))
        {
            if (IsRanking && column.Histograms is not null)
            {
                _remarks.HistogramIgnored(_aggregate.Operator.Symbol());
                column.DropHistograms();
            }

            var group = groups.Of(column, out var isNew);
            if (isNew)
            {
                choices.Add(IsRatio ? new RatioSeriesChoice(ratios, _evaluator.Query)
                    : IsRanking ? new BestSeriesChoice(counts, _aggregate.Operator == AggregateOperator.TopK, budget)
                    : new FirstSeriesChoice(counts));
            }

            var series = new Candidate(column, number++);
            choices[group].Offer(series, loser => budget.Release(loser.Column));
            if (series.Chosen == 0)
            {
                budget.Release(column);
            }
        }

        return [.. choices.SelectMany(c => c.Chosen()).Select(c => c.Finish())];
    }

    private long[] CheckCounts() => Array.ConvertAll(_parameters, parameter =>
    {
        if (double.IsNaN(parameter))
        {
            throw new QueryExecutionException("Parameter value is NaN");
        }

        return parameter is <= long.MaxValue and >= long.MinValue
            ? (long)parameter
            : throw new QueryExecutionException($"Scalar value {GoNumbers.Format(parameter)} overflows int64");
    });

    private double[] CheckRatios()
    {
        if (Array.Exists(_parameters, double.IsNaN))
        {
            throw new QueryExecutionException("Ratio value is NaN");
        }

        foreach (var (extreme, cap) in (ReadOnlySpan<(double, int)>)[(_parameters.Max(), 1), (_parameters.Min(), -1)])
        {
            if (Math.Abs(extreme) > 1 && Math.Sign(extreme) == cap)
            {
                _evaluator.Query.Annotations.Warn(
                    $"ratio value should be between -1 and 1, got {GoNumbers.Format(extreme)}, capping to {cap}", _aggregate.Parameter!.Position);
            }
        }

        return _parameters;
    }
}
