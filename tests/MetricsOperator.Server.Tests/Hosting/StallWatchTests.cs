using MetricsOperator.Server.Hosting;

namespace MetricsOperator.Server.Tests.Hosting;

/// <summary>Standing still is found after the patience for it, and neither idleness nor slow work is taken for it.</summary>
public sealed class StallWatchTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Ages = TimeSpan.FromDays(1);

    private long _count;
    private TimeSpan? _patience = Patience;

    [Fact]
    public void What_stands_still_is_named_after_its_patience()
    {
        using var watch = Watch();
        Assert.Equal(Enumerable.Repeat<string?>(null, 4), Enumerable.Range(0, 4).Select(_ => watch.Look()));
        Assert.Equal("scraping has done nothing for 20 s", watch.Look());
    }

    [Fact]
    public void Progress_however_slow_is_no_stall()
    {
        using var watch = Watch();
        for (var look = 0; look < 40; look++)
        {
            _count += look % 4 == 3 ? 1 : 0;
            Assert.Null(watch.Look());
        }
    }

    [Fact]
    public void What_has_nothing_to_do_may_rest_and_is_not_late_when_work_comes()
    {
        using var watch = Watch();
        _patience = null;
        for (var look = 0; look < 40; look++)
        {
            Assert.Null(watch.Look());
        }

        _patience = Patience;
        Assert.Null(watch.Look());
        Assert.Null(watch.Look());
        Assert.Null(watch.Look());
        Assert.NotNull(watch.Look());
    }

    [Fact]
    public async Task Watch_that_runs_tells_once()
    {
        var told = new List<string>();
        var stalled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var watch = new StallWatch(TimeSpan.FromMilliseconds(20), Ages, [new("scraping", () => 1, () => TimeSpan.FromMilliseconds(100))], what =>
        {
            told.Add(what);
            stalled.TrySetResult();
        });
        watch.Start();
        await stalled.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await Task.Delay(200);
        Assert.Single(told);
    }

    private StallWatch Watch() => new(Interval, Ages, [new SignOfLife("scraping", () => _count, () => _patience)], _ => Assert.Fail("nobody started it"));
}
