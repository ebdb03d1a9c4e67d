using MetricsOperator.Server.Hosting;
using MetricsOperator.TestKit;

namespace MetricsOperator.Server.Tests.Hosting;

public sealed class RateWindowTests
{
    [Fact]
    public void Bursts_between_quiet_looks_count_over_the_minute()
    {
        var time = new FakeTimeProvider();
        var window = new RateWindow(time);
        Assert.Equal(0, window.Observe(0));
        var rate = 0.0;
        for (var second = 2; second <= 120; second += 2)
        {
            time.Advance(TimeSpan.FromSeconds(2));
            rate = window.Observe(second / 20 * 1000);
        }

        Assert.InRange(rate, 45, 65);
    }

    [Fact]
    public void What_is_older_than_a_minute_is_forgotten()
    {
        var time = new FakeTimeProvider();
        var window = new RateWindow(time);
        window.Observe(0);
        time.Advance(TimeSpan.FromSeconds(2));
        window.Observe(1_000_000);
        time.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(0, window.Observe(1_000_000));
    }
}
