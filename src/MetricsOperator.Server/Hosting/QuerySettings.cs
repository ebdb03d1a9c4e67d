using MetricsOperator.PromQL.Engine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Memory;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Hosting;

/// <summary>What flags and configuration mean for the query engine.</summary>
internal static class QuerySettings
{
    // Names of Prometheus that change nothing here: always on, or about parts that this server does not have.
    private static readonly HashSet<string> WithoutEffect = new(StringComparer.Ordinal)
    {
        "native-histograms", "ooo-native-histograms", "promql-at-modifier", "promql-negative-offset", "memory-snapshot-on-shutdown", "auto-gomemlimit",
        "auto-gomaxprocs", "new-service-discovery-manager", "concurrent-rule-eval", "delayed-compaction", "use-uncached-io",
    };

    public static QueryEngineOptions Engine(ServerFlags flags, ServerConfig config, MemoryBudget? budget, TimeProvider time) => new()
    {
        Timeout = flags.QueryTimeout,
        MaxSamples = budget is null ? flags.QueryMaxSamples : Math.Min(flags.QueryMaxSamples, budget.MaxQuerySamples),
        MaxSamplesAdvice = budget is not null && budget.MaxQuerySamples < flags.QueryMaxSamples
            ? "ask for fewer series or steps, or raise --memory.budget"
            : "ask for fewer series or steps, or raise --query.max-samples",
        LookbackMs = (long)flags.LookbackDelta.TotalMilliseconds,
        DefaultSubqueryStepMs = (long)config.Global.EvaluationInterval.TotalMilliseconds,
        Features = flags.Features.Select(f => Feature(f) ?? EngineFeatures.None).Aggregate(EngineFeatures.None, (all, one) => all | one),
        Time = time,
    };

    public static ParserOptions Parser(ServerFlags flags) => new()
    {
        ExperimentalFunctions = flags.Features.Contains("promql-experimental-functions", StringComparer.Ordinal),
        DurationExpressions = flags.Features.Contains("promql-duration-expr", StringComparer.Ordinal),
    };

    /// <summary>Says which feature names are not known; they are no error, as in Prometheus.</summary>
    public static void WarnAboutUnknownFeatures(ServerFlags flags, ILogger logger)
    {
        foreach (var name in flags.Features)
        {
            if (Feature(name) is null && name != ServerHost.AutoReloadFeature && !WithoutEffect.Contains(name))
            {
                logger.LogWarning("Unknown option for --enable-feature: {Name}", name);
            }
        }
    }

    private static EngineFeatures? Feature(string name) => name switch
    {
        "promql-experimental-functions" => EngineFeatures.ExperimentalFunctions,
        "promql-duration-expr" => EngineFeatures.DurationExpressions,
        "promql-delayed-name-removal" => EngineFeatures.DelayedNameRemoval,
        "promql-per-step-stats" => EngineFeatures.PerStepStats,
        "type-and-unit-labels" => EngineFeatures.TypeAndUnitLabels,
        _ => null,
    };
}
