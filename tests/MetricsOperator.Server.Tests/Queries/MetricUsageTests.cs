using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Queries;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Server.Tests.Queries;

public sealed class MetricUsageTests : IDisposable
{
    private readonly TempDir _folder = new();
    private readonly FakeTimeProvider _time = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a", "a[] all")]
    [InlineData("a{x='1',y!='2'}", "a[x y] all")]
    [InlineData("sum by (x) (rate(a{y='1'}[5m]))", "a[x y]")]
    [InlineData("sum(a)", "a[]")]
    [InlineData("sum without (x) (a)", "a[] all")]
    [InlineData("sum by (x) (sum by (x, y) (a))", "a[x y]")]
    [InlineData("sum by (z) (sum by (x, y) (a))", "a[x y]")]
    [InlineData("topk by (x) (3, a)", "a[x] all")]
    [InlineData("sum(topk(3, a))", "a[]")]
    [InlineData("a / b", "a[] all|b[] all")]
    [InlineData("sum(a / b)", "a[] all|b[] all")]
    [InlineData("sum(a / on (x) b)", "a[x]|b[x]")]
    [InlineData("a * on (x) group_left (y) b", "a[x y] all|b[x y]")]
    [InlineData("a and on (x) b", "a[x] all|b[x]")]
    [InlineData("a or on (x) b", "a[x] all|b[x] all")]
    [InlineData("sum by (n) (label_replace(a, 'n', '$1', 'x', '(.*)'))", "a[n x]")]
    [InlineData("sum by (n) (label_join(a, 'n', '-', 'x', 'y'))", "a[n x y]")]
    [InlineData("histogram_quantile(0.9, sum by (le) (rate(a[5m])))", "a[le]")]
    [InlineData("absent(a{x='1'})", "a[x]")]
    [InlineData("{__name__=~'a|b', x='1'}", "a[x] all|b[x] all")]
    [InlineData("{__name__=~'a.*'}", "{__name__=~\"a.*\"}[] all")]
    [InlineData("{x='1'}", "{}[x] all")]
    [InlineData("{__name__!='a', x='1'}", "{}[x] all")]
    [InlineData("max_over_time(sum by (x) (a)[1h:1m]) > 1", "a[x]")]
    [InlineData("sum(a) / sum by (x) (a{y='1'})", "a[x y]")]
    [InlineData("a / on (x) a", "a[x]")]
    [InlineData("a{x='1'} or sum(a)", "a[x] all")]
    [InlineData("1 + 1", "")]
    public void A_query_asks_for_metrics_and_labels(string query, string want)
    {
        var usage = QueryUsage.Of(PromQLParser.Parse(query));
        Assert.Equal(want, string.Join('|', usage.Uses.Select(u => $"{u.Metric}[{string.Join(' ', u.Labels.Order(StringComparer.Ordinal))}]{(u.AllLabels ? " all" : "")}")));
        Assert.False(usage.IsIgnored);
    }

    [Theory]
    [InlineData("a{__ignore_usage__=''}")]
    [InlineData("sum(rate(b[5m])) / sum(rate(a{__ignore_usage__='',x='1'}[5m]))")]
    public void A_query_may_say_that_it_is_no_use(string query)
    {
        var usage = QueryUsage.Of(PromQLParser.Parse(query));
        Assert.True(usage.IsIgnored);
        Assert.DoesNotContain(usage.Uses, u => u.Labels.Contains(QueryUsage.IgnoreLabel));
    }

    [Fact]
    public void Uses_are_counted_with_their_time()
    {
        var usage = new MetricUsage(100, _time);
        var first = Now;
        Count(usage, "sum by (x) (a)");
        _time.Advance(TimeSpan.FromMinutes(1));
        Count(usage, "a{y='1'}");
        usage.Count(QueryUsage.Of(PromQLParser.Parse("a")), isMarked: true);
        Count(usage, "b{__ignore_usage__=''}");
        var row = Assert.Single(usage.Report().Metrics);
        Assert.Equal(("a", Now, 2L, new Asked(Now, 1)), (row.Metric, row.LastAsked, row.Count, row.AllLabels));
        Assert.Equal(2, row.Labels.Count);
        Assert.Equal((new Asked(first, 1), new Asked(Now, 1)), (row.Labels["x"], row.Labels["y"]));
        Assert.Equal((2L, 2L), usage.Requests);
        Assert.Equal(first, usage.TrackingSince);
    }

