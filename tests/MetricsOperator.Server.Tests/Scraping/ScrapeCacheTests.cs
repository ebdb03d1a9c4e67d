using System.Globalization;
using System.Text;
using MetricsOperator.Server.Scraping;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.Server.Tests.Scraping;

public sealed class ScrapeCacheTests
{
    [Fact]
    public void Series_that_disappear_are_reported_once()
    {
        var cache = new ScrapeCache();
        Assert.Empty(Scrape(cache, ["a", "b"]));
        Assert.Equal([2UL], Scrape(cache, ["a"]));
        Assert.Empty(Scrape(cache, ["a"]));
        Assert.Equal(1, cache.Count);
    }

    [Fact]
    public void A_failed_scrape_ends_all_and_keeps_the_texts()
    {
        var cache = new ScrapeCache();
        Scrape(cache, ["a", "b"]);
        Assert.Equal([1UL, 2UL], Fail(cache, []));
        Assert.Empty(Fail(cache, []));
        Assert.Equal(2, cache.Count);
        Assert.Empty(Scrape(cache, ["a", "b"]));
    }

    [Fact]
    public void A_scrape_that_fails_half_way_ends_what_was_alive_before_it()
    {
        var cache = new ScrapeCache();
        Scrape(cache, ["a", "b"]);
        Assert.Equal([1UL, 2UL], Fail(cache, ["a", "new"]));
    }

    [Fact]
    public void A_text_repeated_in_one_scrape_is_seen()
    {
        var cache = new ScrapeCache();
        cache.BeginScrape();
        cache.Touch("a"u8, out var first);
        cache.Touch("a"u8, out var second);
        Assert.Equal((false, true), (first, second));
    }

    [Fact]
    public void A_successor_ends_inherited_series_that_it_does_not_continue()
    {
        var old = new ScrapeCache();
        Scrape(old, ["a", "b", "c"]);
        var cache = new ScrapeCache();
        cache.Inherit(old);
        Assert.Equal([2UL, 3UL], Scrape(cache, ["a"]));
        Assert.Empty(Scrape(cache, ["a"]));
    }

    [Fact]
    public void Random_scrapes_agree_with_a_model() => SeededRandom.Run(random =>
    {
        var cache = new ScrapeCache();
        var alive = new HashSet<string>();
        var ids = new Dictionary<string, ulong>();
        for (var round = 0; round < 60; round++)
        {
            var names = Enumerable.Range(0, 400).Where(_ => random.Next(3) > 0).Select(i => "series" + i.ToString(CultureInfo.InvariantCulture)).ToList();
            var failed = random.Next(6) == 0;
            var gone = Run(cache, names, failed, ids);
            var expected = failed ? alive : [.. alive.Except(names)];
            Assert.Equal(expected.Select(n => ids[n]).Order(), gone.Order());
            alive = failed ? [] : [.. names];
        }
    });

    [Fact]
    public void Texts_of_scrapes_that_keep_failing_do_not_pile_up()
    {
        var cache = new ScrapeCache();
        var ids = new Dictionary<string, ulong>();
        Run(cache, ["a"], false, ids);
        for (var round = 0; round < 20; round++)
        {
            Run(cache, Enumerable.Range(0, 3000).Select(i => $"churn{round}-{i}"), true, ids);
        }

        Assert.InRange(cache.Count, 1, 6002);
        Assert.Empty(Run(cache, ["a"], false, ids));
        Assert.Equal(1, cache.Count);
    }

    [Fact]
    public void A_series_whose_end_was_not_stored_is_reported_again_unless_it_is_back()
    {
        var cache = new ScrapeCache();
        Scrape(cache, ["a", "b", "c"]);
        Assert.Equal([2UL, 3UL], Scrape(cache, ["a"]));
        cache.Owe([new SeriesRef(2), new SeriesRef(3)]);
        Assert.Equal([2UL], Scrape(cache, ["a", "c"]));
        Assert.Empty(Scrape(cache, ["a", "c"]));
    }

    [Fact]
    public void Looking_up_known_texts_allocates_nothing()
    {
        var cache = new ScrapeCache();
        var texts = Enumerable.Range(0, 1000).Select(i => Encoding.UTF8.GetBytes($"metric{{label=\"{i}\"}}")).ToArray();
        Action<SeriesRef> gone = _ => { };
        AllocationAssert.AtMost(0, () =>
        {
            cache.BeginScrape();
            foreach (var text in texts)
            {
                cache.Touch(text, out _).Tracked = true;
            }

            cache.EndScrape(gone);
        });
    }

    // Names become references in the order in which they are first seen.
    private static List<ulong> Run(ScrapeCache cache, IEnumerable<string> names, bool fails, Dictionary<string, ulong> ids)
    {
        var gone = new List<ulong>();
        cache.BeginScrape();
        foreach (var name in names)
        {
            ref var entry = ref cache.Touch(Encoding.UTF8.GetBytes(name), out _);
            if (entry.Series.IsNone)
            {
                if (!ids.TryGetValue(name, out var id))
                {
                    ids.Add(name, id = (ulong)ids.Count + 1);
                }

                entry.Series = new SeriesRef(id);
                entry.Tracked = true;
            }
        }

        if (fails)
        {
            cache.EndAll(s => gone.Add(s.Value));
        }
        else
        {
            cache.EndScrape(s => gone.Add(s.Value));
        }

        gone.Sort();
        return gone;
    }

    private static readonly Dictionary<string, ulong> Fixed = new() { ["a"] = 1, ["b"] = 2, ["c"] = 3, ["new"] = 4 };

    private static List<ulong> Scrape(ScrapeCache cache, IEnumerable<string> names) => Run(cache, names, fails: false, Fixed);

    private static List<ulong> Fail(ScrapeCache cache, IEnumerable<string> names) => Run(cache, names, fails: true, Fixed);
}
