using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Relabeling;

namespace MetricsOperator.Server.Config;

/// <summary>Writes a configuration back as a file with all defaults filled in, as <c>/api/v1/status/config</c> shows it.</summary>
public static class EffectiveConfig
{
    private const string Hidden = "<secret>";

    /// <summary>The whole file; secrets read <c>&lt;secret&gt;</c>.</summary>
    public static string ToYaml(ServerConfig config)
    {
        var yaml = new YamlText();
        yaml.Map("global", t => WriteGlobal(t, config.Global));
        yaml.List("scrape_configs", config.ScrapeConfigs, (t, job) => WriteJob(t, job, _ => Hidden));
        yaml.Map("storage", t =>
        {
            if (config.OutOfOrderTimeWindow > TimeSpan.Zero)
            {
                t.Map("tsdb", s => s.Field("out_of_order_time_window", config.OutOfOrderTimeWindow));
            }

            t.Map("exemplars", s => s.Field("max_exemplars", config.MaxExemplars));
        });

        return yaml.ToString();
    }

    /// <summary>One job with its secrets, to tell whether it changed.</summary>
    internal static string Job(ScrapeConfig job)
    {
        var yaml = new YamlText();
        yaml.Item(t => WriteJob(t, job, secret => secret));
        return yaml.ToString();
    }

    internal static string ProtocolName(ScrapeProtocol protocol) => protocol switch
    {
        ScrapeProtocol.OpenMetricsText100 => "OpenMetricsText1.0.0",
        ScrapeProtocol.OpenMetricsText001 => "OpenMetricsText0.0.1",
        ScrapeProtocol.PrometheusText100 => "PrometheusText1.0.0",
        _ => "PrometheusText0.0.4",
    };

    private static void WriteGlobal(YamlText yaml, GlobalConfig global)
    {
        yaml.Field("scrape_interval", global.ScrapeInterval)
            .Field("scrape_timeout", global.ScrapeTimeout)
            .List("scrape_protocols", global.ScrapeProtocols.Select(ProtocolName))
            .Field("evaluation_interval", global.EvaluationInterval);
        if (global.RuleQueryOffset > TimeSpan.Zero)
        {
            yaml.Field("rule_query_offset", global.RuleQueryOffset);
        }

        WriteLabels(yaml, "external_labels", global.ExternalLabels);
        WriteLimits(yaml, global.Limits);
    }

    private static void WriteJob(YamlText yaml, ScrapeConfig job, Func<string, string> secret)
    {
        yaml.Field("job_name", job.JobName)
            .FieldIf("honor_labels", job.HonorLabels)
            .Field("honor_timestamps", job.HonorTimestamps)
            .Field("track_timestamps_staleness", job.TrackTimestampsStaleness);
        if (job.Params.Count > 0)
        {
            yaml.Map("params", t =>
            {
                foreach (var (name, values) in job.Params)
                {
                    t.List(name, values);
                }
            });
        }

        yaml.Field("scrape_interval", job.ScrapeInterval)
            .Field("scrape_timeout", job.ScrapeTimeout)
            .List("scrape_protocols", job.ScrapeProtocols.Select(ProtocolName))
            .FieldIf("fallback_scrape_protocol", job.FallbackScrapeProtocol is { } fallback ? ProtocolName(fallback) : string.Empty)
            .Field("metrics_path", job.MetricsPath)
            .Field("scheme", job.Scheme)
            .Field("enable_compression", job.EnableCompression);
        WriteLimits(yaml, job.Limits);
        WriteHttp(yaml, job.Http, secret);
        yaml.List("relabel_configs", job.Relabel.Rules, WriteRule)
            .List("metric_relabel_configs", job.MetricRelabel.Rules, WriteRule)
            .List("kubernetes_sd_configs", job.KubernetesConfigs, WriteKubernetes)
            .List("static_configs", job.StaticConfigs, (t, s) => WriteLabels(t.List("targets", s.Targets), "labels", s.Labels));
    }

