using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;
using MetricsOperator.Tsdb.Recovery;
using MetricsOperator.Tsdb.Wal;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Tests.Recovery;

/// <summary>A start from the state of the head finds what a start from the whole log finds, and the whole log is there when the state is of no use.</summary>
public sealed class HeadStateTests
{
    private const long Step = 15_000;

    [Fact]
    public void Start_from_the_state_equals_a_start_from_the_log() => SeededRandom.Run(random =>
    {
        for (var run = 0; run < 12; run++)
        {
            using var folder = new TempDir();
            using var fromState = new TempDir();
            using var fromLog = new TempDir();
            IReadOnlyDictionary<string, MetricMetadata> metadata;
            using (var db = Open(folder.Path))
            {
                var rounds = 60 + random.Next(120);
                Work(db, random, rounds);
                db.KeepHeadState(now: true, CancellationToken.None);
                Work(db, random, random.Next(5), from: rounds, maintains: false);
                TestDb.CopyFiles(folder.Path, fromState.Path);
                metadata = db.AllMetadata();
            }

            TestDb.CopyFiles(fromState.Path, fromLog.Path);
            File.Delete(StateOf(fromLog.Path));
            var phases = new HashSet<string>(StringComparer.Ordinal);
            using var left = Open(fromState.Path, progress: p => phases.Add(p.Phase));
            using var right = Open(fromLog.Path, options => options with { HeadStateMinLogBytes = long.MaxValue });
            Assert.Contains("head_state", phases);
            AssertSame(right, left);

            // A checkpoint forgets the metadata of series that are gone, the state does not.
            Assert.Equal(metadata, left.AllMetadata());

            // Both go on in the same way.
            var seed = random.Next();
            Work(left, new Random(seed), 20, from: 400, maintains: false);
            Work(right, new Random(seed), 20, from: 400, maintains: false);
            AssertSame(right, left);
        }
    });

    [Fact]
    public void Start_reads_the_log_behind_the_state_only()
    {
        using var folder = new TempDir();
        using var copy = new TempDir();
        using (var db = Open(folder.Path))
        {
            for (var i = 0; i < 400; i++)
            {
                db.Append(LabelsOf(i), (i, i));
            }

            db.KeepHeadState(now: true, CancellationToken.None);
            db.Append(LabelsOf(400), (400, 400));
            TestDb.CopyFiles(folder.Path, copy.Path);
        }

        // What the state has is not looked for in the log any more: a hole there is not noticed.
        var log = WalDirectory.List(Path.Combine(copy.Path, "wal"));
        using (var file = File.OpenWrite(log.Segments[0].Path))
        {
            file.Position = 100;
            file.Write(new byte[50]);
        }

        using var again = Open(copy.Path);
        Assert.Equal(401, again.HeadStats.NumSeries);
        Assert.Equal(401, again.ReadAll().Count);
    }

    [Fact]
    public void Clean_stop_writes_the_state()
    {
        using var folder = new TempDir();
        SortedDictionary<string, List<(long T, string V)>> expected;
        using (var db = Open(folder.Path))
        {
            Work(db, new Random(1), 40, maintains: false);
            expected = db.ReadAll();
            Assert.False(File.Exists(StateOf(folder.Path)));
        }

        Assert.True(File.Exists(StateOf(folder.Path)));
        using var again = Open(folder.Path);
        Assert.Equal(expected, again.ReadAll());
    }

    [Fact]
    public void State_is_not_written_for_a_short_log()
    {
        using var folder = new TempDir();
        using (var db = Open(folder.Path, options => options with { HeadStateMinLogBytes = 1 << 20 }))
        {
            Work(db, new Random(1), 10, maintains: false);
            db.KeepHeadState(CancellationToken.None);
            db.KeepHeadState(CancellationToken.None);
        }

        Assert.False(File.Exists(StateOf(folder.Path)));
    }

