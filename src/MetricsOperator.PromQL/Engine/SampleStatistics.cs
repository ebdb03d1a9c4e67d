namespace MetricsOperator.PromQL.Engine;

/// <summary>Counts the samples that steps use. Evaluators of subqueries count into one that is thrown away, because their outer function counts.</summary>
internal sealed class SampleStatistics(int steps, bool perStep)
{
    private readonly long[]? _perStep = perStep ? new long[steps] : null;

    public long Total { get; private set; }

    public IReadOnlyList<long>? PerStep => _perStep;

    /// <summary>True if somebody wants to know the counts of single steps.</summary>
    public bool IsPerStep => _perStep is not null;

    /// <summary>Counts samples of many steps at once; only if <see cref="IsPerStep"/> is false.</summary>
    public void CountAll(long samples) => Total += samples;

    public void Count(int step, long samples)
    {
        Total += samples;
        if (_perStep is not null && step < _perStep.Length)
        {
            _perStep[step] += samples;
        }
    }
}
