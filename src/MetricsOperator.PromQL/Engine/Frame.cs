namespace MetricsOperator.PromQL.Engine;

/// <summary>The times at which an expression is evaluated: start, start + step, ...</summary>
internal readonly record struct Frame(long StartMs, long StepMs, int Steps)
{
    // Columns have room for every step, whether series have samples there or not.
    private const long MaxSteps = 10_000_000;

    public long EndMs => StartMs + (StepMs * (Steps - 1));

    public static Frame Instant(long timeMs) => new(timeMs, 1, 1);

    /// <exception cref="QueryExecutionException">There are more steps than a query may hold samples.</exception>
    public static Frame Range(long startMs, long endMs, long stepMs, QueryEngineOptions options)
    {
        var steps = ((endMs - startMs) / stepMs) + 1;
        return steps <= Math.Min(options.MaxSamples, MaxSteps)
            ? new Frame(startMs, stepMs, (int)steps)
            : throw SampleBudget.TooManySamples(options.MaxSamples, options.MaxSamplesAdvice);
    }

    public long At(int step) => StartMs + (StepMs * step);
}
