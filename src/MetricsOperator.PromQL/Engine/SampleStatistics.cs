namespace MetricsOperator.PromQL.Engine;

/// <summary>Counts the samples that steps use. Evaluators of subqueries count into one that is thrown away, because their outer function counts.</summary>
internal sealed class SampleStatistics(int steps, bool perStep)
{
    private readonly long[]? _perStep = perStep ? new long[steps] : null;

    public long Total { get; private set; }

    public IReadOnlyList<long>? PerStep => _perStep;

    public void Count(int step, long samples)
    {
        Total += samples;
        if (_perStep is not null && step < _perStep.Length)
        {
            _perStep[step] += samples;
        }
    }
}
