namespace MetricsOperator.PromQL.Engine;

/// <summary>
/// Counts the bytes that one query holds: columns with their labels, decoded samples, groups, results. Thread-safe for readers; the query
/// charges and refunds.
/// </summary>
/// <param name="maxBytes">Most bytes the query may hold at a time.</param>
/// <param name="advice">How to raise that limit, for the error.</param>
/// <param name="changed">Told of every change, in bytes; null for nobody.</param>
public sealed class QueryMemory(long maxBytes, string advice, Action<long>? changed = null)
{
    private long _held;

    /// <summary>Bytes held now.</summary>
    public long Held => Volatile.Read(ref _held);

    /// <summary>Most bytes held so far.</summary>
    public long Peak { get; private set; }

    /// <summary>Adds bytes.</summary>
    /// <exception cref="QueryExecutionException">The limit is exceeded; the bytes stay counted.</exception>
    public void Charge(long bytes)
    {
        Refund(-bytes);
        Peak = Math.Max(Peak, _held);
        if (_held > maxBytes)
        {
            throw new QueryExecutionException($"query would hold {_held} bytes in memory, more than the limit of {maxBytes}: {advice}");
        }
    }

    /// <summary>Takes bytes off again.</summary>
    public void Refund(long bytes)
    {
        Volatile.Write(ref _held, _held - bytes);
        changed?.Invoke(-bytes);
    }
}
