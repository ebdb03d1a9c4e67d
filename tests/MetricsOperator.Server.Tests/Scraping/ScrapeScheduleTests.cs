using MetricsOperator.Server.Scraping;
using MetricsOperator.TestKit;

namespace MetricsOperator.Server.Tests.Scraping;

public sealed class ScrapeScheduleTests
{
    [Fact]
    public void Offsets_are_fixed_and_within_the_interval() => SeededRandom.Run(random =>
    {
        var interval = TimeSpan.FromSeconds(15);
        for (var i = 0; i < 500; i++)
        {
            var (key, seed) = ((ulong)random.NextInt64(), (ulong)random.NextInt64());
            var now = DateTimeOffset.UnixEpoch.AddMilliseconds(random.NextInt64(4_000_000_000_000));
            var offset = ScrapeSchedule.Offset(interval, key, seed, now);
            Assert.InRange(offset, TimeSpan.Zero, interval);
            var later = now + TimeSpan.FromMilliseconds(random.Next(60_000));
            Assert.Equal((now + offset).UtcTicks % interval.Ticks, (later + ScrapeSchedule.Offset(interval, key, seed, later)).UtcTicks % interval.Ticks);
        }
    });

    [Fact]
    public void Scrapes_ahead_of_their_turn_come_soon_are_spread_and_keep_away_from_the_turn() => SeededRandom.Run(random =>
    {
        var firstHalves = 0;
        for (var i = 0; i < 1000; i++)
        {
            var offset = TimeSpan.FromSeconds(5.1 + (random.NextDouble() * 3600));
            var soon = ScrapeSchedule.CatchUp(offset, (ulong)random.NextInt64());
            Assert.NotNull(soon);
            Assert.InRange(soon.Value, TimeSpan.Zero, TimeSpan.FromSeconds(2.5));
            Assert.True(offset - soon.Value >= TimeSpan.FromSeconds(2.5));
            firstHalves += soon.Value < TimeSpan.FromSeconds(1.25) ? 1 : 0;
        }

        Assert.InRange(firstHalves, 350, 650);
    });

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public void A_turn_that_comes_soon_is_waited_for(int seconds) => Assert.Null(ScrapeSchedule.CatchUp(TimeSpan.FromSeconds(seconds), 12345));
}
