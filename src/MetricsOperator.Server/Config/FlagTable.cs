namespace MetricsOperator.Server.Config;

/// <summary>What a flag's value is.</summary>
public enum FlagKind
{
    Text,
    Switch,
    Duration,
    Number,

    /// <summary>Bytes in Prometheus' notation (<c>512MB</c>).</summary>
    Size,

    /// <summary>Bytes as a Kubernetes quantity (<c>512Mi</c>).</summary>
    Quantity,

    /// <summary>May be given several times, each a comma-separated list.</summary>
    List,
}

/// <summary>One command-line flag.</summary>
/// <param name="Name">Name without dashes.</param>
/// <param name="Kind">What its value is.</param>
/// <param name="Default">Default as it would be written.</param>
/// <param name="Help">One sentence.</param>
public sealed record FlagDefinition(string Name, FlagKind Kind, string Default, string Help);

/// <summary>The flags of the server: Prometheus' names where Prometheus has the flag.</summary>
public static class FlagTable
{
    public static readonly IReadOnlyList<FlagDefinition> All =
    [
        new("config.file", FlagKind.Text, "prometheus.yml", "Configuration file path."),
        new("config.auto-reload-interval", FlagKind.Duration, "30s", "How often the configuration file is compared with what is in force (feature auto-reload-config)."),
        new("web.listen-address", FlagKind.List, "0.0.0.0:9090", "Address to listen on for API and telemetry; may be repeated."),
        new("web.read-timeout", FlagKind.Duration, "5m", "How long a request may take to arrive; idle connections are closed after it."),
        new("web.max-connections", FlagKind.Number, "512", "Maximum number of simultaneous connections."),
        new("web.external-url", FlagKind.Text, "", "URL under which the server is reachable from outside."),
        new("web.route-prefix", FlagKind.Text, "", "Prefix of all paths; the path of --web.external-url unless given."),
        new("web.enable-lifecycle", FlagKind.Switch, "false", "Allow reload and shutdown by HTTP request."),
        new("web.enable-admin-api", FlagKind.Switch, "false", "Allow administrative requests."),
        new("web.enable-remote-write-receiver", FlagKind.Switch, "false", "Accept remote write requests."),
        new("web.remote-write-receiver.accepted-protobuf-messages", FlagKind.List, "prometheus.WriteRequest,io.prometheus.write.v2.Request", "Remote write messages to accept."),
        new("web.page-title", FlagKind.Text, "MetricsOperator", "Title of the start page."),
        new("web.cors.origin", FlagKind.Text, ".*", "Regular expression for allowed CORS origins, anchored."),
        new("web.max-notifications-subscribers", FlagKind.Number, "16", "Accepted for compatibility; there is no notification stream."),
        new("storage.tsdb.path", FlagKind.Text, "data/", "Data directory."),
        new("storage.tsdb.retention.time", FlagKind.Duration, "15d", "How long samples are kept."),
        new("storage.tsdb.retention.size", FlagKind.Size, "0", "How many bytes blocks, log and head chunks may use; 0 is no limit."),
        new("storage.tsdb.retention.percentage", FlagKind.Number, "0", "How much of the volume blocks, log and head chunks may use, in percent; 0 is no limit. The lower of two limits counts."),
        new("storage.tsdb.min-block-duration", FlagKind.Duration, "2h", "Time range of blocks cut from the head."),
        new("storage.tsdb.max-block-duration", FlagKind.Duration, "0s", "Longest time range of a block; 0 is a tenth of the retention, at most 31d."),
        new("storage.tsdb.wal-segment-size", FlagKind.Size, "128MB", "Size of a log segment."),
        new("storage.tsdb.wal-compression", FlagKind.Switch, "true", "Compress log records."),
        new("storage.tsdb.no-lockfile", FlagKind.Switch, "false", "Accepted for compatibility; the data directory is always locked."),
        new("storage.exemplars.max-bytes", FlagKind.Size, "4MB", "How much memory exemplars may use; how many there may be is in the configuration file."),
        new("query.lookback-delta", FlagKind.Duration, "5m", "How far back a selector looks for a sample."),
        new("query.timeout", FlagKind.Duration, "2m", "How long a query may take."),
        new("query.max-concurrency", FlagKind.Number, "20", "How many queries run at the same time."),
        new("query.max-samples", FlagKind.Number, "50000000", "How many samples one query may load."),
        new("query.killer-refusal", FlagKind.Duration, "1d", "How long a query that killed the server twice is refused; 0s to do nothing about such queries."),
        new("scrape.adjust-timestamps", FlagKind.Switch, "true", "Align scrape timestamps that are off by up to the tolerance."),
        new("scrape.timestamp-tolerance", FlagKind.Duration, "2ms", "Largest alignment of a scrape timestamp."),
        new("enable-feature", FlagKind.List, "", "Comma-separated feature names."),
        new("memory.budget", FlagKind.Quantity, "0", "Memory that the process may use, such as 512Mi; 0 takes the limit of the control group, if there is one."),
        new("memory.protected-metrics", FlagKind.Text, "", "Anchored regular expression of metric names whose new series are accepted as long as there is any memory."),
        new("memory.guard", FlagKind.Text, "enforce", "What is done to stay inside the budget: enforce, or observe, which only measures and counts."),
        new("stall-restart", FlagKind.Duration, "1m", "How long scraping or the memory guard may stand still before the process ends itself with exit code 80, to be started again; 0s never."),
        new("termination-log", FlagKind.Text, "", "File that always holds the newest account of this process, for whoever looks after its death."),
        new("log.level", FlagKind.Text, "info", "Least severe messages to log: debug, info, warn, error."),
        new("log.format", FlagKind.Text, "logfmt", "Format of log lines: logfmt, json."),
    ];
}
