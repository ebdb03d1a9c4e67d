using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Compaction;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Wal;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Tests;

/// <summary>Deleted samples are gone for queries at once and stay gone, whatever happens to the place where they were; others stay.</summary>
public sealed class DeletionTests
{
    private const long Minute = 60_000;

    private static readonly LabelSet A = LabelSet.Of(("__name__", "a"));
    private static readonly LabelSet B = LabelSet.Of(("__name__", "b"));

    [Fact]
    public void Any_history_of_deletions_gives_what_a_list_of_samples_gives() => SeededRandom.Run(random =>
    {
        using var folder = new TempDir();
        var series = Enumerable.Range(0, 5).Select(i => LabelSet.Of(("__name__", "m"), ("i", $"{i}"))).ToArray();
        var want = series.ToDictionary(s => s.ToString(), _ => new SortedDictionary<long, double>(), StringComparer.Ordinal);
        var now = 0L;
        var db = Open();
        try
        {
            for (var step = 0; step < 60; step++)
            {
                switch (random.Next(7))
                {
                    case 0:
                        var (from, to) = (random.NextInt64(now + Minute), now + random.NextInt64(-Minute, Minute));
                        (from, to) = random.Next(4) == 0 ? (long.MinValue, long.MaxValue) : (Math.Min(from, to), Math.Max(from, to));
                        var i = random.Next(series.Length);
                        var matcher = random.Next(3) == 0 ? new LabelMatcher(MatchType.NotEqual, "i", $"{i}") : TestDb.Equal("i", $"{i}");
                        db.Delete([TestDb.Equal("__name__", "m"), matcher], from, to, CancellationToken.None);
                        foreach (var labels in series.Where(matcher.Matches))
                        {
                            var samples = want[labels.ToString()];
                            samples.Keys.Where(t => t >= from && t <= to).ToList().ForEach(t => samples.Remove(t));
                        }

                        break;
                    case 1:
                        db.CleanTombstones(CancellationToken.None);
                        Assert.All(db.Blocks, b => Assert.Equal(0, b.Stats.NumTombstones));
                        break;
                    case 2:
                        db.RunMaintenance(CancellationToken.None);
                        break;
                    case 3:
                        db.Dispose();
                        db = Open();
                        break;
                    default:
                        for (var end = now + random.NextInt64(2 * Minute); now < end; now += 1000)
                        {
                            foreach (var labels in series)
                            {
                                if (random.Next(3) > 0 && db.Append(labels, (now, now * 0.5)) == AppendOutcome.Ok)
                                {
                                    want[labels.ToString()][now] = now * 0.5;
                                }
                            }
                        }

                        break;
                }

                AssertHas(want, db, $"step {step}");
            }
        }
        finally
        {
            db.Dispose();
        }

        TimeSeriesDb Open() => TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = Minute, MaxBlockDurationMs = 3 * Minute, RetentionMs = 0 });
    });

    [Fact]
    public void Samples_after_a_deletion_stay_and_an_open_querier_no_longer_finds_the_deleted_ones()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path))
        {
            db.Append(A, (1000, 1), (2000, 2), (3000, 3));
            db.Append(B, (1000, 1));
            using var querier = db.OpenQuerier(long.MinValue, long.MaxValue);
            db.Delete([TestDb.Equal("__name__", "a")], 2000, long.MaxValue, CancellationToken.None);
            db.Append(A, (4000, 4));
            Assert.Equal([1000, 4000], Times(db, A));
            var set = querier.Select(true, new SelectHints(long.MinValue, long.MaxValue), [TestDb.Equal("__name__", "a")], CancellationToken.None);
            Assert.True(set.MoveNext());
            using var reader = set.OpenReader();
            Assert.Equal([1000], TestDb.Read(reader).Select(s => s.T));
        }

        using var again = TestDb.Open(folder.Path);
        Assert.Equal([1000, 4000], Times(again, A));
        Assert.Equal([1000], Times(again, B));
    }

    [Fact]
    public void A_series_without_any_sample_left_is_not_selected()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = Minute, RetentionMs = 0 });
        Fill(db, A, 0, 5 * Minute);
        Fill(db, B, 0, 5 * Minute);
        db.RunMaintenance(CancellationToken.None);
        Assert.NotEmpty(db.Blocks);
        db.Delete([TestDb.Equal("__name__", "a")], long.MinValue, long.MaxValue, CancellationToken.None);
        using var querier = db.OpenQuerier(long.MinValue, long.MaxValue);
        var set = querier.Select(
            true, new SelectHints(long.MinValue, long.MaxValue), [new LabelMatcher(MatchType.RegexMatch, "__name__", "a|b")], CancellationToken.None);
        Assert.True(set.MoveNext());
        Assert.Equal(B, set.Labels);
        Assert.False(set.MoveNext());
    }

    [Fact]
    public void Deletion_reaches_late_samples_and_not_later_ones_of_the_same_time()
    {
        using var folder = new TempDir();
        Func<TsdbOptions, TsdbOptions> options = o => o with { OutOfOrderWindowMs = 10 * Minute, RetentionMs = 0 };
        using (var db = TestDb.Open(folder.Path, options))
        {
            db.Append(A, (5 * Minute, 5));
            db.Append(A, (Minute, 1), (2 * Minute, 2), (3 * Minute, 3));
            db.Delete([TestDb.Equal("__name__", "a")], 0, 2 * Minute, CancellationToken.None);
            Assert.Equal([3 * Minute, 5 * Minute], Times(db, A));
            db.Append(A, (Minute, 7));
            Assert.Equal([Minute, 3 * Minute, 5 * Minute], Times(db, A));
        }

        // Twice, so that the log of late samples is read by a process that did not write it.
        for (var i = 0; i < 2; i++)
        {
            using var again = TestDb.Open(folder.Path, options);
            Assert.Equal([Minute, 3 * Minute, 5 * Minute], Times(again, A));
        }

        using (var last = TestDb.Open(folder.Path, options))
        {
            last.Delete([TestDb.Equal("__name__", "a")], long.MinValue, long.MaxValue, CancellationToken.None);
            Assert.Empty(last.ReadAll());
        }

        using var empty = TestDb.Open(folder.Path, options);
        Assert.Empty(empty.ReadAll());
    }

    [Fact]
    public void What_was_cleaned_out_of_the_newest_block_does_not_come_back_from_the_log()
    {
        using var folder = new TempDir();
        Func<TsdbOptions, TsdbOptions> options = o => o with { MinBlockDurationMs = Minute, MaxBlockDurationMs = Minute, RetentionMs = 0, WalSegmentBytes = 1 << 20 };
        using (var db = TestDb.Open(folder.Path, options))
        {
            Fill(db, A, 0, 2 * Minute);
            db.RunMaintenance(CancellationToken.None);
            Assert.Single(db.Blocks);
            db.Delete([TestDb.Equal("__name__", "a")], long.MinValue, long.MaxValue, CancellationToken.None);
            Assert.Equal(1, db.Blocks[0].Stats.NumTombstones);
            db.CleanTombstones(CancellationToken.None);
            Assert.Equal((0, 0), (db.Blocks.Single().Stats.NumSamples, db.Blocks[0].Stats.NumTombstones));
            Assert.Empty(db.ReadAll());
        }

        using (var again = TestDb.Open(folder.Path, options))
        {
            Assert.Empty(again.ReadAll());
            Fill(again, B, 2 * Minute, 6 * Minute);
            again.RunMaintenance(CancellationToken.None);
            again.Delete([TestDb.Equal("__name__", "b")], long.MinValue, 3 * Minute, CancellationToken.None);
            again.CleanTombstones(CancellationToken.None);
            Assert.All(again.Blocks, b => Assert.NotEqual(2 * Minute, b.MinTime));
            Assert.Equal(Enumerable.Range(181, 180).Select(i => i * 1000L), Times(again, B));
        }
    }

    [Fact]
    public void Deletion_of_the_head_outlives_the_checkpoint_and_the_cut()
    {
        using var folder = new TempDir();
        Func<TsdbOptions, TsdbOptions> options = o => o with { MinBlockDurationMs = Minute, MaxBlockDurationMs = Minute, RetentionMs = 0 };
        using (var db = TestDb.Open(folder.Path, options))
        {
            Fill(db, A, 0, 80_000);
            Fill(db, B, 0, 80_000);
            db.Delete([TestDb.Equal("__name__", "a")], 30_000, 70_000, CancellationToken.None);
            for (var to = 2 * Minute; to <= 8 * Minute; to += Minute)
            {
                Fill(db, B, to - Minute + 21_000, to + 20_000);
                db.RunMaintenance(CancellationToken.None);
            }

            Assert.NotEmpty(Directory.GetDirectories(folder["wal"], "checkpoint.*"));
            Assert.Equal([.. Enumerable.Range(0, 30).Select(i => i * 1000L), .. Enumerable.Range(71, 10).Select(i => i * 1000L)], Times(db, A));
        }

        using var again = TestDb.Open(folder.Path, options);
        Assert.Equal(40, Times(again, A).Count);
    }

    [Fact]
    public void A_checkpoint_keeps_the_deletions_of_what_it_keeps()
    {
        using var folder = new TempDir();
        var wal = folder["wal"];
        WriteLog(wal, 0, log =>
        {
            log.Series(1, A);
            log.Sample(1, 5000);
            log.Tombstone(1, 4000, 6000);
            log.Tombstone(1, 0, 900);
            log.Series(2, B);
            log.Tombstone(2, 4000, 6000);
        });
        WriteLog(wal, 1, log => log.Sample(1, 7000));
        new CheckpointWriter(DiskFiles.Instance, wal, 1 << 20, compress: false).Replace(WalDirectory.List(wal), 0, 1000, reference => reference == 1, CancellationToken.None);
        using var reader = new WalSegmentReader(Path.Combine(wal, "checkpoint.00000000", "00000000"));
        var stones = new List<(ulong, long, long)>();
        while (reader.Next(out var record))
        {
            if (record[0] == (byte)WalRecordType.Tombstones)
            {
                for (var entries = new TombstoneRecord(record); entries.Next();)
                {
                    stones.Add((entries.Reference, entries.MinTime, entries.MaxTime));
                }
            }
        }

        Assert.Equal([(1UL, 4000L, 6000L)], stones);
    }

    [Fact]
    public void A_tombstone_over_all_of_time_takes_one_reference_and_not_the_series_that_came_back()
    {
        using var folder = new TempDir();
        WriteLog(folder["wal"], 0, log =>
        {
            log.Series(5, A);
            log.Sample(5, 1000);
            log.Tombstone(5, long.MinValue, long.MaxValue);
            log.Series(9, A);
            log.Sample(9, 2000);
        });
        using var db = TestDb.Open(folder.Path);
        Assert.Equal([2000], Times(db, A));
    }

    [Fact]
    public void A_deletion_that_the_disk_refuses_leaves_the_block_as_it_was()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = Minute, RetentionMs = 0 });
        Fill(db, A, 0, 2 * Minute);
        db.RunMaintenance(CancellationToken.None);
        var before = Times(db, A);
        Directory.CreateDirectory(folder[$"{db.Blocks[0].Ulid}/tombstones.tmp/x"]);
        var error = Assert.Throws<StorageException>(() => db.Delete([TestDb.Equal("__name__", "a")], 0, 30_000, CancellationToken.None));
        Assert.Contains("tombstones.tmp", error.Message, StringComparison.Ordinal);
        Assert.Equal(before, Times(db, A));
        Directory.Delete(folder[$"{db.Blocks[0].Ulid}/tombstones.tmp"], recursive: true);
        db.Delete([TestDb.Equal("__name__", "a")], 0, 30_000, CancellationToken.None);
        Assert.Equal(before.Where(t => t > 30_000), Times(db, A));
    }

    [Fact]
    public void A_cancelled_deletion_or_cleaning_changes_nothing()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = Minute, RetentionMs = 0 });
        Fill(db, A, 0, 2 * Minute);
        db.RunMaintenance(CancellationToken.None);
        var before = Times(db, A);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => db.Delete([TestDb.Equal("__name__", "a")], 0, 30_000, stop.Token));
        Assert.Equal(before, Times(db, A));
        db.Delete([TestDb.Equal("__name__", "a")], 0, 30_000, CancellationToken.None);
        Assert.ThrowsAny<OperationCanceledException>(() => db.CleanTombstones(stop.Token));
        Assert.Equal(1, db.Blocks[0].Stats.NumTombstones);
        Assert.Empty(Directory.GetDirectories(folder.Path, "*.tmp*"));
    }

    [Fact]
    public void Tombstones_merge_where_they_touch_and_come_back_from_the_file()
    {
        using var folder = new TempDir();
        var stones = new Tombstones();
        foreach (var (min, max) in new[] { (10L, 20L), (40L, 50L), (0L, 5L), (21L, 22L), (49L, 60L), (long.MaxValue - 1, long.MaxValue), (-9L, -9L) })
        {
            stones.Add(7, new TimeRange(min, max));
        }

        stones.Add(3, new TimeRange(long.MinValue, long.MinValue));
        TimeRange[] want = [new(-9, -9), new(0, 5), new(10, 22), new(40, 60), new(long.MaxValue - 1, long.MaxValue)];
        Assert.Equal(want, stones.Of(7)!);
        Assert.Equal(6, stones.Count);
        stones.Write(DiskFiles.Instance, folder["tombstones"]);
        var read = Tombstones.Read(folder["tombstones"]);
        Assert.Equal(want, read.Of(7)!);
        Assert.Equal(6, read.Count);
        read.DropBefore(22);
        Assert.Equal([new TimeRange(10, 22), .. want[3..]], read.Of(7)!);
        Assert.Null(read.Of(3));
        Assert.Equal((3, 6), (read.Count, stones.Count));
        read.Add(7, new TimeRange(long.MinValue, long.MaxValue));
        Assert.Equal([new TimeRange(long.MinValue, long.MaxValue)], read.Of(7)!);
        Assert.Equal(want, stones.Of(7)!);
    }

    [Fact]
    public void A_long_block_with_many_deletions_is_chosen_and_so_is_any_block_of_which_nothing_is_left()
    {
        IReadOnlyList<long> ranges = [10, 30, 90];
        BlockMeta[] blocks = [Block("A", 0, 90, 0), Block("B", 90, 120, 5), Block("C", 120, 130, 50), Block("D", 130, 140, 100)];
        Assert.Empty(CompactionPlan.Choose(blocks, ranges));
        blocks[1] = Block("B", 90, 120, 6);
        Assert.Equal("B", CompactionPlan.Choose(blocks, ranges).Single().Ulid);
        blocks[2] = Block("C", 120, 130, 100);
        Assert.Equal("C", CompactionPlan.Choose(blocks, ranges).Single().Ulid);

        static BlockMeta Block(string name, long min, long max, long stones) =>
            new() { Ulid = name, MinTime = min, MaxTime = max, Stats = new BlockStats { NumSeries = 100, NumTombstones = stones } };
    }

    private static void AssertHas(Dictionary<string, SortedDictionary<long, double>> want, TimeSeriesDb db, string when)
    {
        var got = db.ReadAll();
        foreach (var (series, samples) in want)
        {
            var times = got.TryGetValue(series, out var found) ? found.ConvertAll(s => s.T) : [];
            Assert.True(samples.Keys.SequenceEqual(times), $"{when}, {series}: got {times.Count} samples, want {samples.Count}");
        }
    }

    private static List<long> Times(TimeSeriesDb db, LabelSet labels) =>
        db.ReadAll().TryGetValue(labels.ToString(), out var samples) ? samples.ConvertAll(s => s.T) : [];

    private static void Fill(TimeSeriesDb db, LabelSet labels, long from, long to)
    {
        for (var t = from; t <= to; t += 1000)
        {
            db.Append(labels, (t, t));
        }
    }

    private static void WriteLog(string directory, int segment, Action<LogText> write)
    {
        Directory.CreateDirectory(directory);
        using var writer = new WalWriter(DiskFiles.Instance, directory, segment, 1 << 20, compress: false);
        write(new LogText(writer));
        writer.Write();
    }

    private sealed class LogText(WalWriter writer)
    {
        private readonly WalRecordWriter _record = new();

        public void Series(ulong reference, LabelSet labels) => Add(WalRecordType.Series, r => r.Series(reference, labels));

        public void Sample(ulong reference, long timestamp) => Add(WalRecordType.Samples, r => r.Sample(reference, timestamp, timestamp));

        public void Tombstone(ulong reference, long minTime, long maxTime) => Add(WalRecordType.Tombstones, r => r.Tombstone(reference, minTime, maxTime));

        private void Add(WalRecordType type, Action<WalRecordWriter> fill)
        {
            _record.Start(type);
            fill(_record);
            writer.Add(_record.Record);
        }
    }
}
