using System.Diagnostics.Metrics;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Queries;

/// <summary>
/// All that is remembered of queries: which run, what their forms cost, which of them killed the server. It exists once the data directory is open.
/// Thread-safe.
/// </summary>
internal sealed class QueryLedger : IDisposable
{
    private const int MaxForms = 500;
    private const int MaxToldUnfinished = 20;

    private readonly ActiveQueryLog _active;
    private readonly Meter _meter = new("MetricsOperator.Server");
    private long _refused;

    private QueryLedger(ActiveQueryLog active, IReadOnlyList<ActiveQuery> unfinished, QueryDeaths deaths, TimeProvider time)
    {
        _active = active;
        Unfinished = unfinished;
        Deaths = deaths;
        Costs = new QueryCosts(MaxForms, time);
        _meter.CreateObservableGauge("metricsoperator_queries_unfinished", () => Unfinished.Count, description: "Queries that ran when the last run of the server died.");
        _meter.CreateObservableCounter("metricsoperator_queries_unlogged_total", () => _active.Unlogged, description: "Queries that ran without an entry in queries.active.");
        _meter.CreateObservableGauge("metricsoperator_query_forms", () => Costs.Count, description: "Forms of queries whose cost is known.");
        _meter.CreateObservableCounter("metricsoperator_query_forms_forgotten_total", () => Costs.Forgotten, description: "Forms of queries whose cost was forgotten to make room.");
        _meter.CreateObservableGauge(
            "metricsoperator_query_forms_refused", () => Deaths.All.Count(k => k.RefusedUntil is not null), description: "Forms of queries that are refused because they killed the server.");
        _meter.CreateObservableCounter(
            "metricsoperator_queries_refused_for_deaths_total", () => Interlocked.Read(ref _refused), description: "Queries refused because their form killed the server.");
    }

    /// <summary>The queries that ran when the last run died.</summary>
    public IReadOnlyList<ActiveQuery> Unfinished { get; }

    public QueryDeaths Deaths { get; }

    public QueryCosts Costs { get; }

    /// <summary>The queries that run, oldest first.</summary>
    public IReadOnlyList<ActiveQuery> Running => _active.Running;

    /// <summary>Takes up what the last run left behind, says so, and begins anew. Never fails: what cannot be read is told to the logger.</summary>
    /// <param name="files">The files beside the data.</param>
    /// <param name="entries">How many queries are written down at a time.</param>
    /// <param name="refusal">How long a query that killed the server twice is refused.</param>
    /// <param name="bootId">Names this life of the process.</param>
    /// <param name="memory">What the scarcest part of the process' memory uses, and its limit, 0 for none.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told what is found.</param>
    public static QueryLedger Open(
        CompanionFiles files, int entries, TimeSpan refusal, string bootId, Func<(long Used, long Limit)> memory, TimeProvider time, ILogger logger)
    {
        var deaths = QueryDeaths.Load(files, refusal, time, logger);
        var unfinished = ActiveQueryLog.ReadUnfinished(files, logger);
        foreach (var query in unfinished.Take(MaxToldUnfinished))
        {
            logger.LogWarning(
                "A query did not finish in the last run: fingerprint {Fingerprint}, began at {Started}, held up to {Peak} bytes: {Query}",
                query.Fingerprint is { } fingerprint ? QueryForm.Format(fingerprint) : "unknown", query.Started, query.PeakBytes, query.Query);
        }

        if (unfinished.Count > MaxToldUnfinished)
        {
            logger.LogWarning("{Count} more queries did not finish in the last run", unfinished.Count - MaxToldUnfinished);
        }

        // Before the list begins anew: a start that is killed in between finds the same death again, and records it once.
        if (QueryDeaths.Culprit(unfinished) is { } culprit)
        {
            deaths.Record(culprit);
        }

        return new QueryLedger(ActiveQueryLog.Create(files, entries, bootId, memory, time, logger), unfinished, deaths, time);
    }

    /// <summary>What is done about a query; one that is refused is counted.</summary>
    public QueryVerdict Judge(QueryForm form, long spanMs)
    {
        var verdict = Deaths.Of(form, spanMs);
        if (verdict.Refusal is not null)
        {
            Interlocked.Increment(ref _refused);
        }

        return verdict;
    }

    /// <summary>Writes down again what running queries hold; to be called every few seconds.</summary>
    public void Refresh() => _active.Refresh();

    /// <summary>An entry for a query that is about to run; disposing it is its end.</summary>
    public ActiveQueryLog.Entry Prepare(string query, QueryForm form, long spanMs) => _active.Prepare(query, form, spanMs);

    public void Dispose()
    {
        _meter.Dispose();
        _active.Dispose();
    }
}
