using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Exemplars;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Tests.Exemplars;

public sealed class ExemplarStoreTests
{
    private static readonly LabelSet A = LabelSet.Of(("__name__", "a"), ("job", "x"));
    private static readonly LabelSet B = LabelSet.Of(("__name__", "b"), ("job", "x"));
    private static readonly IReadOnlyList<LabelMatcher> JobX = [new(MatchType.Equal, "job", "x")];

    [Fact]
    public void Repetition_is_dropped_silently_and_older_ones_are_counted()
    {
        var store = new ExemplarStore(100, 1 << 20);
        store.Add(1, A, Trace("t1", 5, 1000));
        store.Add(1, A, Trace("t1", 5, 1000));
        Assert.Equal((1, 1, 0), (store.Count, store.Appended, store.OutOfOrder));
        store.Add(1, A, Trace("t2", 5, 999));
        store.Add(1, A, Trace("t2", 4, 1000));
        Assert.Equal((1, 2), (store.Count, store.OutOfOrder));
        store.Add(1, A, Trace("t2", 6, 1000));
        store.Add(1, A, Trace("t1", 5, 1001));
        Assert.Equal((3, 2), (store.Count, store.OutOfOrder));

        // Without a time of their own the same labels and value are a repetition at any time.
        store.Add(1, A, Trace("t3", 7, 1500) with { HasOwnTime = false });
        store.Add(1, A, Trace("t3", 7, 1600) with { HasOwnTime = false });
        Assert.Equal((4, 2), (store.Count, store.OutOfOrder));

        // Of equal time and value one order is accepted, so that the same pair sent again is refused.
        var (low, high) = Trace("x", 9, 2000).Labels.Hash < Trace("y", 9, 2000).Labels.Hash ? ("x", "y") : ("y", "x");
        store.Add(1, A, Trace(low, 9, 2000));
        store.Add(1, A, Trace(high, 9, 2000));
        store.Add(1, A, Trace(low, 9, 2000));
        store.Add(1, A, Trace(high, 9, 2000));
        Assert.Equal((6, 3), (store.Count, store.OutOfOrder));
    }

    [Fact]
    public void Labels_have_at_most_128_characters()
    {
        var store = new ExemplarStore(100, 1 << 20);
        Assert.True(store.Check(1, new Exemplar(LabelSet.Of(("id", new string('é', 126))), 1, 1)));
        Assert.False(store.Check(1, new Exemplar(LabelSet.Of(("id", new string('a', 127))), 1, 1)));
        Assert.Equal(1, store.Refused);
    }

    [Fact]
    public void Select_takes_time_range_and_any_of_the_selectors_and_sorts_by_labels()
    {
        var store = new ExemplarStore(100, 1 << 20);
        store.Add(2, B, Trace("b1", 1, 1000));
        store.Add(1, A, Trace("a1", 1, 1000));
        store.Add(1, A, Trace("a2", 2, 2000));
        store.Add(3, A, Trace("a3", 3, 1500));
        Assert.Equal(["{__name__=\"a\", job=\"x\"}: a1 a3 a2", "{__name__=\"b\", job=\"x\"}: b1"], Texts(store, 0, 5000, JobX));
        Assert.Equal(["{__name__=\"a\", job=\"x\"}: a3 a2"], Texts(store, 1001, 2000, JobX));
        Assert.Equal(["{__name__=\"b\", job=\"x\"}: b1"], Texts(store, 0, 5000, [new(MatchType.Equal, "job", "y")], [new(MatchType.RegexMatch, "__name__", "b.*")]));
        Assert.Empty(Texts(store, 3000, 5000, JobX));
    }

