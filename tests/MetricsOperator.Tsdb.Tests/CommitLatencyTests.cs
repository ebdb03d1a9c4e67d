using System.Diagnostics;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Tests;

public sealed class CommitLatencyTests
{
    private const int Series = 100_000;

    [Fact]
    public async Task Commits_go_on_while_a_block_of_many_series_is_cut()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = 10_000, RetentionMs = 0, WalSegmentBytes = 128 << 20 });
        using (var appender = db.CreateAppender())
        {
            for (var i = 0; i < Series; i++)
            {
                // In no order, with labels as of pods.
                var n = (int)(i * 7919L % Series);
                var labels = LabelSet.Of(
                    ("__name__", $"some_metric_{n % 500}_total"), ("cluster", "production"), ("container", $"c{n % 7}"), ("instance", $"10.0.{n / 500}.1:9100"),
                    ("job", "kubernetes-pods"), ("namespace", $"ns{n % 30}"), ("node", $"node-{n % 40}"), ("pod", $"pod-{n / 500}-{n % 3}"), ("zone", $"z{n % 3}"));
                appender.Append(appender.GetOrCreate(labels, out _), 1000, n);
            }

            appender.Commit();
        }

        db.Append(LabelSet.Of(("__name__", "live")), (20_000, 1));
        var maintenance = Task.Run(() => db.RunMaintenance(CancellationToken.None));
        var longest = TimeSpan.Zero;
        var all = Stopwatch.StartNew();
        for (var time = 20_001; !maintenance.IsCompleted; time++)
        {
            var began = Stopwatch.GetTimestamp();
            db.Append(LabelSet.Of(("__name__", "live")), (time, 1));
            var took = Stopwatch.GetElapsedTime(began);
            longest = took > longest ? took : longest;
            await Task.Delay(1);
        }

        await maintenance;
        all.Stop();
        Assert.Equal(Series, (long)db.Blocks.Single().Stats.NumSeries);

        // A share of the whole and not a time: both grow alike on a slow machine.
        Assert.True(longest < all.Elapsed / 3, $"the longest commit took {longest.TotalMilliseconds} ms of {all.ElapsedMilliseconds} ms");
    }
}
