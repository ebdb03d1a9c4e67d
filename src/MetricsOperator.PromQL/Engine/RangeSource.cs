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

    /// <summary>Samples of the current series.</summary>
    public abstract SeriesSamples Samples { get; }

    public LabelSet Labels { get; protected set; } = LabelSet.Empty;

    /// <summary>The reserved labels have been dropped inside a subquery.</summary>
    public bool DropName { get; protected set; }

    public abstract bool MoveNext();

    public abstract void Dispose();

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

    private sealed class StorageSource : RangeSource
    {
        // Series that are decoded in one go.
        private const int BatchSize = 16;

        private readonly QueryContext _query;
        private readonly ISeriesSet _series;
        private readonly IEnumerator<Decoded> _items;

        public StorageSource(WindowGrid grid, QueryContext query, ISeriesSet series)
            : base(grid)
        {
            _query = query;
            _series = series;
            _items = new ReadAhead<Decoded>(series, () => new Decoder(grid, query.Budget), BatchSize, query.ReadAheadThreads).Items().GetEnumerator();
        }

        public override SeriesSamples Samples => _items.Current.Samples;

        public override bool MoveNext()
        {
            if (_items.MoveNext())
            {
                Labels = _items.Current.Labels;
                return true;
            }

            foreach (var warning in _series.Warnings)
            {
                _query.Annotations.WarnFromStorage(warning);
            }

            return false;
        }

        public override void Dispose() => _items.Dispose();
    }

    /// <summary>A series with its samples.</summary>
    private sealed class Decoded
    {
        public LabelSet Labels { get; set; } = LabelSet.Empty;

        public SeriesSamples Samples { get; } = new();
    }

    private sealed class Decoder(WindowGrid grid, SampleBudget budget) : SeriesReader<Decoded>
    {
        private readonly List<Decoded> _slots = [];

        public override Decoded? Read(int slot, LabelSet labels, SampleReader samples)
        {
            budget.ThrowIfStopped();
            while (_slots.Count <= slot)
            {
                _slots.Add(new Decoded());
            }

            var decoded = _slots[slot];
            decoded.Labels = labels;
            decoded.Samples.Load(samples, grid.FirstEndMs - grid.RangeMs, grid.LastEndMs, budget);
            return decoded.Samples.IsEmpty ? null : decoded;
        }

        public override void Dispose()
        {
            foreach (var slot in _slots)
            {
                slot.Samples.Dispose();
            }

            _slots.Clear();
            base.Dispose();
        }
    }

    private sealed class SubquerySource : RangeSource
    {
        private readonly SampleBudget _budget;
        private readonly Frame _frame;
        private readonly List<Column> _columns = [];
        private readonly SeriesSamples _samples = new();
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
            _samples.Load(column, _frame);
            _budget.Release(column);
            return true;
        }

        public override SeriesSamples Samples => _samples;

        public override void Dispose() => _samples.Dispose();
    }
}
