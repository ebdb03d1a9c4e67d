using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Memory;
using MetricsOperator.Server.Queries;
using Microsoft.AspNetCore.Http;

namespace MetricsOperator.Server.Http;

/// <summary>Evaluates queries for <c>/api/v1/query</c>, <c>query_range</c>, <c>format_query</c> and <c>parse_query</c>: reads and bounds the request, queues, answers.</summary>
internal sealed class QueryEndpoints(Func<QueryView?> view, QueryGate gate, QueryRecords records, ServerFlags flags, ParserOptions syntax, TimeProvider time) : IDisposable
{
    private const int MaxPointsPerSeries = 11_000;

    private readonly SemaphoreSlim _slots = new(flags.QueryConcurrency, flags.QueryConcurrency);
    private readonly QueryMetrics _metrics = new(flags.QueryConcurrency);

    public async Task InstantAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var timeMs = parameters.TimeMs("time", time.GetUtcNow().ToUnixTimeMilliseconds());
        var options = Options(parameters);
        await AnswerAsync(context, parameters, 0, (v, query, running) =>
            v.Engine.Instant(v.Storage, query.Text, query.Expression, timeMs, options with { Memory = running.Memory }, running.Stop));
    }

    public async Task RangeAsync(HttpContext context)
    {
        var parameters = await ApiParameters.ReadAsync(context);
        var startMs = parameters.TimeMs("start");
        var endMs = parameters.TimeMs("end");
        if (endMs < startMs)
        {
            throw ApiException.Parameter("end", "end timestamp must not be before start time");
        }

        var stepMs = (long)parameters.RequiredDuration("step").TotalMilliseconds;
        if (stepMs <= 0)
        {
            throw ApiException.Parameter("step", "zero or negative query resolution step widths are not accepted. Try a positive integer");
        }

        if ((endMs - startMs) / stepMs > MaxPointsPerSeries)
        {
            throw new ApiException(
                ApiErrorType.BadData, "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)");
        }

        var options = Options(parameters);
        await AnswerAsync(context, parameters, endMs - startMs, (v, query, running) =>
            v.Engine.Range(v.Storage, query.Text, query.Expression, startMs, endMs, stepMs, options with { Memory = running.Memory }, running.Stop));
    }

    public async Task FormatAsync(HttpContext context)
    {
        var expression = Parse(await ApiParameters.ReadAsync(context));
        await Envelope.WriteAsync(context, json => json.WriteStringValue(expression.ToPrettyString()));
    }

    public async Task ParseAsync(HttpContext context)
    {
        var expression = Parse(await ApiParameters.ReadAsync(context));
        await Envelope.WriteAsync(context, json => ExpressionJson.Write(json, expression));
    }

    public void Dispose()
    {
        _slots.Dispose();
        _metrics.Dispose();
    }

    private AskedQuery Read(string query)
    {
        try
        {
            return records.Asked.Read(query);
        }
        catch (ParseException e)
        {
            throw ApiException.Parameter("query", e.Message, e);
        }
    }

    private Expr Parse(ApiParameters parameters)
    {
        try
        {
            return PromQLParser.Parse(parameters.Get("query"), syntax);
        }
        catch (ParseException e)
        {
            throw ApiException.Parameter("query", e.Message, e);
        }
    }

    private QueryOptions Options(ApiParameters parameters)
    {
        var lookback = parameters.Get("lookback_delta").Length == 0 ? null : parameters.Duration("lookback_delta");
        return lookback <= TimeSpan.Zero
            ? throw new ApiException(ApiErrorType.BadData, "error parsing lookback delta duration: want a positive duration")
            : new QueryOptions
            {
                LookbackMs = (long?)lookback?.TotalMilliseconds,
                Timeout = parameters.Duration("timeout"),
                Limit = parameters.Limit(),
                PerStepStats = parameters.Get("stats") == "all" && flags.Features.Contains("promql-per-step-stats"),
            };
    }

    private async Task AnswerAsync(HttpContext context, ApiParameters parameters, long durationMs, Func<QueryView, AskedQuery, QueryGate.Running, QueryResult> evaluate)
    {
        var query = parameters.Get("query");
        if (view() is not { } current || records.Ledger is not { } ledger)
        {
            throw new ApiException(ApiErrorType.Unavailable, "TSDB not ready");
        }

        var asked = Read(query);
        var spanMs = durationMs + asked.Form.ReachMs;
        records.Usage.Count(asked.Usage, QueryRecords.IsMarked(context.Request));
        var verdict = ledger.Judge(asked.Form, spanMs);
        if (verdict.Refusal is not null)
        {
            throw new ApiException(ApiErrorType.Execution, verdict.Refusal);
        }

        using var running = gate.Enter(out var refusal, context.RequestAborted, verdict.MaxBytes, verdict.Warning)
            ?? throw new ApiException(ApiErrorType.Overloaded, refusal!);

        // It ends when the answer is sent: the result is in memory as long.
        using var entry = ledger.Prepare(query, asked.Form, spanMs);
        running.Holds = entry.Holds;
        var began = Stopwatch.GetTimestamp();
        if (!await _slots.WaitAsync(current.Engine.Options.Timeout, context.RequestAborted))
        {
            throw new QueryTimeoutException("query queue");
        }

        var queueTime = Stopwatch.GetElapsedTime(began);
        QueryResult? result = null;
        try
        {
            _metrics.Started();
            entry.Start();

            // On this thread, which is one of the pool and has nothing else to do: another one would have to be woken first.
            result = Evaluate(() => evaluate(current, asked, running));
            _metrics.Ended(result.Stats, queueTime);
        }
        catch (ParseException e)
        {
            throw ApiException.Parameter("query", e.Message, e);
        }
        catch (Exception) when (running.Cancelled is not null)
        {
            throw new ApiException(ApiErrorType.Overloaded, running.Cancelled);
        }
        finally
        {
            _metrics.Left();
            _slots.Release();
            ledger.Costs.Add(
                asked.Form, query, new QueryCost(running.Memory.Peak, result?.Stats.TotalQueryableSamples ?? 0, Stopwatch.GetElapsedTime(began) - queueTime, result is null));
        }

        var stats = parameters.Get("stats").Length > 0;
        IReadOnlyList<string> warnings = verdict.Warning is null ? result.Warnings : [.. result.Warnings, verdict.Warning];
        await Envelope.WriteAsync(context, output => QueryJson.WriteAsync(output, result, stats, queueTime), warnings, result.Infos);
    }

    private static QueryResult Evaluate(Func<QueryResult> evaluate)
    {
        QueryThread.IsEvaluating = true;
        try
        {
            return evaluate();
        }
        catch (OutOfMemoryException e)
        {
            var limit = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
            throw new ApiException(
                ApiErrorType.Execution,
                string.Create(CultureInfo.InvariantCulture, $"query needs more memory than the server has: its heap is limited to {limit} bytes; ask for fewer series or steps, or raise --memory.budget"),
                e);
        }
        finally
        {
            QueryThread.IsEvaluating = false;
        }
    }

    /// <summary>Figures about queries, under Prometheus' names.</summary>
    private sealed class QueryMetrics : IDisposable
    {
        private readonly Meter _meter = new("MetricsOperator.Server");
        private readonly UpDownCounter<long> _running;
        private readonly Histogram<double> _durations;
        private readonly Counter<long> _samples;

        public QueryMetrics(int concurrency)
        {
            _running = _meter.CreateUpDownCounter<long>("prometheus_engine_queries", description: "The current number of queries being executed or waiting.");
            _meter.CreateObservableGauge("prometheus_engine_queries_concurrent_max", () => concurrency, description: "The max number of concurrent queries.");
            _samples = _meter.CreateCounter<long>("prometheus_engine_query_samples_total", description: "The total number of samples loaded by all queries.");
            _durations = _meter.CreateHistogram(
                "prometheus_engine_query_duration_seconds",
                description: "Query timings.",
                advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.01, 0.1, 1, 10, 60] });
        }

        public void Started() => _running.Add(1);

        public void Left() => _running.Add(-1);

        public void Ended(QueryStats stats, TimeSpan queueTime)
        {
            _samples.Add(stats.TotalQueryableSamples);
            Record("queue_time", queueTime);
            Record("prepare_time", stats.PreparationTime);
            Record("inner_eval", stats.InnerEvalTime);
            Record("result_sort", stats.ResultSortTime);
        }

        public void Dispose() => _meter.Dispose();

        private void Record(string slice, TimeSpan duration) => _durations.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("slice", slice));
    }
}
