using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Tests;

public sealed class ConcurrencyTests
{
    private const int Targets = 3;
    private const int SeriesPerTarget = 40;
    private const int EnoughReads = 300;

    [Fact]
    public async Task Commits_stay_whole_while_others_write_query_and_maintain()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = 60_000, MaxBlockDurationMs = 540_000, RetentionMs = 0 });
        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var commits = new int[Targets];
        var writers = Enumerable.Range(0, Targets).Select(target => OnOwnThread(() => Write(target))).ToArray();
        var reads = 0;
        var reader = OnOwnThread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                ReadOnce(reads % Targets);
                reads++;

                // Enough has happened; on a slow machine it takes longer.
                if (reads >= EnoughReads && db.Blocks.Count > 0)
                {
                    stop.Cancel();
                }
            }
        });
        var maintenance = OnOwnThread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                db.RunMaintenance(CancellationToken.None);
            }
        });
        await Task.WhenAll([.. writers, reader, maintenance]);
        db.RunMaintenance(CancellationToken.None);
        Assert.InRange(reads, EnoughReads, int.MaxValue);
        Assert.NotEmpty(db.Blocks);
        for (var target = 0; target < Targets; target++)
        {
            var all = db.ReadAll(long.MinValue, long.MaxValue, TestDb.Equal("target", $"{target}"));
            Assert.Equal(commits[target] * SeriesPerTarget, all.Sum(s => s.Value.Count));
        }

        void Write(int target)
        {
            while (!stop.IsCancellationRequested)
            {
                var n = commits[target];
                using var appender = db.CreateAppender();
                for (var i = 0; i < SeriesPerTarget; i++)
                {
                    // Series live for a hundred commits, so that blocks make the head forget them.
                    var labels = LabelSet.Of(("__name__", $"m{i}"), ("target", $"{target}"), ("generation", $"{n / 100}"));
                    Assert.Equal(AppendOutcome.Ok, appender.Append(appender.GetOrCreate(labels, out _), n * 500L, n));
                }

                appender.Commit();
                commits[target]++;

                // As fast as the reader can keep up with, not as fast as possible.
                stop.Token.WaitHandle.WaitOne(1);

                // Keep together: one writer must not run out of the others' window.
                while (!stop.IsCancellationRequested && commits[target] > commits.Min() + 50)
                {
                    Thread.Yield();
                }
            }
        }

        void ReadOnce(int target)
        {
            using var querier = db.OpenQuerier((commits[target] * 500L) - 150_000, long.MaxValue);
            var first = Counts(querier, target);
            var second = Counts(querier, target);
            Assert.Equal(first, second);
            Assert.True(first.Distinct().Count() <= 1, $"a commit is half visible: {string.Join(' ', first)}");
        }
    }

    // The pool starts threads too slowly for threads that wait for one another.
    private static Task OnOwnThread(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    // Samples of each metric of a target, over all its generations.
    private static int[] Counts(ISeriesQuerier querier, int target)
    {
        var counts = new int[SeriesPerTarget];
        var times = new long[100];
        var values = new double[100];
        var set = querier.Select(
            false,
            new SelectHints(0, long.MaxValue),
            [new(MatchType.Equal, "target", $"{target}"), new(MatchType.RegexMatch, "__name__", "m.+")],
            CancellationToken.None);
        while (set.MoveNext())
        {
            using var reader = set.OpenReader();
            ref var count = ref counts[int.Parse(set.Labels.MetricName[1..], System.Globalization.CultureInfo.InvariantCulture)];
            int read;
            while ((read = reader.ReadFloats(times, values)) > 0)
            {
                count += read;
            }
        }

        Assert.Empty(set.Warnings);
        return counts;
    }
}
