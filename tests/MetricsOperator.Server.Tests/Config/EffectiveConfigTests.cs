using System.Diagnostics;
using MetricsOperator.Server.Config;
using MetricsOperator.TestKit;

namespace MetricsOperator.Server.Tests.Config;

public sealed class EffectiveConfigTests
{
    private const string Full = """
        global:
          scrape_interval: 15s
          external_labels: {cluster: 'a b', quoted: "it's: \"x\"", number: '12', bool: 'true'}
        scrape_configs:
        - job_name: 'with space'
          honor_labels: true
          params: {'match[]': ['{job="x"}', up]}
          basic_auth: {username: u, password: very-secret}
          tls_config: {insecure_skip_verify: true}
          sample_limit: 10
          body_size_limit: 10MB
          relabel_configs:
          - {source_labels: [__meta_kubernetes_pod_name], regex: '(.+);~', target_label: pod, replacement: '${1}: $$'}
          - {action: labelmap, regex: '__meta_kubernetes_pod_label_(.+)'}
          metric_relabel_configs:
          - {source_labels: [__name__], regex: 'up|go_.*', action: keep}
          kubernetes_sd_configs:
          - role: pod
            namespaces: {own_namespace: true, names: [a, b]}
            selectors: [{role: pod, label: 'app=x', field: 'spec.nodeName=$(NODE)'}]
            attach_metadata: {node: true}
        - job_name: static
          authorization: {credentials: hidden-too}
          static_configs:
          - targets: ['[::1]:9090', 'localhost:80']
            labels: {empty: 'null'}
        storage: {tsdb: {out_of_order_time_window: 30m}, exemplars: {max_exemplars: 7}}
        """;

    [Fact]
    public void Yaml_hides_secrets() => Assert.DoesNotMatch("very-secret|hidden-too", EffectiveConfig.ToYaml(ConfigFileTests.Parse(Full)));

    [Fact]
    public void Yaml_reads_back_to_the_same_configuration()
    {
        var yaml = EffectiveConfig.ToYaml(ConfigFileTests.Parse(Full));
        Assert.Equal(yaml, EffectiveConfig.ToYaml(ConfigFileTests.Parse(yaml)));
        Assert.Contains("scrape_timeout: 10s", yaml, StringComparison.Ordinal);
        Assert.Contains("max_exemplars: 7", yaml, StringComparison.Ordinal);
    }

    /// <summary>
    /// Both sides are asked about the same files: what Prometheus refuses is refused, what it accepts of our subset is accepted. Debian's promtool is
    /// built without Kubernetes discovery and knows no field newer than 2.42, so neither is asked about here.
    /// </summary>
    [Theory]
    [InlineData(true, "global: {scrape_interval: 15s}")]
    [InlineData(true, "scrape_configs: [{job_name: a, static_configs: [{targets: ['a:1']}]}]")]
    [InlineData(true, "scrape_configs: [{job_name: a, metric_relabel_configs: [{regex: 'a.*', action: labeldrop}]}]")]
    [InlineData(true, "storage: {exemplars: {max_exemplars: -1}}")]
    [InlineData(false, "storage: {exemplars: {max_exemplars: many}}")]
    [InlineData(false, "storage: {exemplars: {max: 1}}")]
    [InlineData(false, "global: {scrape_interval: 1d1y}")]
    [InlineData(false, "global: {scrape_interval: 1s, scrape_timeout: 2s}")]
    [InlineData(false, "scrape_configs: [{job_name: a}, {job_name: a}]")]
    [InlineData(false, "scrape_configs: [{static_configs: []}]")]
    [InlineData(false, "scrape_configs: [{job_name: a, bogus: 1}]")]
    [InlineData(false, "scrape_configs: [{job_name: a, relabel_configs: [{action: keep, regex: '('}]}]")]
    [InlineData(false, "scrape_configs: [{job_name: a, relabel_configs: [{action: hashmod, source_labels: [a], target_label: b}]}]")]
    [InlineData(false, "scrape_configs: [{job_name: a, relabel_configs: [{action: labeldrop, source_labels: [a], regex: x}]}]")]
    [InlineData(false, "scrape_configs: [{job_name: a, relabel_configs: [{source_labels: [a], regex: x}]}]")]
    [InlineData(false, "scrape_configs: [{job_name: a, basic_auth: {username: x}, authorization: {credentials: y}}]")]
    [InlineData(false, "scrape_configs: [{job_name: a, body_size_limit: 10}]")]
    [InlineData(false, "scrape_configs: [{job_name: a, static_configs: [{targets: ['http://a/']}]}]")]
    public void Check_agrees_with_promtool(bool valid, string yaml)
    {
        var promtool = Peer.Require("promtool", "prometheus");
        using var folder = new TempDir();
        File.WriteAllText(folder["server.yaml"], yaml);
        Assert.Equal(valid, CheckedByPromtool(promtool, folder["server.yaml"], out _));
        Assert.Equal(valid, Record.Exception(() => ConfigFile.Load(folder["server.yaml"])) is not ConfigException);
    }

    private static bool CheckedByPromtool(string promtool, string file, out string output)
    {
        using var process = Process.Start(new ProcessStartInfo(promtool, ["check", "config", "--syntax-only", file])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        output = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
