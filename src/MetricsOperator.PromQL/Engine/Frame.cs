namespace MetricsOperator.PromQL.Engine;

/// <summary>The times at which an expression is evaluated: start, start + step, ...</summary>
internal readonly record struct Frame(long StartMs, long StepMs, int Steps)
{
    public long EndMs => StartMs + (StepMs * (Steps - 1));

    public static Frame Instant(long timeMs) => new(timeMs, 1, 1);

    public static Frame Range(long startMs, long endMs, long stepMs) => new(startMs, stepMs, checked((int)(((endMs - startMs) / stepMs) + 1)));

    public long At(int step) => StartMs + (StepMs * step);
}
