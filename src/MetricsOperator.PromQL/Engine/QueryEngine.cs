using System.Diagnostics;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Contracts;
using IQueryable = MetricsOperator.Timeseries.Contracts.IQueryable;

namespace MetricsOperator.PromQL.Engine;

/// <summary>Evaluates PromQL over a storage. Thread-safe; queries share nothing but the settings.</summary>
public sealed class QueryEngine(QueryEngineOptions options)
{
    private readonly ParserOptions _parser = new()
    {
        ExperimentalFunctions = options.Features.HasFlag(EngineFeatures.ExperimentalFunctions),
        DurationExpressions = options.Features.HasFlag(EngineFeatures.DurationExpressions),
    };

    public QueryEngineOptions Options { get; } = options;

    /// <summary>Evaluates a query at one time.</summary>
    /// <exception cref="ParseException">The text is not valid.</exception>
    /// <exception cref="QueryExecutionException">The evaluation fails.</exception>
    /// <exception cref="QueryTimeoutException">It took too long.</exception>
    /// <exception cref="QueryCanceledException">The token was cancelled.</exception>
    /// <exception cref="StorageException">The storage failed.</exception>
    public QueryResult Instant(IQueryable storage, string query, long timeMs, QueryOptions options, CancellationToken cancellation) =>
        Instant(storage, query, PromQLParser.Parse(query, _parser), timeMs, options, cancellation);

    /// <inheritdoc cref="Instant(IQueryable, string, long, QueryOptions, CancellationToken)"/>
    /// <param name="storage">What is queried.</param>
    /// <param name="query">The text, for positions in remarks.</param>
    /// <param name="expression">What was read from it, with the syntax that the settings allow.</param>
    /// <param name="timeMs">The time, in milliseconds since 1970.</param>
    /// <param name="options">Limits of this query.</param>
    /// <param name="cancellation">Stops it.</param>
    public QueryResult Instant(IQueryable storage, string query, Expr expression, long timeMs, QueryOptions options, CancellationToken cancellation) =>
        Run(storage, query, expression, Frame.Instant(timeMs), isRange: false, options, cancellation);

    /// <summary>Evaluates a query at every step from start to end, both included; the value is a matrix.</summary>
    /// <exception cref="ParseException">The text is not valid, or its type cannot be evaluated over a range.</exception>
    /// <exception cref="QueryExecutionException">The evaluation fails.</exception>
    /// <exception cref="QueryTimeoutException">It took too long.</exception>
    /// <exception cref="QueryCanceledException">The token was cancelled.</exception>
    /// <exception cref="StorageException">The storage failed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is not positive or the end is before the start.</exception>
    public QueryResult Range(
        IQueryable storage, string query, long startMs, long endMs, long stepMs, QueryOptions options, CancellationToken cancellation) =>
        Range(storage, query, PromQLParser.Parse(query, _parser), startMs, endMs, stepMs, options, cancellation);

    /// <inheritdoc cref="Range(IQueryable, string, long, long, long, QueryOptions, CancellationToken)"/>
    /// <param name="storage">What is queried.</param>
    /// <param name="query">The text, for positions in remarks.</param>
    /// <param name="expression">What was read from it, with the syntax that the settings allow.</param>
    /// <param name="startMs">Time of the first step, in milliseconds since 1970.</param>
    /// <param name="endMs">No step is after it.</param>
    /// <param name="stepMs">Time between steps.</param>
    /// <param name="options">Limits of this query.</param>
    /// <param name="cancellation">Stops it.</param>
    public QueryResult Range(
        IQueryable storage, string query, Expr expression, long startMs, long endMs, long stepMs, QueryOptions options, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(stepMs);
        ArgumentOutOfRangeException.ThrowIfLessThan(endMs, startMs);
        if (expression.Type is not (PromType.Scalar or PromType.InstantVector))
        {
            throw new ParseException(
                $"invalid expression type \"{expression.Type.Describe()}\" for range query, must be Scalar or instant Vector");
        }

        return Run(storage, query, expression, Frame.Range(startMs, endMs, stepMs, Options), isRange: true, options, cancellation);
    }

    private QueryResult Run(
        IQueryable storage, string query, Expr expression, Frame frame, bool isRange, QueryOptions options, CancellationToken cancellation)
    {
        var started = Stopwatch.GetTimestamp();
        var timeout = options.Timeout is { } wanted && wanted < Options.Timeout ? wanted : Options.Timeout;
        using var deadline = new CancellationTokenSource(timeout, Options.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, deadline.Token);
        var lookback = options.LookbackMs ?? Options.LookbackMs;
        var plan = new QueryPlan(expression, frame, lookback, Options);
        var budget = new SampleBudget(Options.MaxSamples, Options.MaxSamplesAdvice, options.Memory, cancellation, deadline.Token);
        var statistics = new SampleStatistics(frame.Steps, options.PerStepStats);
        try
        {
            using var querier = storage.OpenQuerier(Math.Min(plan.MinMs, plan.MaxMs), Math.Max(plan.MinMs, plan.MaxMs));
            var context = new QueryContext(plan, querier, budget, statistics, Options, lookback, stop.Token);
            var prepared = Stopwatch.GetTimestamp();
            var evaluator = new Evaluator(context, frame, statistics);
            var result = new ResultBuilder(evaluator, options.Limit).Build(expression, isRange, out var sorting);
            var total = Stopwatch.GetElapsedTime(started);
            var stats = new QueryStats
            {
                TotalQueryableSamples = statistics.Total,
                PeakSamples = budget.Peak,
                SamplesPerStep = statistics.PerStep?.Select((count, step) => (frame.At(step), count)).ToList(),
                PreparationTime = Stopwatch.GetElapsedTime(started, prepared),
                InnerEvalTime = total - Stopwatch.GetElapsedTime(started, prepared) - sorting,
                ResultSortTime = sorting,
                TotalTime = total,
            };
            return new QueryResult(result, context.Annotations.Warnings(query), context.Annotations.Infos(query), stats);
        }
        catch (OperationCanceledException)
        {
            budget.ThrowIfStopped();
            throw;
        }
    }
}
