using System.Runtime.CompilerServices;
using MetricsOperator.Server.Scraping;
using MetricsOperator.Server.Tests.Config;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Server.Tests.Scraping;

/// <summary>Real targets, real clock, short intervals: from the request to what is committed.</summary>
public sealed class ScrapeLoopTests
{
    [Fact]
    public async Task Scrape_writes_samples_and_report_with_one_aligned_timestamp()
    {
        await using var scene = await Scene.StartAsync();
        scene.Target.Body = "# TYPE a counter\na{x=\"1\"} 5\na{x=\"2\"} 6\n";
        scene.Apply();
        await scene.Sees("a", "x=\"1\"", 5);
        var samples = scene.Storage.Committed;
        var up = samples.First(s => s.Series.Contains("__name__=\"up\"", StringComparison.Ordinal) && s.Value == 1);
        var batch = samples.Where(s => s.TimestampMs == up.TimestampMs).ToList();
        Assert.Equal(7, batch.Count);
        Assert.Equal(2, Value(batch, "scrape_samples_scraped"));
        Assert.Equal(2, Value(batch, "scrape_samples_post_metric_relabeling"));
        Assert.Equal(2, Value(batch, "scrape_series_added"));
        Assert.Contains(batch, s => s.Series == $"{{__name__=\"a\", instance=\"{scene.Target.Address}\", job=\"j\", x=\"1\"}}");
        await Eventually.True(() => scene.Committed("up").Count > 3, "more scrapes");
        Assert.All(scene.Committed("scrape_series_added").Skip(1), v => Assert.Equal(0, v));
    }