    [Fact]
    public void Selectors_of_label_requests_count()
    {
        var usage = new MetricUsage(100, _time);
        IReadOnlyList<LabelMatcher> selector = PromQLParser.ParseSelector("a{x='1'}");
        usage.Count(QueryUsage.Of([selector], "namespace", allLabels: false), isMarked: false);
        var row = Assert.Single(usage.Report().Metrics);
        Assert.Equal(["namespace", "x"], row.Labels.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(default, row.AllLabels);
    }

    [Fact]
    public void What_was_asked_longest_ago_is_forgotten_and_accounted_for()
    {
        var usage = new MetricUsage(16, _time);
        for (var metric = 0; metric < 17; metric++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Count(usage, $"a{metric}");
        }

        var report = usage.Report();
        Assert.Equal(15, report.Metrics.Count);
        Assert.DoesNotContain(report.Metrics, m => m.Metric is "a0" or "a1");
        Assert.Equal("a16", report.Metrics[0].Metric);
        Assert.Equal((2L, Now - 15_000), (report.Forgotten, report.ForgottenUntil));
    }

    [Fact]
    public void Labels_of_a_metric_are_bounded_and_long_names_cut()
    {
        var usage = new MetricUsage(16, _time);
        for (var label = 0; label < MetricUsage.MaxLabels + 5; label++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Count(usage, $"sum by (l{label}) (a)");
        }

        Count(usage, $"sum({{__name__='{new string('n', 5000)}'}})");
        var report = usage.Report();
        Assert.Equal(MetricUsage.MaxLabels, report.Metrics.Single(m => m.Metric == "a").Labels.Count);
        Assert.Equal(5, report.Forgotten);
        Assert.All(report.Metrics, m => Assert.True(m.Metric.Length <= 256));
    }

    [Fact]
    public void Labels_of_all_metrics_together_are_bounded()
    {
        var usage = new MetricUsage(16, _time);
        for (var metric = 0; metric < 10; metric++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Count(usage, $"sum by ({string.Join(',', Enumerable.Range(0, 20).Select(l => $"l{l}"))}) (a{metric})");
        }

        var report = usage.Report();
        Assert.InRange(report.Metrics.Sum(m => m.Labels.Count), 20, 16 * MetricUsage.LabelsPerMetric);
        Assert.Equal("a9", report.Metrics[0].Metric);
        Assert.Equal(20, report.Metrics[0].Labels.Count);
        Assert.Equal(10, report.Metrics.Count + report.Forgotten);
    }

    [Fact]
    public void A_restart_goes_on_counting()
    {
        var began = Now;
        var usage = new MetricUsage(100, _time);
        Count(usage, "sum by (x) (a)");
        Keeper(usage).Save();
        _time.Advance(TimeSpan.FromHours(1));
        var later = new MetricUsage(100, _time);
        Keeper(later).Restore();
        Count(later, "a");
        var row = Assert.Single(later.Report().Metrics);
        Assert.Equal((began, Now, 2L), (later.TrackingSince, row.LastAsked, row.Count));
        Assert.Equal(new Asked(began, 1), row.Labels["x"]);
        Assert.Equal(new Asked(Now, 1), row.AllLabels);
    }

    [Fact]
    public void Nothing_is_written_when_nothing_changed()
    {
        var usage = new MetricUsage(100, _time);
        Keeper(usage).Save();
        Assert.False(File.Exists(_folder[MetricUsageKeeper.FileName]));
        Count(usage, "a");
        Keeper(usage).Save();
        File.Delete(_folder[MetricUsageKeeper.FileName]);
        Keeper(usage).Save();
        Assert.False(File.Exists(_folder[MetricUsageKeeper.FileName]));
    }

    [Fact]
    public void What_could_not_be_written_is_written_later()
    {
        var usage = new MetricUsage(100, _time);
        Count(usage, "a");
        Directory.CreateDirectory(_folder[MetricUsageKeeper.FileName + ".tmp"]);
        Keeper(usage).Save();
        Directory.Delete(_folder[MetricUsageKeeper.FileName + ".tmp"]);
        Keeper(usage).Save();
        Assert.True(File.Exists(_folder[MetricUsageKeeper.FileName]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"version\":9,\"trackingSince\":1,\"forgotten\":0,\"forgottenUntil\":0,\"metrics\":[]}")]
    [InlineData("{\"version\":1,\"trackingSince\":1,\"forgotten\":0,\"forgottenUntil\":0,\"metrics\":[{\"metric\":\"a\"}]}")]
    [InlineData("{\"version\":1,\"trackingSince\":1,\"forgotten\":0,\"forgottenUntil\":0,\"metrics\":[null]}")]
    public void A_malformed_file_means_that_history_is_unknown(string content)
    {
        File.WriteAllText(_folder[MetricUsageKeeper.FileName], content);
        var usage = new MetricUsage(100, _time);
        Keeper(usage).Restore();
        Assert.Empty(usage.Report().Metrics);
        Assert.Equal(Now, usage.TrackingSince);
    }

    private long Now => _time.GetUtcNow().ToUnixTimeMilliseconds();

    private static void Count(MetricUsage usage, string query) => usage.Count(QueryUsage.Of(PromQLParser.Parse(query)), isMarked: false);

    private MetricUsageKeeper Keeper(MetricUsage usage) => new(usage, CompanionFiles.In(_folder.Path), NullLogger.Instance);
}
