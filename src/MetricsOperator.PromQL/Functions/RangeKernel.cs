using MetricsOperator.PromQL.Engine;

namespace MetricsOperator.PromQL.Functions;

/// <summary>The float samples of one series and the windows that slide over them.</summary>
internal readonly ref struct SlidingSamples
{
    public required ReadOnlySpan<long> Times { get; init; }

    public required ReadOnlySpan<double> Values { get; init; }

    public required WindowGrid Grid { get; init; }

    public required RangeCall Call { get; init; }

    /// <summary>Stops the query in the middle of a long series.</summary>
    public required SampleBudget Budget { get; init; }
}

/// <summary>
/// Computes all steps of a series that has floats only, with what the window before is good for; the results are the same bits as those
/// of the <see cref="RangeFunction"/> that it stands in for.
/// </summary>
internal delegate void RangeKernel(in SlidingSamples samples, ref WindowCursor windows, Column column);

/// <summary>Moves a window over sorted times, one step after another.</summary>
internal ref struct WindowCursor(ReadOnlySpan<long> times, WindowGrid grid)
{
    private const int WorkBetweenChecks = 1 << 16;

    private readonly ReadOnlySpan<long> _times = times;
    private int _step = -1;
    private int _low;
    private int _high;
    private int _lowStride = 1;
    private int _highStride = 1;

    /// <summary>The step whose window has samples.</summary>
    public readonly int Step => _step;

    /// <summary>First sample of the window.</summary>
    public readonly int Low => _low;

    /// <summary>The sample behind the last one of the window.</summary>
    public readonly int High => _high;

    public readonly int Count => _high - _low;

    /// <summary>Samples of all windows so far, and of the largest one.</summary>
    public long TotalCount { get; private set; }

    public int LargestCount { get; private set; }

    public readonly long EndMs => grid.End(_step);

    public readonly long StartMs => grid.End(_step) - grid.RangeMs;

    /// <summary>Goes to the next step that has samples.</summary>
    public bool MoveNext(SampleBudget budget)
    {
        while (++_step < grid.Steps)
        {
            var end = grid.End(_step);
            Advance(end, ref _high, ref _highStride);
            Advance(end - grid.RangeMs, ref _low, ref _lowStride);
            var count = _high - _low;
            if (count == 0)
            {
                continue;
            }

            if ((TotalCount & ~(WorkBetweenChecks - 1)) != ((TotalCount + count) & ~(WorkBetweenChecks - 1)))
            {
                budget.ThrowIfStopped();
            }

            TotalCount += count;
            LargestCount = Math.Max(LargestCount, count);
            return true;
        }

        return false;
    }

    // To the first sample after a time. Samples as a rule come at an even pace: each step passes as many of them as the one before.
    private readonly void Advance(long time, ref int position, ref int stride)
    {
        var guess = position + stride;
        if (guess < _times.Length && _times[guess - 1] <= time && _times[guess] > time)
        {
            position = guess;
            return;
        }

        var from = position;
        while (position < _times.Length && _times[position] <= time)
        {
            position++;
        }

        stride = Math.Max(1, position - from);
    }
}