    [Fact]
    public async Task Request_has_prometheus_headers_and_reads_gzip()
    {
        await using var scene = await Scene.StartAsync();
        scene.Target.Gzip = true;
        scene.Apply("basic_auth: {username: u, password: p}");
        await scene.Sees("a", "", 1);
        Assert.True(scene.Target.Requests.TryPeek(out var headers));
        Assert.Equal("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
            + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", headers["Accept"]);
        Assert.Equal("gzip", headers["Accept-Encoding"]);
        Assert.Equal("0.1", headers["X-Prometheus-Scrape-Timeout-Seconds"]);
        Assert.Equal("Basic dTpw", headers["Authorization"]);
        Assert.StartsWith("Prometheus/", headers["User-Agent"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_series_that_disappears_is_ended()
    {
        await using var scene = await Scene.StartAsync();
        scene.Target.Body = "a 1\nb 2\n";
        scene.Apply();
        await scene.Sees("b", "", 2);
        scene.Target.Body = "a 1\n";
        await scene.Ends("b");
        Assert.DoesNotContain(scene.Committed("a"), StaleMarker.IsStale);
    }

    [Theory]
    [InlineData("a 1\nb", null, 200, "")]
    [InlineData("a 1\n", "text/html", 200, "received unsupported Content-Type \"text/html\"")]
    [InlineData("a 1\n", "", 200, "blank Content-Type")]
    [InlineData("a 1\n", null, 503, "server returned HTTP status 503")]
    public async Task A_failed_scrape_ends_all_series_and_says_why(string body, string? contentType, int status, string error)
    {
        await using var scene = await Scene.StartAsync();
        scene.Apply();
        await scene.Sees("a", "", 1);
        scene.Target.Body = body;
        scene.Target.ContentType = contentType ?? scene.Target.ContentType;
        scene.Target.Status = status;
        await scene.Ends("a");
        await scene.Sees("up", "", 0);
        Assert.Contains(error, scene.Manager.Jobs()[0].Active[0].Report.Error, StringComparison.Ordinal);
        scene.Target.Body = "a 7\n";
        scene.Target.ContentType = "text/plain";
        scene.Target.Status = 200;
        await scene.Sees("a", "", 7);
        Assert.Equal(string.Empty, scene.Manager.Jobs()[0].Active[0].Report.Error);
    }

    [Fact]
    public async Task A_slow_target_times_out()
    {
        await using var scene = await Scene.StartAsync();
        scene.Target.DelayMs = 2000;
        scene.Apply();
        await scene.Sees("up", "", 0);
        Assert.Contains("context deadline exceeded", scene.Manager.Jobs()[0].Active[0].Report.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Conflicting_labels_are_renamed_unless_honored()
    {
        await using var scene = await Scene.StartAsync();
        scene.Target.Body = "a{job=\"x\",exported_job=\"y\"} 1\n";
        scene.Apply();
        await scene.Sees("a", "exported_exported_job=\"x\", exported_job=\"y\"", 1);
        scene.Apply("honor_labels: true");
        await scene.Sees("a", "exported_job=\"y\", instance=\"" + scene.Target.Address + "\", job=\"x\"", 1);
    }

    [Fact]
    public async Task Limits_fail_the_scrape_and_count_what_there_was()
    {
        await using var scene = await Scene.StartAsync();
        scene.Target.Body = "a 1\nb 2\nc 3\n";
        scene.Apply("sample_limit: 2");
        await scene.Sees("up", "", 0);
        Assert.Contains(3, scene.Committed("scrape_samples_scraped"));
        Assert.Empty(scene.Committed("a"));
        Assert.Equal("sample limit exceeded", scene.Manager.Jobs()[0].Active[0].Report.Error);
        scene.Apply("label_value_length_limit: 3");
        await Eventually.True(
            () => scene.Manager.Jobs()[0].Active[0].Report.Error.StartsWith("label_value_length_limit exceeded", StringComparison.Ordinal), "label limit");
        scene.Apply("body_size_limit: 5B");
        await Eventually.True(() => scene.Manager.Jobs()[0].Active[0].Report.Error == "body size limit exceeded", "body size limit");
        scene.Apply("target_limit: 1", "127.0.0.1:1");
        await Eventually.True(() => scene.Manager.Jobs()[0].Active.All(t => t.Report.Error.StartsWith("target_limit exceeded", StringComparison.Ordinal)), "target limit");
    }

    [Fact]
    public async Task Tightened_relabeling_takes_over_the_loop_and_ends_what_it_drops()
    {
        await using var scene = await Scene.StartAsync();
        scene.Target.Body = "a 1\nb 2\n";
        scene.Apply();
        await scene.Sees("b", "", 2);
        scene.Apply("metric_relabel_configs: [{source_labels: [__name__], regex: a, action: keep}]");
        await scene.Ends("b");
        await Eventually.True(() => scene.Committed("up").Count > 6, "scrapes go on");
        Assert.DoesNotContain(scene.Committed("a"), StaleMarker.IsStale);
        Assert.DoesNotContain(scene.Committed("up"), StaleMarker.IsStale);
        Assert.Contains(1, scene.Committed("scrape_samples_post_metric_relabeling"));
    }

    [Fact]
    public async Task Series_that_disappear_while_the_disk_is_full_are_ended_afterwards()
    {
        await using var scene = await Scene.StartAsync();
        scene.Target.Body = "a 1\nb 2\n";
        scene.Apply();
        await scene.Sees("b", "", 2);
        scene.Storage.IsFull = true;
        await Eventually.True(() => scene.Report.Error == "no space left on device", "the scrape says why it fails");
        scene.Target.Body = "a 1\n";
        var at = scene.Report.At;
        await Eventually.True(() => scene.Report.At > at + TimeSpan.FromMilliseconds(300), "a scrape without the series");
        Assert.DoesNotContain(scene.Committed("b"), StaleMarker.IsStale);
        scene.Storage.IsFull = false;
        await scene.Ends("b");
        Assert.DoesNotContain(scene.Committed("a"), StaleMarker.IsStale);
        Assert.Empty(scene.Report.Error);
    }

    [Fact]
    public async Task Samples_too_far_in_the_future_are_left_out()
    {
        await using var scene = await Scene.StartAsync();
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        scene.Target.Body = $"near 1 {now + 500_000}\nfar 1 {now + 700_000}\nlast 1\n";
        scene.Apply();
        await scene.Sees("last", "", 1);
        await scene.Sees("near", "", 1);
        Assert.Empty(scene.Committed("far"));
    }

    [Fact]
    public async Task Changes_of_the_configuration_leave_no_old_targets_in_memory()
    {
        await using var scene = await Scene.StartAsync();
        scene.Apply();
        await scene.Sees("a", "", 1);
        var first = FirstTarget(scene);
        for (var i = 0; i < 4; i++)
        {
            scene.Apply($"metric_relabel_configs: [{{source_labels: [__name__], regex: x{i}, action: drop}}]");
            var scrapes = scene.Committed("up").Count;
            await Eventually.True(() => scene.Committed("up").Count > scrapes + 1, "scrapes go on");
        }

        await Eventually.True(
            () =>
            {
                GC.Collect();
                return !first.TryGetTarget(out _);
            },
            "the first target is collected",
            TimeSpan.FromSeconds(5));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference<Target> FirstTarget(Scene scene) => new(scene.Manager.Jobs()[0].Active[0]);

    [Fact]
    public async Task A_removed_target_is_ended_at_its_next_scrape_time()
    {
        await using var scene = await Scene.StartAsync();
        scene.Apply();
        await scene.Sees("a", "", 1);
        scene.Manager.SetTargets("j", []);
        await scene.Ends("a");
        await scene.Ends("up");
        var last = scene.Storage.Committed.Where(s => !StaleMarker.IsStale(s.Value)).Max(s => s.TimestampMs);
        Assert.InRange(scene.Storage.Committed.Max(s => s.TimestampMs) - last, 1, 400);
    }

    [Fact]
    public async Task Shutdown_writes_no_stale_markers()
    {
        var scene = await Scene.StartAsync();
        scene.Apply();
        await scene.Sees("a", "", 1);
        await scene.DisposeAsync();
        Assert.DoesNotContain(scene.Storage.Committed, s => StaleMarker.IsStale(s.Value));
    }

    [Fact]
    public async Task Exposed_timestamps_are_kept_and_not_ended()
    {
        await using var scene = await Scene.StartAsync();
        var exposed = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - 5000;
        scene.Target.Body = $"a 1 {exposed}\nb 2\n";
        scene.Apply();
        await scene.Sees("b", "", 2);
        scene.Target.Body = "c 3\n";
        await scene.Ends("b");
        Assert.Equal(exposed, scene.Storage.Committed.First(s => s.Series.Contains("__name__=\"a\"", StringComparison.Ordinal)).TimestampMs);
        Assert.DoesNotContain(scene.Committed("a"), StaleMarker.IsStale);
    }

    [Fact]
    public async Task Series_that_storage_refuses_or_forgets_are_asked_for_again()
    {
        await using var scene = await Scene.StartAsync();
        scene.Storage.Admit = labels => labels.MetricName != "a";
        scene.Apply();
        await scene.Sees("up", "", 1);
        Assert.Empty(scene.Committed("a"));
        scene.Storage.Admit = _ => true;
        await scene.Sees("a", "", 1);
        var before = scene.Committed("a").Count;
        scene.Storage.ForgetSeries();
        await Eventually.True(() => scene.Committed("a").Count > before + 1, "samples after the storage forgot the series");
    }

    [Fact]
    public async Task Metadata_of_targets_is_kept()
    {
        await using var scene = await Scene.StartAsync();
        scene.Target.Body = "# HELP a What a is.\n# TYPE a untyped\na 1\n";
        scene.Apply();
        await scene.Sees("a", "", 1);
        var (_, family, metadata) = Assert.Single(scene.Manager.Metadata());
        Assert.Equal(("a", "unknown", "What a is."), (family, metadata.Type, metadata.Help));
    }

    [Fact]
    public async Task Targets_of_a_process_that_just_started_are_scraped_ahead_of_their_turn()
    {
        await using var scene = await Scene.StartAsync();
        scene.Interval = "1h";
        scene.Apply();
        await scene.Sees("a", "", 1);
        Assert.Single(scene.Committed("up"));
    }

    private static double Value(IEnumerable<RecordedSample> samples, string metric) =>
        samples.Single(s => s.Series.Contains($"__name__=\"{metric}\"", StringComparison.Ordinal)).Value;

    private sealed class Scene : IAsyncDisposable
    {
        private readonly ScrapeMetrics _metrics = new();
        private bool _disposed;

        private Scene(TestTarget target)
        {
            Target = target;
            Manager = new TargetManager(Storage, _metrics, new ScrapingOptions { OnDefect = e => Defect = e }, NullLogger.Instance);
        }

        public TestTarget Target { get; }

        public RecordingStorage Storage { get; } = new();

        public string Interval { get; set; } = "100ms";

        public TargetManager Manager { get; }

        public Exception? Defect { get; private set; }

        public ScrapeReport Report => Manager.Jobs()[0].Active[0].Report;

        public static async Task<Scene> StartAsync() => new(await TestTarget.StartAsync());

        public void Apply(string more = "scheme: http", params string[] otherAddresses)
        {
            Manager.Apply(ConfigFileTests.Parse($"scrape_configs:\n- job_name: j\n  scrape_interval: {Interval}\n  {more}\n"));
            Manager.SetTargets("j", [.. otherAddresses.Append(Target.Address).Select(a => LabelSet.Of(("__address__", a), ("__meta_x", "y")))]);
        }

        public IReadOnlyList<double> Committed(string metric) =>
            [.. Storage.Committed.Where(s => s.Series.Contains($"__name__=\"{metric}\"", StringComparison.Ordinal)).Select(s => s.Value)];

        public Task Sees(string metric, string labels, double value) => Eventually.True(
            () => Storage.Committed.Any(s => s.Series.Contains($"__name__=\"{metric}\"", StringComparison.Ordinal)
                && s.Series.Contains(labels, StringComparison.Ordinal) && s.Value == value),
            $"{metric}{{{labels}}} {value}",
            TimeSpan.FromSeconds(10));

        public Task Ends(string metric) => Eventually.True(() => Committed(metric).Any(StaleMarker.IsStale), $"{metric} ends", TimeSpan.FromSeconds(10));

        public async ValueTask DisposeAsync()
        {
            if (!_disposed)
            {
                _disposed = true;
                await Manager.DisposeAsync();
                await Target.DisposeAsync();
                _metrics.Dispose();
                Assert.Null(Defect);
            }
        }
    }
}
