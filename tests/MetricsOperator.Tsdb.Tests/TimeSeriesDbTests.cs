using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Tests;

public sealed class TimeSeriesDbTests
{
    private static readonly LabelSet A = LabelSet.Of(("__name__", "a"), ("job", "x"));
    private static readonly LabelSet B = LabelSet.Of(("__name__", "b"), ("job", "x"));

    [Fact]
    public void Samples_come_back_before_and_after_a_restart()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path))
        {
            Assert.Equal(AppendOutcome.Ok, db.Append(A, (1000, 1), (2000, double.NaN), (3000, StaleMarker.Value)));
            Assert.Equal(3, db.ReadAll()[A.ToString()].Count);
            Assert.Equal(1, db.HeadStats.NumSeries);
        }

        using var again = TestDb.Open(folder.Path);
        Assert.Equal([1000, 2000, 3000], again.ReadAll()[A.ToString()].Select(s => s.T));
        Assert.Equal("7ff0000000000002", again.ReadAll()[A.ToString()][2].V);
    }

    [Fact]
    public void Second_process_is_refused_with_a_clear_error()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path);
        var error = Assert.Throws<StorageException>(() => TestDb.Open(folder.Path));
        Assert.Contains("another process", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Repetition_is_ignored_and_conflict_and_older_samples_are_refused()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path);
        db.Append(A, (1000, 1), (2000, 2));
        Assert.Equal(AppendOutcome.Ok, db.Append(A, (2000, 2)));
        Assert.Equal(AppendOutcome.DuplicateTimestamp, db.Append(A, (2000, 3)));
        Assert.Equal(AppendOutcome.OutOfOrder, db.Append(A, (1500, 2)));
        Assert.Equal(2, db.ReadAll()[A.ToString()].Count);
    }

    [Fact]
    public void Window_is_half_the_block_duration_behind_the_newest_sample()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = 24 * 3_600_000L });
        const long Hour = 3_600_000;
        db.Append(A, (0, 1), (11 * Hour, 2), (20 * Hour, 3));
        Assert.Equal(AppendOutcome.OutOfBounds, db.Append(B, ((8 * Hour) - 1, 1)));
        Assert.Equal(AppendOutcome.Ok, db.Append(B, (8 * Hour, 1)));
    }

    [Fact]
    public void Unknown_reference_is_a_value()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path);
        using var appender = db.CreateAppender();
        Assert.Equal(AppendOutcome.UnknownSeries, appender.Append(new SeriesRef(77), 1, 1));
    }

    [Fact]
    public void Reader_sees_all_of_a_commit_or_nothing_and_the_same_in_both_selects()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path);
        db.Append(A, (1000, 1));
        db.Append(B, (1000, 1));
        using var querier = db.OpenQuerier(0, long.MaxValue);
        Assert.Equal(1, Count(querier, "a"));
        using (var appender = db.CreateAppender())
        {
            appender.Append(appender.GetOrCreate(A, out _), 2000, 2);
            appender.Append(appender.GetOrCreate(B, out _), 2000, 2);
            Assert.Equal(2, db.ReadAll().Sum(s => s.Value.Count));
            appender.Commit();
        }

        Assert.Equal(1, Count(querier, "b"));
        Assert.Equal(4, db.ReadAll().Sum(s => s.Value.Count));
    }

    [Fact]
    public void Rolled_back_samples_are_not_seen_and_its_series_may_be_used_by_others()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path))
        {
            SeriesRef series;
            using (var appender = db.CreateAppender())
            {
                series = appender.GetOrCreate(A, out _);
                appender.Append(series, 1000, 1);
            }

            Assert.Empty(db.ReadAll());
            using var second = db.CreateAppender();
            Assert.Equal(AppendOutcome.Ok, second.Append(series, 2000, 2));
            second.Commit();
        }

        using var again = TestDb.Open(folder.Path);
        Assert.Equal([2000], again.ReadAll()[A.ToString()].Select(s => s.T));
    }

    [Fact]
    public void Series_of_an_open_transaction_is_logged_before_another_ones_samples()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path))
        {
            using var first = db.CreateAppender();
            var series = first.GetOrCreate(A, out _);
            using var second = db.CreateAppender();
            Assert.Equal(series, second.GetOrCreate(A, out _));
            second.Append(series, 1000, 1);
            second.Commit();
            File.Copy(folder["wal/00000000"], folder["copy"]);
            Directory.CreateDirectory(folder["crashed/wal"]);
            File.Move(folder["copy"], folder["crashed/wal/00000000"]);
        }

        using var again = TestDb.Open(folder["crashed"]);
        Assert.Single(again.ReadAll());
    }

    [Fact]
    public void Histograms_stale_markers_and_floats_change_within_a_series()
    {
        using var folder = new TempDir();
        var want = new List<(long, string)> { (1000, "h3/1.5/1,2"), (2000, "h6/3/2,4"), (3000, "h0/NaN/"), (4000, "3ff0000000000000") };
        using (var db = TestDb.Open(folder.Path))
        {
            using var appender = db.CreateAppender();
            var series = appender.GetOrCreate(A, out _);
            foreach (var factor in new[] { 1, 2 })
            {
                Assert.Equal(AppendOutcome.Ok, appender.Append(series, factor * 1000, new FloatHistogram
                {
                    Count = 3 * factor,
                    Sum = 1.5 * factor,
                    PositiveSpans = [new(0, 2)],
                    PositiveBuckets = [1 * factor, 2 * factor],
                }));
            }

            appender.Commit();
            db.Append(A, (3000, StaleMarker.Value));
            db.Append(A, (4000, 1));
            Assert.Equal(want, db.ReadAll()[A.ToString()]);
        }

        using var again = TestDb.Open(folder.Path);
        Assert.Equal(want, again.ReadAll()[A.ToString()]);
    }

    [Fact]
    public void Matchers_follow_Prometheus()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path);
        foreach (var (name, pod) in new[] { ("up", "p1"), ("up", "p2"), ("up", ""), ("down", "p1") })
        {
            db.Append(LabelSet.Of(("__name__", name), ("pod", pod)), (1000, 1));
        }

        Check("""up/ up/p1 up/p2""", new LabelMatcher(MatchType.Equal, "__name__", "up"));
        Check("""up/p1""", new(MatchType.Equal, "__name__", "up"), new(MatchType.Equal, "pod", "p1"));
        Check("""up/""", new(MatchType.Equal, "__name__", "up"), new(MatchType.Equal, "pod", ""));
        Check("""up/ up/p2""", new(MatchType.Equal, "__name__", "up"), new(MatchType.NotEqual, "pod", "p1"));
        Check("""down/p1 up/p1 up/p2""", new LabelMatcher(MatchType.NotEqual, "pod", ""));
        Check("""down/p1 up/p1""", new LabelMatcher(MatchType.RegexMatch, "pod", "p1|x"));
        Check("""down/p1 up/p1 up/p2""", new LabelMatcher(MatchType.RegexMatch, "pod", "p.+"));
        Check("""down/p1 up/ up/p1 up/p2""", new LabelMatcher(MatchType.RegexMatch, "pod", ".*"));
        Check("""up/""", new(MatchType.RegexMatch, "__name__", ".+"), new(MatchType.RegexNoMatch, "pod", "p[12]"));
        Check("""up/ up/p2""", new(MatchType.RegexMatch, "pod", "|p2"), new(MatchType.Equal, "__name__", "up"));
        Check(string.Empty, new LabelMatcher(MatchType.Equal, "nothing", "x"));
        using var querier = db.OpenQuerier(0, 5000);
        Assert.Equal(["__name__", "pod"], querier.LabelNames([], 0, CancellationToken.None));
        Assert.Equal(["p1", "p2"], querier.LabelValues("pod", [], 0, CancellationToken.None));
        Assert.Equal(["p1"], querier.LabelValues("pod", [new(MatchType.Equal, "__name__", "down")], 0, CancellationToken.None));
        Assert.Equal(["p1"], querier.LabelValues("pod", [], 1, CancellationToken.None));

        void Check(string want, params LabelMatcher[] matchers)
        {
            using var q = db.OpenQuerier(0, 5000);
            var set = q.Select(true, new SelectHints(0, 5000), matchers, CancellationToken.None);
            var got = new List<string>();
            while (set.MoveNext())
            {
                got.Add($"{set.Labels.MetricName}/{set.Labels.Get("pod")}");
            }

            Assert.Equal(want, string.Join(' ', got));
        }
    }

    [Fact]
    public void Refused_series_are_left_out_of_the_replay()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path))
        {
            db.Append(A, (1000, 1));
            db.Append(B, (1000, 1));
        }

        using (var db = TestDb.Open(folder.Path, o => o with { KeepOnReplay = l => l.MetricName != "b" }))
        {
            Assert.Equal([A.ToString()], db.ReadAll().Keys);
            Assert.Equal(1, db.HeadStats.NumSeries);

            // Its reference is not given to another series.
            db.Append(LabelSet.Of(("__name__", "c")), (2000, 1));
        }

        using var all = TestDb.Open(folder.Path);
        Assert.Equal(3, all.ReadAll().Count);
        Assert.Equal([1000], all.ReadAll()[B.ToString()].Select(s => s.T));
    }

    [Fact]
    public void Progress_ends_with_done_and_never_goes_back()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path))
        {
            for (var i = 0; i < 3000; i++)
            {
                db.Append(LabelSet.Of(("__name__", "m"), ("i", $"{i % 50}")), (i, Math.Sqrt(i)));
            }
        }

        var reports = new List<ReplayProgress>();
        using var again = TimeSeriesDb.Open(new TsdbOptions { Path = folder.Path }, reports.Add, CancellationToken.None);
        Assert.Equal("done", reports[^1].Phase);
        Assert.Equal(100, reports[^1].Percent);
        Assert.Equal(50, reports[^1].SeriesSoFar);
        Assert.Contains(reports, r => r.Phase == "wal" && r.SegmentsTotal > 2);
        Assert.Equal(reports.Select(r => r.Percent).Order(), reports.Select(r => r.Percent));
    }

    [Fact]
    public void Cancelled_replay_leaves_the_directory_to_the_next_start()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path))
        {
            db.Append(A, (1000, 1));
        }

        using var cancelled = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => TimeSeriesDb.Open(
            new TsdbOptions { Path = folder.Path }, _ => cancelled.Cancel(), cancelled.Token).Dispose());
        using var again = TestDb.Open(folder.Path);
        Assert.Single(again.ReadAll());
    }

    [Fact]
    public void Metadata_survives_a_restart()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path))
        {
            using var appender = db.CreateAppender();
            var series = appender.GetOrCreate(A, out _);
            appender.SetMetadata(series, new MetricMetadata("counter", "seconds", "Time."));
            appender.AppendExemplar(series, new Exemplar(LabelSet.Of(("trace_id", "x")), 1, 1000));
            appender.Append(series, 1000, 1);
            appender.Commit();
        }

        using var again = TestDb.Open(folder.Path);
        Assert.Equal(new MetricMetadata("counter", "seconds", "Time."), again.Metadata("a"));
        Assert.Single(again.AllMetadata());
    }

    [Fact]
    public void Cardinality_names_the_largest()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path);
        for (var i = 0; i < 5; i++)
        {
            db.Append(LabelSet.Of(("__name__", "many"), ("i", $"{i}")), (1000, 1));
        }

        db.Append(A, (1000, 1));
        var cardinality = db.Cardinality(1);
        Assert.Equal(new NamedCount("many", 5), Assert.Single(cardinality.SeriesCountByMetricName));
        Assert.Equal(new NamedCount("i", 5), Assert.Single(cardinality.LabelValueCountByLabelName));
        Assert.Equal(new NamedCount("__name__=many", 5), Assert.Single(cardinality.SeriesCountByLabelValuePair));
        Assert.Equal(8, db.HeadStats.NumLabelPairs);
    }

    [Fact]
    public void Appending_to_existing_series_allocates_nothing_per_sample()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { WalSegmentBytes = 32 << 20 });
        var series = new SeriesRef[500];
        using (var appender = db.CreateAppender())
        {
            for (var i = 0; i < series.Length; i++)
            {
                series[i] = appender.GetOrCreate(LabelSet.Of(("__name__", "m"), ("i", $"{i}")), out _);
            }

            appender.Commit();
        }

        long t = 0;
        Action batch = () =>
        {
            t += 15_000;
            using var appender = db.CreateAppender();
            foreach (var s in series)
            {
                appender.Append(s, t, t / 1000.0);
            }

            appender.Commit();
        };
        for (var i = 0; i < 110; i++)
        {
            batch();
        }

        // One appender object, whatever the number of samples.
        AllocationAssert.AtMost(200, batch);
    }

    [Fact]
    public void Random_appends_restarts_blocks_and_late_samples_agree_with_a_model()
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            var model = new SortedDictionary<string, List<(long T, string V)>>(StringComparer.Ordinal);
            const long Range = 60_000;
            Func<TsdbOptions, TsdbOptions> options = o => o with { MinBlockDurationMs = Range, MaxBlockDurationMs = Range * 9, RetentionMs = 0 };
            var path = folder["data"];
            var db = TestDb.Open(path, options);
            long now = 1_000_000;
            long newest = long.MinValue;
            try
            {
                for (var step = 0; step < 1500; step++)
                {
                    now += random.Next(0, 2000);
                    switch (random.Next(60))
                    {
                        case 0:
                            db.Dispose();
                            db = TestDb.Open(path, options);
                            break;
                        case 4:
                            // What a kill leaves behind is what the files hold now.
                            var crashed = folder[$"crash{step}"];
                            TestDb.CopyFiles(path, crashed);
                            db.Dispose();
                            path = crashed;
                            db = TestDb.Open(path, options);
                            break;
                        case 1 or 2:
                            db.RunMaintenance(CancellationToken.None);
                            break;
                        case 3:
                            Assert.Equal(model, db.ReadAll());
                            break;
                    }

                    using var appender = db.CreateAppender();
                    var accepted = new List<(string Series, long T, string V)>();
                    for (var n = random.Next(1, 8); n > 0; n--)
                    {
                        // Series come and go: only a few numbers near the time are used.
                        var labels = LabelSet.Of(("__name__", $"m{random.Next(3)}"), ("pod", $"{(now / 40_000) + random.Next(2)}"), ("zone", "é\U0001F600"[..random.Next(2)]));
                        var series = appender.GetOrCreate(labels, out _);
                        var t = random.Next(10) == 0 ? now - random.Next(40_000) : now + n;
                        var v = random.Next(5) == 0 ? StaleMarker.Value : random.Next(100);
                        var outcome = appender.Append(series, t, v);
                        var known = model.GetValueOrDefault(labels.ToString());
                        var last = known?.Count > 0 ? known[^1].T : long.MinValue;
                        var isPending = accepted.Exists(a => a.Series == labels.ToString());
                        if (outcome == AppendOutcome.Ok && t > last && (!isPending || accepted.FindLast(a => a.Series == labels.ToString()).T < t))
                        {
                            accepted.Add((labels.ToString(), t, BitConverter.DoubleToUInt64Bits(v).ToString("x16")));
                        }

                        if (t >= newest && t > last)
                        {
                            Assert.Equal(AppendOutcome.Ok, outcome);
                        }

                        // The first sample of all sets the time of the head, whether it is committed or not.
                        newest = newest == long.MinValue ? t : newest;
                    }

                    if (random.Next(10) == 0)
                    {
                        continue;
                    }

                    appender.Commit();
                    foreach (var (series, t, v) in accepted)
                    {
                        newest = Math.Max(newest, t);
                        if (!model.TryGetValue(series, out var samples))
                        {
                            model[series] = samples = [];
                        }

                        samples.Add((t, v));
                    }
                }

                Assert.Equal(model, db.ReadAll());
                db.RunMaintenance(CancellationToken.None);
                Assert.NotEmpty(db.Blocks);
                Assert.Contains(db.Blocks, b => b.Compaction.Level > 1);
                Assert.Equal(model, db.ReadAll());
                db.Dispose();
                db = TestDb.Open(path, options);
                Assert.Equal(model, db.ReadAll());
                for (var i = 0; i < 30; i++)
                {
                    var from = random.NextInt64(900_000, now);
                    var to = from + random.Next(200_000);
                    var cut = model
                        .Select(m => (m.Key, Samples: m.Value.FindAll(s => s.T >= from && s.T <= to)))
                        .Where(m => m.Samples.Count > 0)
                        .ToDictionary(m => m.Key, m => m.Samples);
                    Assert.Equal(new SortedDictionary<string, List<(long, string)>>(cut, StringComparer.Ordinal), db.ReadAll(from, to));
                }
            }
            finally
            {
                db.Dispose();
            }
        });
    }

    [Fact]
    public void Late_samples_within_the_window_survive_crashes_and_become_blocks()
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            var model = new SortedDictionary<string, SortedDictionary<long, string>>(StringComparer.Ordinal);
            const long Range = 60_000;
            const long Window = 200_000;
            Func<TsdbOptions, TsdbOptions> options = o => o with
            {
                MinBlockDurationMs = Range,
                MaxBlockDurationMs = Range * 9,
                RetentionMs = 0,
                OutOfOrderWindowMs = Window,
            };
            var path = folder["data"];
            var db = TestDb.Open(path, options);
            long now = 10_000_000;
            try
            {
                for (var step = 0; step < 700; step++)
                {
                    now += random.Next(0, 3000);
                    switch (random.Next(50))
                    {
                        case 0:
                            var crashed = folder[$"crash{step}"];
                            TestDb.CopyFiles(path, crashed);
                            db.Dispose();
                            path = crashed;
                            db = TestDb.Open(path, options);
                            break;
                        case 1:
                            db.RunMaintenance(CancellationToken.None);
                            break;
                        case 2:
                            Assert.Equal(Flat(), db.ReadAll());
                            break;
                    }

                    var labels = LabelSet.Of(("__name__", $"m{random.Next(4)}"));
                    var t = random.Next(2) == 0 ? now : now - random.NextInt64(Window + 50_000);
                    var v = random.Next(1000);
                    var newest = db.HeadStats.MaxTime;
                    var outcome = db.Append(labels, (t, v));
                    var samples = model.GetValueOrDefault(labels.ToString()) ?? [];
                    if (outcome == AppendOutcome.TooOld)
                    {
                        Assert.True(t < newest - Window);
                    }
                    else if (outcome == AppendOutcome.Ok)
                    {
                        samples.TryAdd(t, BitConverter.DoubleToUInt64Bits(v).ToString("x16"));
                        model[labels.ToString()] = samples;
                    }
                    else
                    {
                        Assert.Equal(AppendOutcome.DuplicateTimestamp, outcome);
                    }
                }

                Assert.Equal(Flat(), db.ReadAll());
                db.RunMaintenance(CancellationToken.None);
                db.RunMaintenance(CancellationToken.None);
                Assert.Equal(Flat(), db.ReadAll());
                db.Dispose();
                db = TestDb.Open(path, options);
                Assert.Equal(Flat(), db.ReadAll());
            }
            finally
            {
                db.Dispose();
            }

            SortedDictionary<string, List<(long, string)>> Flat() =>
                new(model.ToDictionary(m => m.Key, m => m.Value.Select(s => (s.Key, s.Value)).ToList()), StringComparer.Ordinal);
        });
    }

    [Fact]
    public void Directory_whose_log_is_cut_at_any_byte_opens_with_the_commits_before_the_cut()
    {
        using var folder = new TempDir();
        var ends = new List<long>();
        using (var db = TestDb.Open(folder["data"]))
        {
            for (var i = 0; i < 5; i++)
            {
                db.Append(i % 2 == 0 ? A : B, (1000 + i, i));
                ends.Add(new FileInfo(folder["data/wal/00000000"]).Length);
            }

            TestDb.CopyFiles(folder["data"], folder["whole"]);
        }

        var whole = File.ReadAllBytes(folder["whole/wal/00000000"]);
        for (var cut = 0; cut <= whole.Length; cut++)
        {
            var path = folder[$"cut{cut}"];
            Directory.CreateDirectory(Path.Combine(path, "wal"));
            File.WriteAllBytes(Path.Combine(path, "wal", "00000000"), whole[..cut]);
            var want = ends.Count(e => e <= cut);
            using (var db = TestDb.Open(path))
            {
                Assert.Equal(want, db.ReadAll().Sum(s => s.Value.Count));
                Assert.Equal(AppendOutcome.Ok, db.Append(A, (5000, 5)));
            }

            using var again = TestDb.Open(path);
            Assert.Equal(want + 1, again.ReadAll().Sum(s => s.Value.Count));
            again.Dispose();
            Directory.Delete(path, recursive: true);
        }
    }

    [Fact]
    public void Series_of_ten_labels_costs_at_most_600_bytes()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { WalSegmentBytes = 32 << 20 });
        const int Series = 10_000;
        var references = new SeriesRef[Series];
        using (var appender = db.CreateAppender())
        {
            for (var i = 0; i < Series; i++)
            {
                references[i] = appender.GetOrCreate(
                    LabelSet.Of(
                        ("__name__", $"http_request_duration_seconds_metric_{i % 500}"), ("job", "api"), ("instance", $"10.0.0.{i / 1000}:9100"),
                        ("namespace", "production"), ("pod", $"api-server-7d9c6b5f4-{i / 1000}"), ("container", "server"), ("node", $"node-{i / 5000}"),
                        ("handler", $"/api/v1/resource/{i % 50}"), ("code", $"{200 + (i % 5)}"), ("id", $"{i}")),
                    out _);
            }

            appender.Commit();
        }

        for (var t = 0; t < 250; t++)
        {
            using var appender = db.CreateAppender();
            for (var i = 0; i < Series; i++)
            {
                appender.Append(references[i], t * 15_000, t * (i % 7));
            }

            appender.Commit();
        }

        var perSeries = db.HeadStats.Bytes / Series;
        Assert.InRange(perSeries, 100, 600);
    }

    private static int Count(ISeriesQuerier querier, string name)
    {
        var set = querier.Select(false, new SelectHints(0, long.MaxValue), [TestDb.Equal("__name__", name)], CancellationToken.None);
        Assert.True(set.MoveNext());
        using var reader = set.OpenReader();
        return TestDb.Read(reader).Count;
    }
}