    private static void WriteLimits(YamlText yaml, ScrapeLimits limits) => yaml
        .FieldIf("body_size_limit", limits.BodySize == 0 ? string.Empty : ByteSize.Format(limits.BodySize))
        .FieldIf("sample_limit", limits.Samples)
        .FieldIf("target_limit", limits.Targets)
        .FieldIf("label_limit", limits.Labels)
        .FieldIf("label_name_length_limit", limits.LabelNameLength)
        .FieldIf("label_value_length_limit", limits.LabelValueLength)
        .FieldIf("keep_dropped_targets", limits.KeepDroppedTargets);

    private static void WriteHttp(YamlText yaml, HttpClientConfig http, Func<string, string> secret)
    {
        if (http.BasicAuth is { } basic)
        {
            yaml.Map("basic_auth", t => t
                .FieldIf("username", basic.Username)
                .FieldIf("username_file", basic.UsernameFile)
                .FieldIf("password", basic.Password.Length == 0 ? string.Empty : secret(basic.Password))
                .FieldIf("password_file", basic.PasswordFile));
        }

        if (http.Authorization is { } authorization)
        {
            yaml.Map("authorization", t => t
                .Field("type", authorization.Type)
                .FieldIf("credentials", authorization.Credentials.Length == 0 ? string.Empty : secret(authorization.Credentials))
                .FieldIf("credentials_file", authorization.CredentialsFile));
        }

        if (http.Tls != new TlsConfig())
        {
            yaml.Map("tls_config", t => t
                .FieldIf("ca", http.Tls.Ca)
                .FieldIf("cert", http.Tls.Cert)
                .FieldIf("key", http.Tls.Key.Length == 0 ? string.Empty : secret(http.Tls.Key))
                .FieldIf("ca_file", http.Tls.CaFile)
                .FieldIf("cert_file", http.Tls.CertFile)
                .FieldIf("key_file", http.Tls.KeyFile)
                .FieldIf("server_name", http.Tls.ServerName)
                .Field("insecure_skip_verify", http.Tls.InsecureSkipVerify));
        }

        yaml.Field("follow_redirects", http.FollowRedirects).Field("enable_http2", http.EnableHttp2);
    }

    private static void WriteRule(YamlText yaml, RelabelRule rule)
    {
        yaml.List("source_labels", rule.SourceLabels ?? [])
            .Field("separator", rule.Separator)
            .Field("regex", rule.Regex)
            .FieldIf("modulus", (long)rule.Modulus)
            .FieldIf("target_label", rule.TargetLabel)
            .Field("replacement", rule.Replacement)
#pragma warning disable CA1308 // Actions are written in lower case.
            .Field("action", rule.Action.ToString().ToLowerInvariant());
#pragma warning restore CA1308
    }

    private static void WriteKubernetes(YamlText yaml, KubernetesDiscoveryConfig config)
    {
        yaml.Field("role", KubernetesConfigReader.RoleName(config.Role)).FieldIf("kubeconfig_file", config.KubeconfigFile);
        if (config.OwnNamespace || config.Namespaces.Count > 0)
        {
            yaml.Map("namespaces", t => t.Field("own_namespace", config.OwnNamespace).List("names", config.Namespaces));
        }

        yaml.List("selectors", config.Selectors, (t, s) => t
            .Field("role", KubernetesConfigReader.RoleName(s.Role))
            .FieldIf("label", s.Label)
            .FieldIf("field", s.Field));
        if (config.AttachNodeMetadata || config.AttachNamespaceMetadata)
        {
            yaml.Map("attach_metadata", t => t.Field("node", config.AttachNodeMetadata).Field("namespace", config.AttachNamespaceMetadata));
        }
    }

    private static void WriteLabels(YamlText yaml, string name, LabelSet labels)
    {
        if (labels.Count > 0)
        {
            yaml.Map(name, t =>
            {
                foreach (var (label, value) in labels.ToPairs())
                {
                    t.Field(label, value);
                }
            });
        }
    }
}
