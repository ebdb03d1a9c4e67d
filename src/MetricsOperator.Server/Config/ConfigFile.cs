using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using MetricsOperator.Timeseries.Labels;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace MetricsOperator.Server.Config;

/// <summary>Reads a Prometheus configuration file. Everything that is not understood is an error with its place; nothing is skipped.</summary>
public static class ConfigFile
{
    private static readonly TimeSpan DefaultInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);

    private static readonly ScrapeProtocol[] DefaultProtocols =
    [
        ScrapeProtocol.OpenMetricsText100, ScrapeProtocol.OpenMetricsText001, ScrapeProtocol.PrometheusText100, ScrapeProtocol.PrometheusText004,
    ];

    private static readonly HashSet<string> TopFields = ["global", "scrape_configs", "storage"];

    private static readonly HashSet<string> TopLater =
    [
        "rule_files", "scrape_config_files", "alerting", "remote_write", "remote_read", "otlp", "tracing", "runtime",
    ];

    private static readonly HashSet<string> GlobalFields =
    [
        "scrape_interval", "scrape_timeout", "scrape_protocols", "evaluation_interval", "rule_query_offset", "external_labels",
        "body_size_limit", "sample_limit", "target_limit", "label_limit", "label_name_length_limit", "label_value_length_limit", "keep_dropped_targets",
        "metric_name_validation_scheme", "metric_name_escaping_scheme", "always_scrape_classic_histograms", "convert_classic_histograms_to_nhcb",
    ];

    private static readonly HashSet<string> GlobalLater = ["query_log_file", "scrape_failure_log_file"];

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="ConfigException">It is not a valid configuration.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ServerConfig Load(string path) =>
        Parse(File.ReadAllBytes(path), Path.GetFileName(path), Path.GetDirectoryName(Path.GetFullPath(path))!, Environment.GetEnvironmentVariable);

    /// <summary>Reads and checks the bytes of a file.</summary>
    /// <param name="bytes">UTF-8 YAML.</param>
    /// <param name="name">Name of the file for messages.</param>
    /// <param name="folder">Folder that relative file names in it start from.</param>
    /// <param name="environment">Environment variables for external labels.</param>
    /// <exception cref="ConfigException">It is not a valid configuration.</exception>
    public static ServerConfig Parse(byte[] bytes, string name, string folder, Func<string, string?> environment)
    {
        var root = ReadYaml(bytes, name);
        var fields = root.AsFields("the configuration file", TopFields, TopLater);
        var globalNode = fields.Has("global") ? fields["global"] : root with { Node = new YamlMappingNode(), Path = "global" };
        var global = ReadGlobal(globalNode.AsFields("global", GlobalFields, GlobalLater), environment);
        var jobs = new Dictionary<string, ScrapeConfig>(StringComparer.Ordinal);
        var scrapeConfigs = fields.List("scrape_configs", node =>
        {
            var job = ScrapeConfigReader.Read(node, global, folder);
            if (!jobs.TryAdd(job.JobName, job))
            {
                throw node.Error($"found multiple scrape configs with job name {LabelNames.Quote(job.JobName)}");
            }

            return job with { Fingerprint = EffectiveConfig.Job(job) };
        });
        var config = new ServerConfig
        {
            Hash = Convert.ToHexStringLower(SHA256.HashData(bytes)),
            Global = global,
            ScrapeConfigs = scrapeConfigs,
        };
        return ReadStorage(config, fields);
    }

    internal static ScrapeLimits ReadLimits(ConfigFields fields, ScrapeLimits defaults) => new()
    {
        BodySize = fields.ByteSize("body_size_limit", defaults.BodySize),
        Samples = fields.Count("sample_limit", defaults.Samples),
        Targets = fields.Count("target_limit", defaults.Targets),
        Labels = fields.Count("label_limit", defaults.Labels),
        LabelNameLength = fields.Count("label_name_length_limit", defaults.LabelNameLength),
        LabelValueLength = fields.Count("label_value_length_limit", defaults.LabelValueLength),
        KeepDroppedTargets = fields.Count("keep_dropped_targets", defaults.KeepDroppedTargets),
    };

    internal static IReadOnlyList<ScrapeProtocol> ReadProtocols(ConfigFields fields, IReadOnlyList<ScrapeProtocol> defaults)
    {
        var protocols = fields.List("scrape_protocols", ReadProtocol);
        if (protocols.Distinct().Count() != protocols.Count)
        {
            throw fields.Error("scrape_protocols", "duplicated protocol");
        }

        return protocols.Count == 0 ? defaults : protocols;
    }

    internal static ScrapeProtocol ReadProtocol(ConfigNode node) => node.AsString() switch
    {
        "OpenMetricsText1.0.0" => ScrapeProtocol.OpenMetricsText100,
        "OpenMetricsText0.0.1" => ScrapeProtocol.OpenMetricsText001,
        "PrometheusText1.0.0" => ScrapeProtocol.PrometheusText100,
        "PrometheusText0.0.4" => ScrapeProtocol.PrometheusText004,
        "PrometheusProto" => throw node.Error("PrometheusProto is not supported yet"),
        var other => throw node.Error(
            $"unknown scrape protocol {LabelNames.Quote(other)}, supported: OpenMetricsText0.0.1, OpenMetricsText1.0.0, PrometheusText0.0.4, PrometheusText1.0.0"),
    };

    /// <summary>Accepts the values that change nothing here; the others would change names behind the user's back.</summary>
    internal static void CheckFormatOptions(ConfigFields fields)
    {
        if (fields.String("metric_name_validation_scheme", "utf8") is not ("utf8" or ""))
        {
            throw fields.Error("metric_name_validation_scheme", "only utf8 is supported yet");
        }

        if (fields.String("metric_name_escaping_scheme", "allow-utf-8") is not ("allow-utf-8" or ""))
        {
            throw fields.Error("metric_name_escaping_scheme", "only allow-utf-8 is supported yet");
        }

        if (fields.Bool("convert_classic_histograms_to_nhcb"))
        {
            throw fields.Error("convert_classic_histograms_to_nhcb", "not supported yet");
        }

        // Text formats carry classic histograms only, so either value gives what was asked for.
        fields.Bool("always_scrape_classic_histograms");
    }

    private static GlobalConfig ReadGlobal(ConfigFields fields, Func<string, string?> environment)
    {
        var interval = OrDefault(fields.Duration("scrape_interval", TimeSpan.Zero), DefaultInterval);
        var timeout = fields.Duration("scrape_timeout", TimeSpan.Zero);
        if (timeout > interval)
        {
            throw fields.Error("scrape_timeout", "global scrape timeout greater than scrape interval");
        }

        CheckFormatOptions(fields);
        return new GlobalConfig
        {
            ScrapeInterval = interval,
            ScrapeTimeout = timeout != TimeSpan.Zero ? timeout : DefaultTimeout > interval ? interval : DefaultTimeout,
            EvaluationInterval = OrDefault(fields.Duration("evaluation_interval", TimeSpan.Zero), DefaultInterval),
            RuleQueryOffset = fields.Duration("rule_query_offset", TimeSpan.Zero),
            ScrapeProtocols = ReadProtocols(fields, DefaultProtocols),
            ExternalLabels = fields.Read("external_labels", LabelSet.Empty, n => ReadLabels(n, v => ExpandEnvironment(v, environment))),
            Limits = ReadLimits(fields, new ScrapeLimits()),
        };
    }

    internal static LabelSet ReadLabels(ConfigNode node, Func<string, string> expand)
    {
        var builder = new LabelSetBuilder();
        foreach (var (key, value) in node.AsEntries())
        {
            if (key.Length == 0 || key == LabelNames.MetricName)
            {
                throw value.Error($"{LabelNames.Quote(key)} is not a valid label name");
            }

            builder.Set(key, expand(value.AsString()));
        }

        return builder.Build();
    }

    /// <summary>Replaces <c>$name</c> and <c>${name}</c>; <c>$$</c> is a dollar sign; a variable that is not set is empty.</summary>
    internal static string ExpandEnvironment(string text, Func<string, string?> environment)
    {
        var result = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '$' || i + 1 == text.Length)
            {
                result.Append(text[i]);
                continue;
            }

            if (text[i + 1] == '$')
            {
                result.Append('$');
                i++;
                continue;
            }

            var braced = text[i + 1] == '{';
            var start = braced ? i + 2 : i + 1;
            var end = start;
            while (end < text.Length && (braced ? text[end] != '}' : char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_'))
            {
                end++;
            }

            if (end == start || (braced && end == text.Length))
            {
                result.Append('$');
                continue;
            }

            result.Append(environment(text[start..end]));
            i = braced ? end : end - 1;
        }

        return result.ToString();
    }

    private static ServerConfig ReadStorage(ServerConfig config, ConfigFields top)
    {
        if (!top.Has("storage"))
        {
            return config;
        }

        var storage = top["storage"].AsFields("storage", ["tsdb", "exemplars"]);
        if (storage.Has("tsdb"))
        {
            var tsdb = storage["tsdb"].AsFields("tsdb", ["out_of_order_time_window"]);
            config = config with { OutOfOrderTimeWindow = tsdb.Duration("out_of_order_time_window", TimeSpan.Zero) };
        }

        return storage.Has("exemplars")
            ? config with { MaxExemplars = ReadMaxExemplars(storage["exemplars"].AsFields("exemplars", ["max_exemplars"])) }
            : config;
    }

    // Zero and everything below turns exemplars off, as in Prometheus.
    private static int ReadMaxExemplars(ConfigFields exemplars) => exemplars.Read("max_exemplars", ServerConfig.DefaultMaxExemplars, node =>
    {
        var count = node.AsNumber();
        return double.IsInteger(count) && count <= int.MaxValue ? (int)Math.Max(0, count) : throw node.Error("want a whole number");
    });

    private static TimeSpan OrDefault(TimeSpan value, TimeSpan otherwise) => value == TimeSpan.Zero ? otherwise : value;

    private static ConfigNode ReadYaml(byte[] bytes, string name)
    {
        var stream = new YamlStream();
        try
        {
            using var reader = new StreamReader(new MemoryStream(bytes), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
            stream.Load(reader);
        }
        catch (YamlException e)
        {
            throw new ConfigException(string.Create(CultureInfo.InvariantCulture, $"{name}:{e.Start.Line}:{e.Start.Column}: {e.InnerException?.Message ?? e.Message}"), e);
        }
        catch (DecoderFallbackException e)
        {
            throw new ConfigException($"{name}:1:1: not UTF-8: {e.Message}", e);
        }

        if (stream.Documents.Count > 1)
        {
            var second = stream.Documents[1].RootNode;
            throw new ConfigNode(second, string.Empty, name).Error("got a second YAML document, want one");
        }

        return new ConfigNode(stream.Documents.Count == 0 ? new YamlMappingNode() : stream.Documents[0].RootNode, string.Empty, name);
    }
}
