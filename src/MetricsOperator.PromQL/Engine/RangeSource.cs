using MetricsOperator.PromQL.Functions;
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

    /// <summary>What a kernel made of the current series while it was read; it then has no <see cref="Samples"/>.</summary>
    public virtual SlidColumn? Slid => null;

    public LabelSet Labels { get; protected set; } = LabelSet.Empty;

    /// <summary>The reserved labels have been dropped inside a subquery.</summary>
    public bool DropName { get; protected set; }

    public abstract bool MoveNext();

    public abstract void Dispose();

    /// <param name="evaluator">Evaluates the query.</param>
    /// <param name="argument">The range selector or subquery.</param>
    /// <param name="kernel">What to make of each stored series while it is read; null for nothing.</param>
    public static RangeSource Open(Evaluator evaluator, Expr argument, SeriesKernel? kernel = null)
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
            ? new StorageSource(grid, evaluator.Query, evaluator.Query.Select(selector.Selector), kernel)
            : new SubquerySource(grid, evaluator, (SubqueryExpr)argument);
    }

    private sealed class StorageSource : RangeSource
    {
        // Series that are decoded in one go; fewer of those that become columns of many steps.
        private const int BatchSize = 16;
        private const int BatchSteps = 16 * 1024;

        private readonly QueryContext _query;
        private readonly ISeriesSet _series;
        private readonly IEnumerator<Decoded> _items;

        public StorageSource(WindowGrid grid, QueryContext query, ISeriesSet series, SeriesKernel? kernel)
            : base(grid)
        {
            _query = query;
            _series = series;
            _items = new ReadAhead<Decoded>(series, () => new Decoder(grid, query.Budget, kernel), kernel is null ? BatchSize : Math.Clamp(BatchSteps / grid.Steps, 1, BatchSize), query.ReadAheadThreads).Items().GetEnumerator();
        }

        public override SeriesSamples Samples => _items.Current.Samples ?? throw new InvalidOperationException("BUG: the samples of this series are gone, its steps are computed");

        public override SlidColumn? Slid => _items.Current.Slid;

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

    /// <summary>A series with its samples, or with what the kernel made of them.</summary>
    private sealed class Decoded
    {
        public LabelSet Labels { get; set; } = LabelSet.Empty;

        public SeriesSamples? Samples { get; set; }

        public SlidColumn? Slid { get; set; }
    }

    private sealed class Decoder(WindowGrid grid, SampleBudget budget, SeriesKernel? kernel) : SeriesReader<Decoded>
    {
        private readonly List<Decoded> _slots = [];
        private SeriesSamples? _passing;

        public override Decoded? Read(int slot, LabelSet labels, SampleReader samples)
        {
            budget.ThrowIfStopped();
            while (_slots.Count <= slot)
            {
                _slots.Add(new Decoded());
            }

            // What a kernel has made its steps of need not be kept: the next series takes its place.
            var decoded = _slots[slot];
            var loaded = (kernel is null ? decoded.Samples : _passing) ?? new SeriesSamples();
            (decoded.Samples, _passing) = kernel is null ? (loaded, null) : (decoded.Samples, loaded);
            loaded.Load(samples, grid.FirstEndMs - grid.RangeMs, grid.LastEndMs, budget);
            if (loaded.IsEmpty)
            {
                return null;
            }

            decoded.Labels = labels;
            decoded.Slid = kernel?.Slide(labels, loaded, grid);
            if (kernel is not null && decoded.Slid is null)
            {
                (decoded.Samples, _passing) = (_passing, decoded.Samples);
            }

            return decoded;
        }

        public override void Dispose()
        {
            foreach (var slot in _slots)
            {
                slot.Samples?.Dispose();
            }

            _slots.Clear();
            _passing?.Dispose();
            _passing = null;
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
