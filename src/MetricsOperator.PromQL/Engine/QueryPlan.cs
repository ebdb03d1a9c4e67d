using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.PromQL.Engine;

/// <summary>
/// What is known about a query before it runs: which selectors read what, and which subexpressions do not change from step to step.
/// </summary>
internal sealed class QueryPlan
{
    // Their result depends on the evaluation time even if all arguments are pinned with @.
    private static readonly HashSet<string> TimeDependent = new(StringComparer.Ordinal)
    {
        "days_in_month", "day_of_month", "day_of_week", "day_of_year", "hour", "minute", "month", "year", "predict_linear", "time", "timestamp",
    };

    private readonly HashSet<Expr> _invariant = [];
    private readonly Dictionary<VectorSelector, SelectHints> _hints = [];
    private readonly long _lookbackMs;
    private readonly Frame _frame;
    private readonly QueryEngineOptions _options;

    public QueryPlan(Expr root, Frame frame, long lookbackMs, QueryEngineOptions options)
    {
        Root = root;
        _frame = frame;
        _lookbackMs = lookbackMs;
        _options = options;
        MinMs = long.MaxValue;
        MaxMs = long.MinValue;
        if (MarkInvariant(root))
        {
            _invariant.Add(root);
        }

        PlanSelectors(root, frame, 0, string.Empty);
    }

    public Expr Root { get; }

    /// <summary>Earliest sample any selector wants.</summary>
    public long MinMs { get; private set; }

    /// <summary>Latest sample any selector wants.</summary>
    public long MaxMs { get; private set; }

    /// <summary>True for the topmost nodes that yield the same at every step.</summary>
    public bool IsInvariant(Expr expression) => _invariant.Contains(expression);

    public SelectHints HintsOf(VectorSelector selector) => _hints[selector];

    /// <summary>The literal time of <c>@</c>, with <c>start()</c> and <c>end()</c> resolved; null without <c>@</c>.</summary>
    public long? FixedTime(TimeModifiers time) => time.Anchor switch
    {
        AtAnchor.Start => _frame.StartMs,
        AtAnchor.End => _frame.EndMs,
        _ => time.AtMs,
    };

    /// <summary>The frame in which the inner expression of a subquery is evaluated, or null if it has no step in it.</summary>
    /// <exception cref="QueryExecutionException">There are too many steps.</exception>
    public Frame? FrameOf(SubqueryExpr subquery, Frame outer)
    {
        var step = subquery.StepMs > 0 ? subquery.StepMs : _options.DefaultSubqueryStepMs;
        var fixedTime = FixedTime(subquery.Time);
        var from = (fixedTime ?? outer.StartMs) - subquery.Time.OffsetMs - subquery.RangeMs;
        var to = (fixedTime ?? outer.EndMs) - subquery.Time.OffsetMs;
        var start = (Math.DivRem(from, step, out var remainder) * step) + (remainder >= 0 ? step : 0);
        return start > to ? null : Frame.Range(start, to, step, _options);
    }

    private bool MarkInvariant(Expr node)
    {
        switch (node)
        {
            case NumberLiteral or StringLiteral:
                return true;
            case VectorSelector selector:
                return FixedTime(selector.Time) is not null;
            case MatrixSelector matrix:
                return FixedTime(matrix.Selector.Time) is not null;
            case SubqueryExpr subquery:
                MarkEach(subquery);
                return FixedTime(subquery.Time) is not null;
            case CallExpr call:
                var invariant = !TimeDependent.Contains(call.Function.Name);
                return MarkChildren(call, invariant);
            default:
                return MarkChildren(node, true);
        }
    }

    private bool MarkChildren(Expr node, bool allowed)
    {
        var invariant = new List<Expr>();
        var all = allowed;
        foreach (var child in node.Children)
        {
            if (MarkInvariant(child))
            {
                invariant.Add(child);
            }
            else
            {
                all = false;
            }
        }

        if (!all)
        {
            _invariant.UnionWith(invariant);
        }

        return all;
    }

    private void MarkEach(Expr node)
    {
        foreach (var child in node.Children)
        {
            if (MarkInvariant(child))
            {
                _invariant.Add(child);
            }
        }
    }

    private void PlanSelectors(Expr node, Frame frame, long rangeMs, string function)
    {
        switch (node)
        {
            case VectorSelector selector:
                var window = rangeMs > 0 ? rangeMs : _lookbackMs;
                var fixedTime = FixedTime(selector.Time);
                var from = (fixedTime ?? frame.StartMs) - selector.Time.OffsetMs - window + 1;
                var to = (fixedTime ?? frame.EndMs) - selector.Time.OffsetMs;
                _hints[selector] = new SelectHints(from, to, frame.Steps > 1 ? frame.StepMs : 0, rangeMs, function);
                MinMs = Math.Min(MinMs, from);
                MaxMs = Math.Max(MaxMs, to);
                break;
            case MatrixSelector matrix:
                PlanSelectors(matrix.Selector, frame, matrix.RangeMs, function);
                break;
            case SubqueryExpr subquery:
                PlanSelectors(subquery.Inner, FrameOf(subquery, frame) ?? frame, 0, string.Empty);
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
                    PlanSelectors(child, frame, 0, name);
                }

                break;
        }
    }
}
