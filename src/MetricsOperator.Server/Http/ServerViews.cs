using MetricsOperator.PromQL.Engine;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb;
using IQueryable = MetricsOperator.Timeseries.Contracts.IQueryable;

namespace MetricsOperator.Server.Http;

/// <summary>What queries run on; exists once replay is done.</summary>
/// <param name="Storage">The samples.</param>
/// <param name="Engine">Evaluates PromQL with the configuration in force.</param>
/// <param name="Head">Figures of the head.</param>
/// <param name="Cardinality">The largest names and values of the head, at most so many per table.</param>
public sealed record QueryView(IQueryable Storage, QueryEngine Engine, Func<HeadStats> Head, Func<int, HeadCardinality> Cardinality);

/// <summary>A target as the API shows it.</summary>
public sealed record TargetView(
    LabelSet DiscoveredLabels,
    LabelSet Labels,
    string ScrapePool,
    Uri ScrapeUrl,
    string LastError,
    DateTimeOffset LastScrape,
    TimeSpan LastScrapeDuration,
    string Health,
    TimeSpan ScrapeInterval,
    TimeSpan ScrapeTimeout);

/// <summary>The targets of one job.</summary>
/// <param name="Name">Name of the job.</param>
/// <param name="Active">Targets that are scraped.</param>
/// <param name="Dropped">Discovered labels of dropped targets, as many as the job keeps.</param>
/// <param name="DroppedCount">How many were dropped.</param>
public sealed record ScrapePoolView(string Name, IReadOnlyList<TargetView> Active, IReadOnlyList<LabelSet> Dropped, int DroppedCount);

/// <summary>What a target says about one metric family.</summary>
public sealed record MetadataView(LabelSet Target, string Metric, MetricMetadata Metadata);

/// <summary>The state of the process.</summary>
/// <param name="StartTime">When it began.</param>
/// <param name="Phase">replay, ready or stopping.</param>
/// <param name="ReplayPercent">How much of the log is read, 0 to 100.</param>
/// <param name="ReplayTimeLeft">How long the rest will take about; null when that is not known.</param>
/// <param name="ReplaySegments">Segments to read and read so far.</param>
/// <param name="ConfigHash">SHA-256 of the configuration file in force.</param>
/// <param name="ConfigError">Why the newest file was refused, or empty.</param>
/// <param name="ConfigTime">When the configuration in force was loaded.</param>
public sealed record RuntimeView(
    DateTimeOffset StartTime,
    string Phase,
    double ReplayPercent,
    TimeSpan? ReplayTimeLeft,
    (long Total, long Done) ReplaySegments,
    string ConfigHash,
    string ConfigError,
    DateTimeOffset ConfigTime);
