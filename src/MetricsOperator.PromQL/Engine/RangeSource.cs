using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Engine;

/// <summary>The windows of a range selector or subquery: at step i the samples in (End(i) - range, End(i)].</summary>
internal readonly record struct WindowGrid(long FirstEndMs, long StepMs, int Steps, long RangeMs)
{
    public long End(int step) => FirstEndMs + (StepMs * step);

    public long LastEndMs => End(Steps - 1);
}

/// <summary>Walks the series of a range selector or subquery, one at a time, with their samples decoded.</summary>
internal abstract class RangeSource(WindowGrid grid) : IDisposable
{
    public WindowGrid Grid { get; } = grid;

    public SeriesSamples Samples { get; } = new();

    public LabelSet Labels { get; protected set; } = LabelSet.Empty;

    /// <summary>The reserved labels have been dropped inside a subquery.</summary>
    public bool DropName { get; protected set; }

    public abstract bool MoveNext();

    public virtual void Dispose() => Samples.Dispose();

    public static RangeSource Open(Evaluator evaluator, Expr argument)
    {
        while (argument is ParenExpr paren)
        {
            argument = paren.Inner;
        }

        var plan = evaluator.Query.Plan;
        var frame = evaluator.Frame;
        var (time, range) = argument switch
        {
            MatrixSelector matrix => (matrix.Selector.Time, matrix.RangeMs),
            SubqueryExpr subquery => (subquery.Time, subquery.RangeMs),
            _ => throw new InvalidOperationException($"cannot evaluate a range of {argument.GetType().Name}: want a range selector or a subquery"),
        };
        var fixedTime = plan.FixedTime(time);
        var grid = new WindowGrid((fixedTime ?? frame.StartMs) - time.OffsetMs, fixedTime is null ? frame.StepMs : 0, frame.Steps, range);
        return argument is MatrixSelector selector
            ? new StorageSource(grid, evaluator.Query, evaluator.Query.Select(selector.Selector))
            : new SubquerySource(grid, evaluator, (SubqueryExpr)argument);
    }

    private sealed class StorageSource(WindowGrid grid, QueryContext query, ISeriesSet series) : RangeSource(grid)
    {
        public override bool MoveNext()
        {
            while (series.MoveNext())
            {
                query.Budget.ThrowIfStopped();
                using var reader = series.OpenReader();
                Samples.Load(reader, Grid.FirstEndMs - Grid.RangeMs, Grid.LastEndMs, query.Budget);
                if (!Samples.IsEmpty)
                {
                    Labels = series.Labels;
                    return true;
                }
            }

            foreach (var warning in series.Warnings)
            {
                query.Annotations.WarnFromStorage(warning);
            }

            return false;
        }
    }

    private sealed class SubquerySource : RangeSource
    {
        private readonly SampleBudget _budget;
        private readonly Frame _frame;
        private readonly List<Column> _columns = [];
        private int _next;

        public SubquerySource(WindowGrid grid, Evaluator outer, SubqueryExpr subquery)
            : base(grid)
        {
            _budget = outer.Query.Budget;
            if (outer.Query.Plan.FrameOf(subquery, outer.Frame) is { } frame)
            {
                _frame = frame;
                _columns = outer.ForSubquery(frame).Vector(subquery.Inner);
            }
        }

        public override bool MoveNext()
        {
            if (_next >= _columns.Count)
            {
                return false;
            }

            var column = _columns[_next++];
            Labels = column.Labels;
            DropName = column.DropName;
            Samples.Load(column, _frame);
            _budget.Release(column);
            return true;
        }
    }
}
