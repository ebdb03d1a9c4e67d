using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Relabeling;

namespace MetricsOperator.Server.Config;

/// <summary>Reads one entry of <c>scrape_configs</c>.</summary>
internal static class ScrapeConfigReader
{
    private static readonly HashSet<string> Fields =
    [
        "job_name", "scrape_interval", "scrape_timeout", "scrape_protocols", "fallback_scrape_protocol", "honor_labels", "honor_timestamps",
        "track_timestamps_staleness", "params", "metrics_path", "scheme", "enable_compression", "body_size_limit", "sample_limit", "target_limit",
        "label_limit", "label_name_length_limit", "label_value_length_limit", "keep_dropped_targets", "native_histogram_bucket_limit",
        "native_histogram_min_bucket_factor", "metric_name_validation_scheme", "metric_name_escaping_scheme", "always_scrape_classic_histograms",
        "convert_classic_histograms_to_nhcb", "static_configs", "kubernetes_sd_configs", "relabel_configs", "metric_relabel_configs",
        .. HttpConfigReader.Fields,
    ];

    private static readonly HashSet<string> Later =
    [
        "scrape_failure_log_file", "file_sd_configs", "http_sd_configs", "dns_sd_configs", "azure_sd_configs", "consul_sd_configs", "digitalocean_sd_configs",
        "docker_sd_configs", "dockerswarm_sd_configs", "ec2_sd_configs", "eureka_sd_configs", "gce_sd_configs", "hetzner_sd_configs", "ionos_sd_configs",
        "kuma_sd_configs", "lightsail_sd_configs", "linode_sd_configs", "marathon_sd_configs", "nerve_sd_configs", "nomad_sd_configs",
        "openstack_sd_configs", "ovhcloud_sd_configs", "puppetdb_sd_configs", "scaleway_sd_configs", "serverset_sd_configs", "stackit_sd_configs",
        "triton_sd_configs", "uyuni_sd_configs", "vultr_sd_configs",
        .. HttpConfigReader.Later,
    ];

    private static readonly HashSet<string> RelabelFields =
    [
        "action", "source_labels", "separator", "regex", "target_label", "replacement", "modulus",
    ];

    public static ScrapeConfig Read(ConfigNode node, GlobalConfig global, string folder)
    {
        var fields = node.AsFields("scrape_config", Fields, Later);
        var job = fields.String("job_name");
        if (job.Length == 0)
        {
            throw fields.Error("job_name", "job_name is empty");
        }

        var (interval, timeout) = ReadTimes(fields, global, job);
        ConfigFile.CheckFormatOptions(fields);
        fields.Count("native_histogram_bucket_limit");
        fields.Read("native_histogram_min_bucket_factor", 0d, n => n.AsNumber());
        return new ScrapeConfig
        {
            JobName = job,
            ScrapeInterval = interval,
            ScrapeTimeout = timeout,
            ScrapeProtocols = ConfigFile.ReadProtocols(fields, global.ScrapeProtocols),
            FallbackScrapeProtocol = fields.Read("fallback_scrape_protocol", (ScrapeProtocol?)null, n => ConfigFile.ReadProtocol(n)),
            HonorLabels = fields.Bool("honor_labels"),
            HonorTimestamps = fields.Bool("honor_timestamps", true),
            TrackTimestampsStaleness = fields.Bool("track_timestamps_staleness"),
            MetricsPath = fields.String("metrics_path", "/metrics"),
            Scheme = ReadScheme(fields),
            Params = fields.Read<IReadOnlyList<KeyValuePair<string, IReadOnlyList<string>>>>(
                "params", [], n => [.. n.AsEntries().Select(e => KeyValuePair.Create(e.Key, e.Value.AsStrings()))]),
            EnableCompression = fields.Bool("enable_compression", true),
            Limits = ConfigFile.ReadLimits(fields, global.Limits),
            Http = HttpConfigReader.Read(fields, folder),
            StaticConfigs = fields.List("static_configs", ReadStatic),
            KubernetesConfigs = fields.List("kubernetes_sd_configs", n => KubernetesConfigReader.Read(n, folder)),
            Relabel = ReadRelabel(fields, "relabel_configs"),
            MetricRelabel = ReadRelabel(fields, "metric_relabel_configs"),
        };
    }

    private static (TimeSpan Interval, TimeSpan Timeout) ReadTimes(ConfigFields fields, GlobalConfig global, string job)
    {
        var interval = fields.Duration("scrape_interval", TimeSpan.Zero);
        interval = interval == TimeSpan.Zero ? global.ScrapeInterval : interval;
        var timeout = fields.Duration("scrape_timeout", TimeSpan.Zero);
        if (timeout > interval)
        {
            throw fields.Error("scrape_timeout", $"scrape timeout greater than scrape interval for scrape config with job name {LabelNames.Quote(job)}");
        }

        return (interval, timeout != TimeSpan.Zero ? timeout : global.ScrapeTimeout > interval ? interval : global.ScrapeTimeout);
    }

    private static string ReadScheme(ConfigFields fields)
    {
        var scheme = fields.String("scheme", "http");
        return scheme is "http" or "https" ? scheme : throw fields.Error("scheme", $"got {LabelNames.Quote(scheme)}, want http or https");
    }

    private static StaticConfig ReadStatic(ConfigNode node)
    {
        var fields = node.AsFields("static_config", ["targets", "labels"]);
        var targets = fields.List("targets", n =>
        {
            var address = n.AsString();
            return address.Contains('/', StringComparison.Ordinal) ? throw n.Error($"{LabelNames.Quote(address)} is not a valid hostname") : address;
        });
        return new StaticConfig(targets, fields.Read("labels", LabelSet.Empty, n => ConfigFile.ReadLabels(n, v => v)));
    }

    private static RelabelConfig ReadRelabel(ConfigFields fields, string name)
    {
        if (!fields.Has(name))
        {
            return RelabelConfig.None;
        }

        var nodes = fields[name].AsList().Select(n => n.AsFields("relabel_config", RelabelFields)).ToList();
        var rules = nodes.ConvertAll(ReadRule);
        try
        {
            return rules.Count == 0 ? RelabelConfig.None : new RelabelConfig(rules, new RelabelProgram(rules));
        }
        catch (RelabelException e)
        {
            throw nodes[e.RuleIndex].Error(e.Field, e.Reason, e);
        }
    }

    private static RelabelRule ReadRule(ConfigFields fields)
    {
        var defaults = new RelabelRule();
        return new RelabelRule(
            fields.Read("action", RelabelAction.Replace, ReadAction),
            fields.List("source_labels", n => n.AsString()),
            fields.String("separator", defaults.Separator),
            fields.String("regex", defaults.Regex),
            fields.String("target_label", defaults.TargetLabel),
            fields.String("replacement", defaults.Replacement),
            (ulong)fields.Count("modulus"));
    }

    private static RelabelAction ReadAction(ConfigNode node)
    {
        var text = node.AsString();
        return !char.IsAsciiDigit(text.FirstOrDefault('0')) && Enum.TryParse<RelabelAction>(text, ignoreCase: true, out var action)
            ? action
            : throw node.Error($"unknown relabel action {LabelNames.Quote(text)}");
    }
}
