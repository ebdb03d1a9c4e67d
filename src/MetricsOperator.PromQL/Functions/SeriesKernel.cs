using MetricsOperator.PromQL.Engine;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Functions;

/// <summary>The steps of a series that a kernel has computed.</summary>
/// <param name="Column">The steps.</param>
/// <param name="WindowSamples">Samples of all windows.</param>
/// <param name="LargestWindow">Samples of the largest window.</param>
internal readonly record struct SlidColumn(Column Column, long WindowSamples, int LargestWindow);

/// <summary>Computes all steps of a series that has floats only; several threads may do so at once.</summary>
internal sealed class SeriesKernel
{
    private readonly RangeKernel _kernel;
    private readonly RangeCall _context;
    private readonly SampleBudget _budget;
    private readonly int _steps;
    private readonly bool _dropName;

    /// <param name="kernel">What to compute.</param>
    /// <param name="context">The call, for the kernel.</param>
    /// <param name="call">The call.</param>
    /// <param name="dropName">True if the result is not the metric any more.</param>
    public SeriesKernel(RangeKernel kernel, RangeCall context, FunctionCall call, bool dropName)
    {
        _kernel = kernel;
        _context = context;
        _budget = call.Query.Budget;
        _steps = call.Frame.Steps;
        _dropName = dropName;
        context.EvaluateScalars();
    }

    /// <summary>Computes the steps; null for a series with histograms.</summary>
    public SlidColumn? Slide(LabelSet labels, SeriesSamples samples, WindowGrid grid)
    {
        if (!samples.HistogramTimes.IsEmpty)
        {
            return null;
        }

        var column = new Column(labels, _steps, _dropName);
        var windows = new WindowCursor(samples.FloatTimes, grid);
        _kernel(
            new SlidingSamples { Times = samples.FloatTimes, Values = samples.Floats, Grid = grid, Call = _context, Budget = _budget }, ref windows, column);
        return new SlidColumn(column, windows.TotalCount, windows.LargestCount);
    }
}
