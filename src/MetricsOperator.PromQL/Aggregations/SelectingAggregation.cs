using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;

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
    private readonly List<List<Column>> _members = [];

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
        var counts = IsRatio ? CheckRatios() : CheckCounts();
        ReadMembers();
        var chosen = new Dictionary<Column, StepMask>();
        var order = new List<Column>();
        foreach (var group in _members)
        {
            for (var step = 0; step < _evaluator.Frame.Steps; step++)
            {
                _evaluator.Query.Budget.ThrowIfStopped();
                foreach (var column in IsRatio ? ChooseRatio(group, step) : Choose(group, step, counts[step]))
                {
                    if (!chosen.TryGetValue(column, out var mask))
                    {
                        mask = new StepMask(column.Steps);
                        order.Add(column);
                    }

                    mask.Set(step);
                    chosen[column] = mask;
                }
            }
        }

        foreach (var column in _members.SelectMany(m => m))
        {
            if (chosen.TryGetValue(column, out var mask))
            {
                column.Keep(mask);
            }
            else
            {
                _evaluator.Query.Budget.Release(column);
            }
        }

        return order;
    }

    private void ReadMembers()
    {
        var groups = new Grouping(_evaluator.Query, _aggregate);
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
                _members.Add([]);
            }

            _members[group].Add(column);
        }
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

    private long[] CheckRatios()
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

        return [];
    }

    private IEnumerable<Column> Choose(List<Column> group, int step, long count)
    {
        if (count < 1)
        {
            return [];
        }

        var present = group.Where(c => c.Has(step));
        if (!IsRanking)
        {
            return present.Take((int)Math.Min(count, int.MaxValue));
        }

        // Stable, so that of equal values the first series wins; NaN is worse than any number.
        var direction = _aggregate.Operator == AggregateOperator.TopK ? -1 : 1;
        return present
            .OrderBy(c => c.Values[step], Comparer<double>.Create((a, b) =>
                double.IsNaN(a) || double.IsNaN(b) ? double.IsNaN(a).CompareTo(double.IsNaN(b)) : direction * a.CompareTo(b)))
            .Take((int)Math.Min(count, int.MaxValue));
    }

    private IEnumerable<Column> ChooseRatio(List<Column> group, int step)
    {
        var ratio = Math.Clamp(_parameters[step], -1, 1);
        return group.Where(c => c.Has(step) && IsSampled(_evaluator.Query.VisibleLabels(c), ratio));
    }

    // A series' hash decides, so that it is in or out at every step; a negative ratio selects the complement.
    private static bool IsSampled(LabelSet labels, double ratio)
    {
        var offset = labels.Hash / (double)ulong.MaxValue;
        return ratio >= 0 ? offset < ratio : offset >= 1 + ratio;
    }
}
