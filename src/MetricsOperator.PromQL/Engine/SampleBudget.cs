namespace MetricsOperator.PromQL.Engine;

/// <summary>Counts the samples a query holds in memory and stops it at the limit, at its deadline, or when it is cancelled.</summary>
internal sealed class SampleBudget(long maxSamples, CancellationToken caller, CancellationToken deadline)
{
    private const string Stage = "expression evaluation";

    private long _current;

    public long Peak { get; private set; }

    public void Charge(long samples)
    {
        _current += samples;
        Peak = Math.Max(Peak, _current);
        if (_current > maxSamples)
        {
            throw TooManySamples();
        }
    }

    public static QueryExecutionException TooManySamples() => new("query processing would load too many samples into memory in query execution");

    public void Refund(long samples) => _current -= samples;

    /// <summary>Counts samples that are held only for a moment.</summary>
    public void Touch(long samples)
    {
        Charge(samples);
        Refund(samples);
    }

    public void Charge(Column column)
    {
        // A sample takes two words in Prometheus' books; an empty step of a column takes one.
        column.Charged = Math.Max(column.Weight(), column.Steps / 2);
        Charge(column.Charged);
        ThrowIfStopped();
    }

    public void Release(Column column)
    {
        Refund(column.Charged);
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