    [Fact]
    public void Damaged_state_is_not_used() => SeededRandom.Run(random =>
    {
        using var folder = new TempDir();
        using var copy = new TempDir();
        SortedDictionary<string, List<(long T, string V)>> expected;
        using (var db = Open(folder.Path))
        {
            Work(db, random, 80);
            db.KeepHeadState(now: true, CancellationToken.None);
            expected = db.ReadAll();
            TestDb.CopyFiles(folder.Path, copy.Path);
        }

        var state = File.ReadAllBytes(StateOf(copy.Path));
        for (var run = 0; run < 60; run++)
        {
            var damaged = state.ToArray();
            switch (random.Next(3))
            {
                case 0:
                    damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    damaged = damaged[..random.Next(damaged.Length)];
                    break;
                default:
                    damaged.AsSpan(random.Next(damaged.Length - 16), 16).Fill((byte)random.Next(256));
                    break;
            }

            using var attempt = new TempDir();
            TestDb.CopyFiles(copy.Path, attempt.Path);
            File.WriteAllBytes(StateOf(attempt.Path), damaged);
            using var again = Open(attempt.Path, options => options with { HeadStateMinLogBytes = long.MaxValue });
            Assert.Equal(expected, again.ReadAll());
        }
    });

    [Theory]
    [InlineData("log")]
    [InlineData("segment")]
    [InlineData("chunks")]
    public void State_of_another_directory_is_not_used(string what)
    {
        using var folder = new TempDir();
        using var copy = new TempDir();
        using (var db = Open(folder.Path))
        {
            for (var i = 0; i < 300; i++)
            {
                db.Append(LabelsOf(0), (i * Step, i));
                for (var other = 0; other < 5; other++)
                {
                    db.Append(LabelsOf(1000 + (i * 5) + other), (i * Step, i));
                }
            }

            db.KeepHeadState(now: true, CancellationToken.None);
            TestDb.CopyFiles(folder.Path, copy.Path);
        }

        var segments = WalDirectory.List(Path.Combine(copy.Path, "wal")).Segments;
        var chunks = Path.Combine(copy.Path, "chunks_head", "000001");
        switch (what)
        {
            case "log":
                // The last record is gone, as after a loss of power on a disk that promised too much.
                using (var file = File.OpenWrite(segments[^1].Path))
                {
                    file.SetLength(file.Length - 10);
                }

                break;
            case "segment":
                File.Delete(segments[^1].Path);
                break;
            default:
                File.Delete(chunks);
                break;
        }

        var phases = new HashSet<string>(StringComparer.Ordinal);
        using var again = Open(copy.Path, progress: p => phases.Add(p.Phase));
        Assert.DoesNotContain("head_state", phases);
        var samples = again.ReadAll()[LabelsOf(0).ToString()];
        Assert.Equal(what == "chunks" ? 300 : samples.Count, samples.Count);
        Assert.Equal(Enumerable.Range(0, samples.Count).Select(i => i * Step), samples.Select(s => s.T));
        Assert.True(samples.Count >= 200, $"{samples.Count} samples are left");
    }

    // A start from a state does not read the chunks that it refers to, so that damage shows later.
    [Fact]
    public void Damaged_head_chunk_is_told_and_the_next_start_takes_its_samples_from_the_log()
    {
        using var folder = new TempDir();
        using (var db = Open(folder.Path))
        {
            for (var i = 0; i < 300; i++)
            {
                db.Append(LabelsOf(0), (i * Step, i));
            }
        }

        var chunks = Path.Combine(folder.Path, "chunks_head", "000001");
        var bytes = File.ReadAllBytes(chunks);
        bytes[200] ^= 0x40;
        File.WriteAllBytes(chunks, bytes);
        using (var db = Open(folder.Path))
        {
            var error = Assert.Throws<StorageException>(() => db.ReadAll());
            Assert.Contains("000001", error.Message, StringComparison.Ordinal);
            Assert.True(File.Exists(StateOf(folder.Path)));
            db.KeepHeadState(CancellationToken.None);
            Assert.False(File.Exists(StateOf(folder.Path)));
            db.Append(LabelsOf(1), (300 * Step, 1));
        }

        Assert.False(File.Exists(StateOf(folder.Path)));
        using var again = Open(folder.Path);
        Assert.Equal(300, again.ReadAll()[LabelsOf(0).ToString()].Count);
    }

