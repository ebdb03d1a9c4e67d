using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Tests.Querying;

public sealed class LabelCacheTests
{
    [Fact]
    public void Finds_what_was_kept_and_nothing_else()
    {
        var cache = new LabelCache(1 << 20);
        var labels = Labels(1);
        cache.Keep(1, 7, labels);
        Assert.Same(labels, cache.Find(1, 7));
        Assert.Null(cache.Find(2, 7));
        Assert.Null(cache.Find(1, 8));
    }

    [Fact]
    public void Holds_no_more_than_its_bytes_and_makes_room_for_what_is_new() => SeededRandom.Run(random =>
    {
        const long max = 64 * 1024;
        var cache = new LabelCache(max);
        for (var i = 0; i < 20_000; i++)
        {
            var (block, series, labels) = (random.Next(4), (uint)random.Next(5000), Labels(random.Next(400)));
            cache.Keep(block, series, labels);
            Assert.InRange(cache.Bytes, 1, max);
            Assert.Same(labels, cache.Find(block, series));
        }
    });

    [Fact]
    public void Labels_that_would_push_out_much_else_are_not_kept()
    {
        var cache = new LabelCache(64 * 1024);
        cache.Keep(1, 1, Labels(5000));
        Assert.Null(cache.Find(1, 1));
        Assert.Equal(0, cache.Bytes);
    }

    [Fact]
    public void Without_bytes_nothing_is_kept()
    {
        var cache = new LabelCache(0);
        cache.Keep(1, 1, Labels(1));
        Assert.Null(cache.Find(1, 1));
    }

    [Fact]
    public void Series_of_several_blocks_and_the_head_are_the_same_with_and_without()
    {
        const long hour = 60 * 60 * 1000L;
        using var with = new TempDir();
        using var without = new TempDir();
        using var cached = TestDb.Open(with.Path);
        using var plain = TestDb.Open(without.Path, o => o with { LabelCacheBytes = 0 });
        foreach (var db in new[] { cached, plain })
        {
            for (var t = 0L; t <= 9 * hour; t += hour / 2)
            {
                // A series of its own for every second step, so that blocks differ in what their references name.
                db.Append(LabelSet.Of(("__name__", "a"), ("n", $"{t % (3 * hour)}")), (t, t));
                db.Append(LabelSet.Of(("__name__", "b")), (t, 1));
            }

            db.RunMaintenance(CancellationToken.None);
        }

        Assert.True(cached.Blocks.Count > 1);
        var expected = plain.ReadAll();
        Assert.Equal(expected, cached.ReadAll());
        Assert.Equal(expected, cached.ReadAll());
        Assert.Equal(plain.ReadAll(matchers: TestDb.Equal("__name__", "b")), cached.ReadAll(matchers: TestDb.Equal("__name__", "b")));
    }

    private static LabelSet Labels(int length) => LabelSet.Of(("__name__", "a"), ("text", new string('x', length + 1)));
}
