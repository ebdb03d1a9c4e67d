using MetricsOperator.Server.Scraping;
using MetricsOperator.Server.Tests.Config;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Scraping;

public sealed class TargetLabelsTests
{
    private static Target? Build(string job, out string? problem, params ReadOnlySpan<(string, string)> discovered) =>
        TargetLabels.Build(LabelSet.Of(discovered), ConfigFileTests.Parse($"scrape_configs: [{{job_name: j, {job}}}]").ScrapeConfigs[0], out problem);

    [Fact]
    public void Defaults_of_the_job_make_the_url_and_meta_labels_go()
    {
        var target = Build("scheme: https, metrics_path: /m, params: {a: ['1 2', b]}", out _, ("__address__", "h:1"), ("__meta_x", "y"), ("zone", "z"))!;
        Assert.Equal("https://h:1/m?a=1%202&a=b", target.Url.AbsoluteUri);
        Assert.Equal("{instance=\"h:1\", job=\"j\", zone=\"z\"}", target.Labels.ToString());
        Assert.Equal("1m", target.DiscoveredLabels.Get("__scrape_interval__"));
        Assert.Equal("y", target.DiscoveredLabels.Get("__meta_x"));
    }

    [Fact]
    public void Relabeling_changes_address_path_parameters_interval_and_instance()
    {
        var target = Build(
            """
            relabel_configs: [
              {target_label: __address__, replacement: 'x:2'}, {target_label: __metrics_path__, replacement: /p}, {target_label: __param_t, replacement: v},
              {target_label: __scrape_interval__, replacement: 7s}, {target_label: __scrape_timeout__, replacement: 3s}, {target_label: instance, replacement: me}]
            """, out _, ("__address__", "h:1"))!;
        Assert.Equal("http://x:2/p?t=v", target.Url.AbsoluteUri);
        Assert.Equal((7, 3, "me"), (target.Interval.TotalSeconds, target.Timeout.TotalSeconds, target.Labels.Get("instance")));
    }

    [Fact]
    public void Dropped_target_is_no_problem()
    {
        Assert.Null(Build("relabel_configs: [{source_labels: [__address__], regex: 'h.*', action: drop}]", out var problem, ("__address__", "h:1")));
        Assert.Null(problem);
    }

    [Theory]
    [InlineData("", "honor_labels: false", "no address")]
    [InlineData("h:1/path", "honor_labels: false", "is not a valid hostname")]
    [InlineData("h:1", "relabel_configs: [{target_label: __scrape_interval__, replacement: x}]", "error parsing scrape interval")]
    [InlineData("h:1", "relabel_configs: [{target_label: __scrape_timeout__, replacement: 2h}]", "scrape timeout cannot be greater than scrape interval")]
    public void Unusable_target_has_a_reason(string address, string job, string reason)
    {
        Assert.Null(Build(job, out var problem, ("__address__", address), ("a", "b")));
        Assert.Contains(reason, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Key_depends_on_labels_and_url_only()
    {
        var one = Build("honor_labels: true", out _, ("__address__", "h:1"), ("__meta_a", "1"))!;
        Assert.Equal(one.Key, Build("honor_labels: false", out _, ("__address__", "h:1"), ("__meta_a", "2"))!.Key);
        Assert.NotEqual(one.Key, Build("metrics_path: /x", out _, ("__address__", "h:1"))!.Key);
        Assert.NotEqual(one.Key, Build("honor_labels: true", out _, ("__address__", "h:1"), ("l", "v"))!.Key);
    }
}