    [Fact]
    public void Rules_in_force_apply_to_the_series_of_the_state()
    {
        using var folder = new TempDir();
        using (var db = Open(folder.Path))
        {
            for (var i = 0; i < 100; i++)
            {
                db.Append(LabelsOf(i), (1, i), (2, i));
            }
        }

        using var again = Open(folder.Path, options => options with { KeepOnReplay = labels => labels.ToString().Contains("n=\"1", StringComparison.Ordinal) });
        Assert.Equal(11, again.HeadStats.NumSeries);
        Assert.Equal(11, again.ReadAll().Count);

        // Symbols of what was left out are given to others.
        Assert.Equal(AppendOutcome.Ok, again.Append(LabelsOf(77), (3, 1)));
        Assert.Equal(AppendOutcome.Ok, again.Append(LabelsOf(5000), (3, 1)));
        Assert.Equal([(3L, BitConverter.DoubleToUInt64Bits(1).ToString("x16"))], again.ReadAll()[LabelsOf(77).ToString()]);
        Assert.Equal(13, again.ReadAll().Count);
    }

    [Fact]
    public async Task State_written_while_samples_arrive_loses_none()
    {
        using var folder = new TempDir();
        using var copy = new TempDir();
        var acknowledged = 0;
        using (var db = Open(folder.Path, options => options with { WalSegmentBytes = 1 << 20 }))
        {
            using var stop = new CancellationTokenSource();
            var writer = Task.Run(() =>
            {
                for (var t = 1; !stop.IsCancellationRequested; t++)
                {
                    // Series come and chunks close all the time.
                    for (var i = 0; i < 50; i++)
                    {
                        db.Append(LabelsOf(i), (t, t));
                    }

                    db.Append(LabelsOf(1000 + t), (t, t));
                    Volatile.Write(ref acknowledged, t);
                }
            });
            while (Volatile.Read(ref acknowledged) < 500)
            {
                db.KeepHeadState(now: true, CancellationToken.None);
            }

            db.KeepHeadState(now: true, CancellationToken.None);
            var certain = Volatile.Read(ref acknowledged);
            await stop.CancelAsync();
            await writer;
            TestDb.CopyFiles(folder.Path, copy.Path);
            acknowledged = Math.Max(certain, acknowledged);
        }

        using var again = Open(copy.Path, options => options with { WalSegmentBytes = 1 << 20 });
        var all = again.ReadAll();
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(Enumerable.Range(1, acknowledged).Select(t => (long)t), all[LabelsOf(i).ToString()].Select(s => s.T));
        }