    [Fact]
    public void Any_history_keeps_the_newest_within_number_and_bytes() => SeededRandom.Run(random =>
    {
        var limit = random.Next(1, 300);
        var bytes = random.Next(2_000, 60_000);
        var store = new ExemplarStore(limit, bytes);
        var added = new List<(ulong Series, long T)>();
        for (var i = 0; i < 2000; i++)
        {
            if (random.Next(200) == 0)
            {
                store.Resize(limit = random.Next(0, 300));
            }

            var series = (ulong)random.Next(1, 20);
            store.Add(series, Labels(series), Trace(new string('t', random.Next(1, 90)), i, i));
            if (limit > 0)
            {
                added.Add((series, i));
            }

            Assert.InRange(store.Count, 0, limit);
            Assert.InRange(store.Bytes, 0, bytes);
        }

        var got = store.Select(0, long.MaxValue, [[new(MatchType.RegexMatch, "__name__", ".*")]], CancellationToken.None).ToList();
        var want = added.TakeLast(store.Count).GroupBy(a => Labels(a.Series)).OrderBy(g => g.Key);
        Assert.Equal(want.Select(g => (g.Key, string.Join(' ', g.Select(a => a.T)))), got.Select(g => (g.Labels, string.Join(' ', g.Exemplars.Select(e => e.TimestampMs)))));
        Assert.Equal(got.Count, store.SeriesCount);
        store.Resize(0);
        Assert.Equal((0, 0, 0), (store.Count, store.SeriesCount, store.Bytes));

        static LabelSet Labels(ulong series) => LabelSet.Of(("__name__", $"m{series}"), ("text", new string('l', (int)series * 10)));
    });

    [Fact]
    public void Exemplars_come_back_from_log_and_checkpoint_and_those_of_unknown_series_are_left_out()
    {
        const long Minute = 60_000;
        using var folder = new TempDir();
        Func<TsdbOptions, TsdbOptions> options = o => o with { MinBlockDurationMs = Minute, MaxBlockDurationMs = Minute, RetentionMs = 0, WalCompression = false };
        string[] want;
        using (var db = TestDb.Open(folder.Path, options))
        {
            for (var t = 0L; t <= 8 * Minute; t += 1000)
            {
                using var appender = db.CreateAppender();
                var series = appender.GetOrCreate(A, out _);
                appender.Append(series, t, t);
                appender.AppendExemplar(series, Trace($"{t:D120}", t, t));
                appender.AppendExemplar(series, Trace($"{t:D120}", t, t));
                appender.AppendExemplar(new SeriesRef(999), Trace("lost", t, t));
                appender.Commit();
            }

            Assert.Equal(481, db.SelectExemplars(0, long.MaxValue, [JobX], CancellationToken.None).Single().Exemplars.Count);
            db.RunMaintenance(CancellationToken.None);
            Assert.NotEmpty(Directory.GetDirectories(folder["wal"], "checkpoint.*"));
            want = [.. db.SelectExemplars(db.HeadStats.MinTime, long.MaxValue, [JobX], CancellationToken.None).Single().Exemplars.Select(e => e.Labels.ToString())];
            Assert.InRange(want.Length, 30, 200);
        }

        using (var again = TestDb.Open(folder.Path, options))
        {
            Assert.Equal(want, again.SelectExemplars(0, long.MaxValue, [JobX], CancellationToken.None).Single().Exemplars.Select(e => e.Labels.ToString()));
        }

        using var few = TestDb.Open(folder.Path, o => options(o) with { MaxExemplars = 2 });
        Assert.Equal(want[^2..], few.SelectExemplars(0, long.MaxValue, [JobX], CancellationToken.None).Single().Exemplars.Select(e => e.Labels.ToString()));
        few.SetMaxExemplars(0);
        Assert.Empty(few.SelectExemplars(0, long.MaxValue, [JobX], CancellationToken.None));
    }

    [Fact]
    public void An_exemplar_may_come_before_the_first_sample_of_its_series_is_committed()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path))
        {
            using var creator = db.CreateAppender();
            var series = creator.GetOrCreate(A, out _);
            using var appender = db.CreateAppender();
            appender.AppendExemplar(series, Trace("early", 1, 1000));
            appender.Commit();
            File.Copy(folder["wal/00000000"], folder["copy"]);
        }

        Directory.CreateDirectory(folder["crashed/wal"]);
        File.Move(folder["copy"], folder["crashed/wal/00000000"]);
        using var again = TestDb.Open(folder["crashed"]);
        Assert.Single(again.SelectExemplars(0, 2000, [JobX], CancellationToken.None).Single().Exemplars);
    }

    private static Exemplar Trace(string id, double value, long timestampMs) => new(LabelSet.Of(("id", id)), value, timestampMs);

    private static IEnumerable<string> Texts(ExemplarStore store, long min, long max, params IReadOnlyList<LabelMatcher>[] selectors) => store
        .Select(min, max, selectors, CancellationToken.None)
        .Select(s => $"{s.Labels}: {string.Join(' ', s.Exemplars.Select(e => e.Labels.Get("id")))}");
}
