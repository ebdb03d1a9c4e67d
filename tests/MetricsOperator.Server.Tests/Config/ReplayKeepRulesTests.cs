using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Server.Tests.Config;

public sealed class ReplayKeepRulesTests
{
    private static bool Keep(string rules, string job, string name) =>
        new ReplayKeepRules(ConfigFileTests.Parse($"scrape_configs: [{{job_name: a, metric_relabel_configs: [{rules}]}}, {{job_name: b}}]"))
            .Keep(LabelSet.Of(("__name__", name), ("job", job), ("instance", "i")));

    [Theory]
    [InlineData("a", "wanted_total", true)]
    [InlineData("a", "other", false)]
    [InlineData("a", "up", true)]
    [InlineData("a", "scrape_series_added", true)]
    [InlineData("b", "other", true)]
    [InlineData("elsewhere", "other", true)]
    public void Keep_rule_on_the_name_reaches_its_job_only(string job, string name, bool kept) =>
        Assert.Equal(kept, Keep("{source_labels: [__name__], regex: 'wanted_.*', action: keep}", job, name));

    [Fact]
    public void Drop_rule_on_the_name_drops() => Assert.False(Keep("{source_labels: [__name__], regex: x, action: drop}", "a", "x"));

    [Fact]
    public void Rules_on_other_labels_are_not_decided_from_the_log() =>
        Assert.True(Keep("{source_labels: [__name__, le], regex: 'x;.*', action: drop}, {source_labels: [le], regex: '', action: drop}", "a", "x"));

    [Fact]
    public void Rules_before_a_renaming_do_not_count()
    {
        const string Rename = "{source_labels: [__name__], regex: 'old_(.*)', target_label: __name__, replacement: 'new_$1'}";
        Assert.True(Keep("{source_labels: [__name__], regex: 'old_.*', action: keep}, " + Rename, "a", "new_x"));
        Assert.False(Keep(Rename + ", {source_labels: [__name__], regex: 'new_.*', action: drop}", "a", "new_x"));
    }

    [Fact]
    public void Configuration_without_such_rules_is_empty() => Assert.True(new ReplayKeepRules(ConfigFileTests.Parse("")).IsEmpty);
}
