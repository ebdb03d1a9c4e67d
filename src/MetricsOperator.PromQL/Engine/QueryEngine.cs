using MetricsOperator.Timeseries.Contracts;
using IQueryable = MetricsOperator.Timeseries.Contracts.IQueryable;

namespace MetricsOperator.PromQL.Engine;

/// <summary>Evaluates PromQL over a storage. Thread-safe; queries share nothing but the settings.</summary>
public sealed class QueryEngine(QueryEngineOptions options)
{
    public QueryEngineOptions Options { get; } = options;

    /// <summary>Evaluates a query at one time.</summary>
    /// <exception cref="Syntax.ParseException">The text is not valid.</exception>
    /// <exception cref="QueryExecutionException">The evaluation fails.</exception>
    /// <exception cref="QueryTimeoutException">It took too long.</exception>
    /// <exception cref="QueryCanceledException">The token was cancelled.</exception>
    /// <exception cref="StorageException">The storage failed.</exception>
    public QueryResult Instant(IQueryable storage, string query, long timeMs, QueryOptions options, CancellationToken cancellation) =>
        throw new QueryExecutionException("not written yet");

    /// <summary>Evaluates a query at every step from start to end, both included; the value is a matrix.</summary>
    /// <inheritdoc cref="Instant"/>
    public QueryResult Range(
        IQueryable storage, string query, long startMs, long endMs, long stepMs, QueryOptions options, CancellationToken cancellation) =>
        throw new QueryExecutionException("not written yet");
}