        for (var t = 1; t <= acknowledged; t++)
        {
            Assert.Equal(t, Assert.Single(all[LabelsOf(1000 + t).ToString()]).T);
        }
    }

    private static string StateOf(string path) => Path.Combine(path, HeadStateFormat.FileName);

    private static TimeSeriesDb Open(string path, Func<TsdbOptions, TsdbOptions>? change = null, Action<ReplayProgress>? progress = null)
    {
        var options = new TsdbOptions { Path = path, WalSegmentBytes = 32 * 1024, MinBlockDurationMs = 3_600_000, OutOfOrderWindowMs = 600_000, HeadStateMinLogBytes = 0 };
        return TimeSeriesDb.Open(change?.Invoke(options) ?? options, progress, CancellationToken.None);
    }

    private static LabelSet LabelsOf(int number) => new LabelSetBuilder().Set("__name__", "m").Set("job", "j" + (number % 3)).Set("n", number.ToString()).Build();

    // Everything a head can hold: floats, histograms, stale markers, late samples, exemplars, metadata, deletions, early flushes.
    private static void Work(TimeSeriesDb db, Random random, int rounds, int from = 0, bool maintains = true)
    {
        for (var round = from; round < from + rounds; round++)
        {
            var time = round * Step;
            using (var appender = db.CreateAppender())
            {
                for (var i = 0; i < 20; i++)
                {
                    if (random.Next(4) == 0)
                    {
                        continue;
                    }

                    var series = appender.GetOrCreate(LabelsOf(i + (round / 40 * 10)), out _);
                    appender.Append(series, time + i, random.Next(20) == 0 ? StaleMarker.Value : random.Next(5));
                    if (random.Next(10) == 0)
                    {
                        appender.AppendExemplar(series, new Exemplar(LabelsOf(random.Next(9)), random.NextDouble(), time + i));
                    }

                    if (random.Next(30) == 0)
                    {
                        appender.SetMetadata(series, new MetricMetadata("gauge", "s", "help " + random.Next(3)));
                    }

                    if (random.Next(15) == 0)
                    {
                        appender.Append(series, time - 40_000 + random.Next(1000), 1);
                    }
                }

                for (var i = 0; i < 3; i++)
                {
                    var series = appender.GetOrCreate(new LabelSetBuilder().Set("__name__", "h").Set("n", i.ToString()).Build(), out _);
                    appender.Append(series, time, Histogram(random, i));
                }

                if (random.Next(20) == 0)
                {
                    appender.Rollback();
                }
                else
                {
                    appender.Commit();
                }
            }

            if (random.Next(25) == 0)
            {
                db.Delete([new LabelMatcher(MatchType.Equal, "n", random.Next(20).ToString())], time - (20 * Step), time - (5 * Step), CancellationToken.None);
            }

            if (!maintains)
            {
                continue;
            }

            if (random.Next(50) == 0)
            {
                db.FlushEarly(TimeSpan.FromMinutes(2), CancellationToken.None);
            }

            if (random.Next(12) == 0)
            {
                db.RunMaintenance(CancellationToken.None);
            }

            if (random.Next(10) == 0)
            {
                db.KeepHeadState(now: true, CancellationToken.None);
            }
        }
    }

    private static FloatHistogram Histogram(Random random, int kind) => kind == 2
        ? new FloatHistogram
        {
            Schema = FloatHistogram.CustomBucketsSchema,
            CustomValues = [1, 2, 3],
            PositiveSpans = [new BucketSpan(0, 4)],
            PositiveBuckets = [1, 2, random.Next(9), 1],
            Count = 10,
            Sum = random.Next(5),
        }
        : new FloatHistogram
        {
            Schema = 1,
            PositiveSpans = [new BucketSpan(random.Next(3), 2)],
            PositiveBuckets = [random.Next(9), 2],
            ZeroThreshold = 0.001,
            Count = 10 + random.Next(3),
            Sum = random.Next(5),
        };

    private static void AssertSame(TimeSeriesDb expected, TimeSeriesDb actual)
    {
        Assert.Equal(expected.ReadAll(), actual.ReadAll());
        for (var i = 0; i < 30; i++)
        {
            var matcher = TestDb.Equal("n", i.ToString());
            Assert.Equal(expected.ReadAll(matchers: matcher), actual.ReadAll(matchers: matcher));
        }

        Assert.Equal(Exemplars(expected), Exemplars(actual));
    }

    private static List<string> Exemplars(TimeSeriesDb db) =>
    [
        .. db.SelectExemplars(0, long.MaxValue, [[new LabelMatcher(MatchType.RegexMatch, "__name__", ".+")]], CancellationToken.None)
            .SelectMany(s => s.Exemplars.Select(e => $"{s.Labels} {e.TimestampMs} {e.Value} {e.Labels}")),
    ];
}
