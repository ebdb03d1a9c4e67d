namespace MetricsOperator.PromQL.Engine;

/// <summary>
/// Counts the samples and the bytes that a query holds in memory and stops it at the limits, at its deadline, or when it is cancelled. Samples
/// are counted as Prometheus counts them, bytes as they are. Counting is for the query's thread, stopping for all.
/// </summary>
internal sealed class SampleBudget(
    long maxSamples, string advice, QueryMemory? memory, CancellationToken caller, CancellationToken deadline)
{
    /// <summary>What a decoded sample takes: a time and a value.</summary>
    public const int SampleBytes = 16;

    private const string Stage = "expression evaluation";

    private long _current;

    public long Peak { get; private set; }

    public void Charge(long samples)
    {
        _current += samples;
        Peak = Math.Max(Peak, _current);
        if (_current > maxSamples)
        {
            throw TooManySamples(maxSamples, advice);
        }
    }

    public static QueryExecutionException TooManySamples(long maxSamples, string advice) => new(
        $"query processing would load too many samples into memory in query execution: the limit is {maxSamples} samples; {advice}");

    public void Refund(long samples) => _current -= samples;

    /// <summary>Counts bytes that are no samples.</summary>
    public void ChargeBytes(long bytes) => memory?.Charge(bytes);

    public void RefundBytes(long bytes) => memory?.Refund(bytes);

    /// <summary>Counts samples that are held only for a moment.</summary>
    public void Touch(long samples)
    {
        Charge(samples);
        Refund(samples);
        if (memory is not null)
        {
            memory.Charge(samples * SampleBytes);
            memory.Refund(samples * SampleBytes);
        }
    }

    public void Charge(Column column)
    {
        // A sample takes two words in Prometheus' books; an empty step of a column takes one.
        column.Charged = Math.Max(column.Weight(), column.Steps / 2);
        Charge(column.Charged);
        if (memory is not null)
        {
            column.ChargedBytes = column.Bytes();
            memory.Charge(column.ChargedBytes);
        }

        ThrowIfStopped();
    }

    public void Release(Column column)
    {
        Refund(column.Charged);
        memory?.Refund(column.ChargedBytes);
        column.Release();
    }

    public void ThrowIfStopped()
    {
        if (caller.IsCancellationRequested)
        {
            throw new QueryCanceledException(Stage);
        }

        if (deadline.IsCancellationRequested)
        {
            throw new QueryTimeoutException(Stage);
        }
    }
}
