using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Relabeling;

namespace MetricsOperator.Server.Config;

/// <summary>A configuration file that was read, checked and completed with defaults. Immutable; a reload makes a new one.</summary>
public sealed record ServerConfig
{
    /// <summary>Fewer than Prometheus keeps, because they count against the memory of the process.</summary>
    public const int DefaultMaxExemplars = 10_000;

    /// <summary>Lower-case hex SHA-256 of the file's bytes.</summary>
    public required string Hash { get; init; }

    public required GlobalConfig Global { get; init; }

    public required IReadOnlyList<ScrapeConfig> ScrapeConfigs { get; init; }

    /// <summary>storage.tsdb.out_of_order_time_window; zero refuses out-of-order samples.</summary>
    public TimeSpan OutOfOrderTimeWindow { get; init; }

    /// <summary>storage.exemplars.max_exemplars; 0 keeps none.</summary>
    public int MaxExemplars { get; init; } = DefaultMaxExemplars;
}

/// <summary>The <c>global</c> section.</summary>
public sealed record GlobalConfig
{
    public TimeSpan ScrapeInterval { get; init; }

    public TimeSpan ScrapeTimeout { get; init; }

    public TimeSpan EvaluationInterval { get; init; }

    public TimeSpan RuleQueryOffset { get; init; }

    public IReadOnlyList<ScrapeProtocol> ScrapeProtocols { get; init; } = [];

    /// <summary>Labels that leave this server with alerts and remote data; environment references are expanded.</summary>
    public LabelSet ExternalLabels { get; init; } = LabelSet.Empty;

    public ScrapeLimits Limits { get; init; } = new();
}

/// <summary>Limits of one scrape; 0 is no limit.</summary>
public sealed record ScrapeLimits
{
    /// <summary>Bytes of the uncompressed body.</summary>
    public long BodySize { get; init; }

    /// <summary>Samples after metric relabeling.</summary>
    public long Samples { get; init; }

    /// <summary>Targets of the job after relabeling.</summary>
    public long Targets { get; init; }

    /// <summary>Labels per series.</summary>
    public long Labels { get; init; }

    public long LabelNameLength { get; init; }

    public long LabelValueLength { get; init; }

    /// <summary>How many dropped targets are remembered for display.</summary>
    public long KeepDroppedTargets { get; init; }
}

/// <summary>An exposition format that a scrape offers to accept.</summary>
public enum ScrapeProtocol
{
    OpenMetricsText100,
    OpenMetricsText001,
    PrometheusText100,
    PrometheusText004,
}

/// <summary>A list of relabel rules and its compiled form.</summary>
public sealed record RelabelConfig(IReadOnlyList<RelabelRule> Rules, RelabelProgram Program)
{
    public static RelabelConfig None { get; } = new([], new RelabelProgram([]));
}
