namespace MetricsOperator.PromQL.Engine;

/// <summary>Parts of the language that are off by default, as Prometheus' feature flags.</summary>
[Flags]
public enum EngineFeatures
{
    None = 0,

    /// <summary><c>promql-experimental-functions</c></summary>
    ExperimentalFunctions = 1,

    /// <summary><c>promql-duration-expr</c></summary>
    DurationExpressions = 2,

    /// <summary><c>promql-delayed-name-removal</c></summary>
    DelayedNameRemoval = 4,

    /// <summary><c>promql-per-step-stats</c></summary>
    PerStepStats = 8,

    /// <summary><c>type-and-unit-labels</c>: annotations look at <c>__type__</c> instead of the name's ending.</summary>
    TypeAndUnitLabels = 16,
}

/// <summary>Settings of an engine, the same for all its queries.</summary>
public sealed record QueryEngineOptions
{
    /// <summary>Longest time a query may take; a query may ask for less, never for more.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Most samples a query may hold in memory at a time.</summary>
    public long MaxSamples { get; init; } = 50_000_000;

    /// <summary>What the error says to do about <see cref="MaxSamples"/>.</summary>
    public string MaxSamplesAdvice { get; init; } = "ask for fewer series or steps, or raise it";

    /// <summary>How far back an instant selector looks for a sample.</summary>
    public long LookbackMs { get; init; } = 5 * 60 * 1000;

    /// <summary>Step of subqueries that name none: the global evaluation interval.</summary>
    public long DefaultSubqueryStepMs { get; init; } = 60 * 1000;

    /// <summary>Other threads that decode series for a query of many series; 0 for none.</summary>
    public int ReadAheadThreads { get; init; } = Math.Min(Environment.ProcessorCount - 1, 3);

    public EngineFeatures Features { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>Settings of one query.</summary>
public sealed record QueryOptions
{
    public static readonly QueryOptions Default = new();

    /// <summary>Lookback of this query, or null for the engine's.</summary>
    public long? LookbackMs { get; init; }

    /// <summary>Time limit of this query; the engine's wins when it is shorter.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Counts and limits the bytes that the query holds; null to do neither.</summary>
    public QueryMemory? Memory { get; init; }

    /// <summary>Most series in the result, 0 for all; what is beyond is cut with a warning.</summary>
    public int Limit { get; init; }

    /// <summary>Collect <see cref="QueryStats.SamplesPerStep"/>.</summary>
    public bool PerStepStats { get; init; }
}
