using System.Text;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Relabeling;

namespace MetricsOperator.Server.Tests.Config;

public sealed class ConfigFileTests
{
    internal static ServerConfig Parse(string yaml, Func<string, string?>? environment = null) =>
        ConfigFile.Parse(Encoding.UTF8.GetBytes(yaml), "server.yaml", "/etc/test", environment ?? (_ => null));

    [Fact]
    public void Empty_file_has_defaults()
    {
        var config = Parse("");
        Assert.Equal(TimeSpan.FromMinutes(1), config.Global.ScrapeInterval);
        Assert.Equal(TimeSpan.FromSeconds(10), config.Global.ScrapeTimeout);
        Assert.Empty(config.ScrapeConfigs);
        Assert.Equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", config.Hash);
    }

    [Fact]
    public void Job_inherits_from_global_and_overrides()
    {
        var config = Parse("""
            global: {scrape_interval: 5s, sample_limit: 7, label_limit: 3}
            scrape_configs:
            - job_name: a
            - job_name: b
              scrape_interval: 2s
              sample_limit: 9
              metrics_path: /m
              params: {module: [x, y]}
              static_configs: [{targets: ['h:1'], labels: {zone: z}}]
            """);
        var (a, b) = (config.ScrapeConfigs[0], config.ScrapeConfigs[1]);
        Assert.Equal((5, 5), (a.ScrapeInterval.TotalSeconds, a.ScrapeTimeout.TotalSeconds));
        Assert.Equal((2, 2), (b.ScrapeInterval.TotalSeconds, b.ScrapeTimeout.TotalSeconds));
        Assert.Equal((7L, 9L, 3L), (a.Limits.Samples, b.Limits.Samples, b.Limits.Labels));
        Assert.Equal(["x", "y"], b.Params[0].Value);
        Assert.Equal("z", b.StaticConfigs[0].Labels.Get("zone"));
        Assert.NotEqual(a.Fingerprint, b.Fingerprint);
    }

    [Theory]
    [InlineData("globl: {}", "server.yaml:1:1: field globl is not known in the configuration file")]
    [InlineData("global:\n  scrape_intervall: 1s", "server.yaml:2:3: global: field scrape_intervall is not known in global")]
    [InlineData("global:\n  scrape_interval: 1x", "server.yaml:2:20: global.scrape_interval: not a valid duration string: \"1x\"")]
    [InlineData("scrape_configs: 3", "server.yaml:1:17: scrape_configs: got \"3\", want a list")]
    [InlineData("scrape_configs:\n- static_configs: []", "server.yaml:2:3: scrape_configs[0].job_name: job_name is empty")]
    [InlineData("scrape_configs:\n- job_name: a\n- job_name: a", "found multiple scrape configs with job name \"a\"")]
    [InlineData("scrape_configs:\n- job_name: a\n  sample_limit: -1", "scrape_configs[0].sample_limit: got \"-1\", want a number that is not negative")]
    [InlineData("scrape_configs:\n- job_name: a\n  honor_labels: maybe", "want true or false")]
    [InlineData("scrape_configs:\n- job_name: a\n  scrape_interval: 1s\n  scrape_timeout: 2s", "server.yaml:4:19: scrape_configs[0].scrape_timeout: scrape timeout greater than scrape interval")]
    [InlineData("scrape_configs:\n- job_name: a\n  relabel_configs:\n  - action: keep\n    source_labels: [x]\n    regex: '(a'", "server.yaml:6:12: scrape_configs[0].relabel_configs[0].regex: ")]
    [InlineData("scrape_configs:\n- job_name: a\n  relabel_configs:\n  - action: keepp", "server.yaml:4:13: scrape_configs[0].relabel_configs[0].action: unknown relabel action \"keepp\"")]
    [InlineData("scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: ['http://x']", "server.yaml:4:15: scrape_configs[0].static_configs[0].targets[0]: \"http://x\" is not a valid hostname")]
    [InlineData("scrape_configs:\n- job_name: a\n  file_sd_configs: [{files: [x]}]", "server.yaml:3:3: scrape_configs[0].file_sd_configs: not supported yet")]
    [InlineData("rule_files: [a.yaml]", "server.yaml:1:1: rule_files: not supported yet")]
    [InlineData("a: [", "server.yaml:2:1: ")]
    [InlineData("global: {}\nglobal: {}", "server.yaml:2:1: ")]
    public void Invalid_file_is_refused_with_its_place(string yaml, string message) =>
        Assert.Contains(message, Assert.Throws<ConfigException>(() => Parse(yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void Keys_of_later_features_may_be_empty()
    {
        var config = Parse("rule_files: []\nalerting:\nremote_write: []\nscrape_configs:\n- job_name: a\n  file_sd_configs:\n");
        Assert.Single(config.ScrapeConfigs);
    }

    [Fact]
    public void External_labels_expand_the_environment()
    {
        var config = Parse("global: {external_labels: {a: 'x-$A-${B}-$$-$none', c: plain}}", name => name switch { "A" => "1", "B" => "2", _ => null });
        Assert.Equal("{a=\"x-1-2-$-\", c=\"plain\"}", config.Global.ExternalLabels.ToString());
    }

    [Fact]
    public void Relabel_rules_keep_empty_replacements_and_read_all_fields()
    {
        var config = Parse("""
            scrape_configs:
            - job_name: a
              metric_relabel_configs:
              - {source_labels: [a, b], separator: '-', regex: 'x(.*)', target_label: t, replacement: ''}
              - {action: hashmod, source_labels: [a], modulus: 4, target_label: shard}
              - {action: LabelDrop, regex: tmp.*}
            """);
        var rules = config.ScrapeConfigs[0].MetricRelabel.Rules;
        Assert.Equal(("-", "x(.*)", "t", ""), (rules[0].Separator, rules[0].Regex, rules[0].TargetLabel, rules[0].Replacement));
        Assert.Equal((RelabelAction.HashMod, 4UL), (rules[1].Action, rules[1].Modulus));
        Assert.Equal(RelabelAction.LabelDrop, rules[2].Action);
    }

    [Fact]
    public void File_names_are_relative_to_the_configuration_file()
    {
        var job = Parse("scrape_configs: [{job_name: a, authorization: {credentials_file: token}, tls_config: {ca_file: /abs/ca.pem}}]").ScrapeConfigs[0];
        Assert.Equal("/etc/test/token", job.Http.Authorization!.CredentialsFile);
        Assert.Equal("/abs/ca.pem", job.Http.Tls.CaFile);
    }
}
