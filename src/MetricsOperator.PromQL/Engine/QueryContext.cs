using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.PromQL.Engine;

/// <summary>What all evaluators of one query share.</summary>
internal sealed class QueryContext(
    QueryPlan plan, ISeriesQuerier querier, SampleBudget budget, SampleStatistics statistics, QueryEngineOptions options, long lookbackMs, CancellationToken stop)
{
    public QueryPlan Plan { get; } = plan;

    public SampleBudget Budget { get; } = budget;

    public SampleStatistics Statistics { get; } = statistics;

    public Annotations Annotations { get; } = new();

    public long LookbackMs { get; } = lookbackMs;

    /// <summary>Other threads that may decode series.</summary>
    public int ReadAheadThreads { get; } = options.ReadAheadThreads;

    public bool DelayedNameRemoval { get; } = options.Features.HasFlag(EngineFeatures.DelayedNameRemoval);

    public bool TypeAndUnitLabels { get; } = options.Features.HasFlag(EngineFeatures.TypeAndUnitLabels);

    /// <summary>Selects the series of a selector.</summary>
    public ISeriesSet Select(VectorSelector selector) => Select(selector.Matchers, Plan.HintsOf(selector));

    public ISeriesSet Select(IReadOnlyList<LabelMatcher> matchers, SelectHints hints)
    {
        Budget.ThrowIfStopped();
        return querier.Select(sorted: false, hints, matchers, stop);
    }

    /// <summary>True if the reserved labels of a column count as gone already.</summary>
    public bool HidesReserved(Column column) => column.DropName && !DelayedNameRemoval;

    /// <summary>The labels of a column as later expressions see them.</summary>
    public LabelSet VisibleLabels(Column column) => HidesReserved(column) ? LabelProjection.WithoutReserved(column.Labels) : column.Labels;

    /// <summary>The metric name for remarks about a column.</summary>
    public static string NameOf(Column column) => column.Labels.MetricName;
}
