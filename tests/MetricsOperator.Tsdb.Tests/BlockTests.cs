using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Compaction;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Tests;

public sealed class BlockTests
{
    private const long Minute = 60_000;

    [Fact]
    public void Time_retention_deletes_blocks_that_end_too_long_before_the_newest()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = Minute, MaxBlockDurationMs = Minute, RetentionMs = 3 * Minute });
        Fill(db, 0, 8 * Minute);
        db.RunMaintenance(CancellationToken.None);
        Assert.All(db.Blocks, b => Assert.True(db.Blocks[^1].MaxTime - b.MaxTime < 3 * Minute));
        Assert.Equal(3, db.Blocks.Count);
        Assert.Equal(3, Directory.GetFiles(folder.Path, "meta.json", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void Size_retention_deletes_the_oldest_blocks()
    {
        using var folder = new TempDir();
        Func<TsdbOptions, TsdbOptions> options = o => o with { MinBlockDurationMs = Minute, MaxBlockDurationMs = Minute, RetentionMs = 0 };
        long bytes;
        using (var db = TestDb.Open(folder.Path, options))
        {
            Fill(db, 0, 8 * Minute);
            db.RunMaintenance(CancellationToken.None);
            Assert.True(db.Blocks.Count > 4);
            bytes = DataFiles.SizeOf(Path.Combine(folder.Path, db.Blocks[^1].Ulid));
        }

        var head = DataFiles.SizeOf(folder["wal"]) + DataFiles.SizeOf(folder["chunks_head"]);
        using var again = TestDb.Open(folder.Path, o => options(o) with { RetentionBytes = head + (2 * bytes) + (bytes / 2) });
        var newest = again.Blocks[^1].Ulid;
        again.RunMaintenance(CancellationToken.None);
        Assert.Equal(2, again.Blocks.Count);
        Assert.Equal(newest, again.Blocks[^1].Ulid);
    }

    [Fact]
    public void Series_without_samples_leave_the_head_and_their_log_records_stay_while_needed()
    {
        using var folder = new TempDir();
        Func<TsdbOptions, TsdbOptions> options = o => o with { MinBlockDurationMs = Minute, MaxBlockDurationMs = Minute, RetentionMs = 0 };
        using (var db = TestDb.Open(folder.Path, options))
        {
            db.Append(LabelSet.Of(("__name__", "gone")), (0, 1), (1000, 2));
            Fill(db, 0, 5 * Minute);
            for (var i = 0; i < 4; i++)
            {
                db.RunMaintenance(CancellationToken.None);
            }

            Assert.Equal(3, db.HeadStats.NumSeries);
            Assert.Equal(2, db.ReadAll()["{__name__=\"gone\"}"].Count);
            db.Append(LabelSet.Of(("__name__", "gone")), ((5 * Minute) + 1, 3));
            Assert.Equal(3, db.ReadAll()["{__name__=\"gone\"}"].Count);
        }

        using var again = TestDb.Open(folder.Path, options);
        Assert.Equal(3, again.ReadAll()["{__name__=\"gone\"}"].Count);
    }

    [Fact]
    public void Clock_that_jumps_by_decades_cuts_few_blocks()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { RetentionMs = 0 });
        db.Append(LabelSet.Of(("__name__", "m")), (0, 1), (1000, 2));
        db.Append(LabelSet.Of(("__name__", "m")), (1_700_000_000_000, 3));
        db.RunMaintenance(CancellationToken.None);
        Assert.Single(db.Blocks);
        Assert.Equal([0, 1000, 1_700_000_000_000], db.ReadAll()["{__name__=\"m\"}"].Select(s => s.T));
        Assert.Equal(1_700_000_000_000, db.HeadStats.MinTime);
    }

    [Fact]
    public void Damaged_block_is_a_warning_and_the_rest_is_answered()
    {
        using var folder = new TempDir();
        Func<TsdbOptions, TsdbOptions> options = o => o with { MinBlockDurationMs = Minute, MaxBlockDurationMs = Minute, RetentionMs = 0 };
        string victim;
        int all;
        using (var db = TestDb.Open(folder.Path, options))
        {
            Fill(db, 0, 5 * Minute);
            db.RunMaintenance(CancellationToken.None);
            victim = db.Blocks[1].Ulid;
            all = db.ReadAll().Sum(s => s.Value.Count);
        }

        var index = folder[$"{victim}/index"];
        var bytes = File.ReadAllBytes(index);
        bytes[^10]++;
        File.WriteAllBytes(index, bytes);
        using var again = TestDb.Open(folder.Path, options);
        using var querier = again.OpenQuerier(long.MinValue, long.MaxValue);
        var set = querier.Select(true, new SelectHints(long.MinValue, long.MaxValue), [new(MatchType.RegexMatch, "__name__", ".+")], CancellationToken.None);
        var samples = 0;
        while (set.MoveNext())
        {
            using var reader = set.OpenReader();
            samples += TestDb.Read(reader).Count;
        }

        Assert.InRange(samples, 1, all - 1);
        Assert.Contains(victim, Assert.Single(set.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Unfinished_and_replaced_directories_are_removed_at_start()
    {
        using var folder = new TempDir();
        Func<TsdbOptions, TsdbOptions> options = o => o with { MinBlockDurationMs = Minute, MaxBlockDurationMs = 9 * Minute, RetentionMs = 0 };
        SortedDictionary<string, List<(long, string)>> want;
        using (var db = TestDb.Open(folder.Path, o => options(o) with { MaxBlockDurationMs = Minute }))
        {
            Fill(db, 0, 8 * Minute);
            db.RunMaintenance(CancellationToken.None);
            TestDb.CopyFiles(folder.Path, folder["before"]);
            want = db.ReadAll();
        }

        using (var db = TestDb.Open(folder.Path, options))
        {
            db.RunMaintenance(CancellationToken.None);
            Assert.Contains(db.Blocks, b => b.Compaction.Parents?.Count > 1);
        }

        // A crash between the rename of the new block and the deletion of its parents.
        foreach (var block in Directory.GetDirectories(folder["before"]).Where(d => Ulid.IsValid(Path.GetFileName(d.AsSpan()))))
        {
            if (!Directory.Exists(folder[Path.GetFileName(block)]))
            {
                Directory.Move(block, folder[Path.GetFileName(block)]);
            }
        }

        var unfinished = folder["01ARZ3NDEKTSV4RRFFQ69G5FAV.tmp-for-creation"];
        Directory.CreateDirectory(unfinished);
        Directory.CreateDirectory(folder["wal/checkpoint.00000099.tmp"]);
        Directory.Delete(folder["before"], recursive: true);
        using var again = TestDb.Open(folder.Path, options);
        Assert.False(Directory.Exists(unfinished));
        Assert.False(Directory.Exists(folder["wal/checkpoint.00000099.tmp"]));
        Assert.Equal(want, again.ReadAll());
        Assert.Equal(again.Blocks.Count, Directory.GetFiles(folder.Path, "meta.json", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public void Plan_follows_Prometheus()
    {
        Check("", [10, 20, 60, 180], "0-20");
        Check("", [20, 60, 180], "0-20", "20-40", "40-60");
        Check("0-20 20-40 40-60", [20, 60, 180], "0-20", "20-40", "40-60", "60-80");
        Check("", [20, 60, 180], "20-40", "40-60", "60-80");
        Check("20-40 40-60", [20, 60, 180], "20-40", "40-60", "60-80", "80-100");
        Check("", [20, 60, 180], "60-80", "80-100", "100-120");
        Check("0-60 60-120 120-180", [20, 60, 180], "0-60", "60-120", "120-180", "180-200");
        Check("0-20 10-30", [20, 60, 180], "0-20", "10-30", "100-120");

        // Late samples ("late") of a time that the head still holds: a merged block would say that the log need not be read up to there.
        Check("", [20, 60, 180], "0-20", "20-40", "late 40-60", "late 60-80");
        Check("", [20, 60, 180], "0-40", "late 20-60");
        Check("late 40-60 late 40-60", [20, 60, 180], "0-20", "20-40", "late 40-60", "late 40-60");
        Check("0-20 late 0-20", [20, 60, 180], "0-20", "20-40", "late 0-20");
        Check("-60--40 -40--20 -20-0", [20, 60, 180], "-60--40", "-40--20", "-20-0", "0-20");

        static void Check(string want, long[] ranges, params string[] blocks)
        {
            var metas = blocks.Select(b =>
            {
                var isLate = b.StartsWith("late ", StringComparison.Ordinal);
                var range = isLate ? b[5..] : b;
                var split = range.IndexOf('-', 1);
                return new BlockMeta
                {
                    Ulid = b,
                    MinTime = long.Parse(range[..split], System.Globalization.CultureInfo.InvariantCulture),
                    MaxTime = long.Parse(range[(split + 1)..], System.Globalization.CultureInfo.InvariantCulture),
                    Compaction = new BlockCompaction { Hints = isLate ? [BlockMeta.FromOutOfOrder] : null },
                };
            }).ToList();
            Assert.Equal(want, string.Join(' ', CompactionPlan.Choose(metas, ranges).Select(m => m.Ulid)));
        }
    }

    [Fact]
    public void Histograms_of_a_real_Prometheus_have_the_values_that_were_sent()
    {
        using var folder = new TempDir();
        var source = Path.Combine(Peer.RequireShared(), "fixtures", "prometheus-data", "prom242-blocks-checkpoint");
        var copy = folder.CopyFrom(source, "data");
        foreach (var entry in Directory.EnumerateFileSystemEntries(copy, "*", SearchOption.AllDirectories).Append(copy))
        {
            File.SetUnixFileMode(entry, File.GetUnixFileMode(entry) | UnixFileMode.UserWrite);
        }

        using var db = TestDb.Open(copy, o => o with { RetentionMs = 0 });
        foreach (var (name, second) in new[] { ("rw_hist", 1.0), ("rw_fhist", 1.5) })
        {
            using var querier = db.OpenQuerier(long.MinValue, long.MaxValue);
            var set = querier.Select(true, new SelectHints(long.MinValue, long.MaxValue), [new(MatchType.Equal, "__name__", name)], CancellationToken.None);
            Assert.True(set.MoveNext(), name);
            using var reader = set.OpenReader();
            var times = new long[100];
            var values = new FloatHistogram?[100];
            var count = 0;
            int read;
            while ((read = reader.ReadHistograms(times.AsSpan(count), values.AsSpan(count))) > 0)
            {
                count += read;
            }

            Assert.True(count >= 40, $"{name}: {count} samples");
            for (var n = 0; n < count; n++)
            {
                // The sender's formula; it ran more than once.
                var h = values[n]!;
                var i = h.Sum / 5.5;
                Assert.Equal(10 + (3 * i), h.Count);
                Assert.Equal(1 + i, h.ZeroCount);
                Assert.Equal([new BucketSpan(0, 2), new BucketSpan(2, 1)], h.PositiveSpans);
                double[] want = name == "rw_hist" ? [3 + i, 4 + i, 2 + i + (i % 2)] : [3 + i, second, 2 + i];
                Assert.Equal(want, h.PositiveBuckets);
            }
        }
    }

    [Fact]
    public void Damaged_index_files_never_crash()
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            using (var db = TestDb.Open(folder["data"], o => o with { MinBlockDurationMs = Minute, MaxBlockDurationMs = Minute }))
            {
                Fill(db, 0, 3 * Minute);
                db.RunMaintenance(CancellationToken.None);
                File.Copy(Path.Combine(folder["data"], db.Blocks[0].Ulid, "index"), folder["index"]);
            }

            var whole = File.ReadAllBytes(folder["index"]);
            var rejected = 0;
            for (var i = 0; i < 1500; i++)
            {
                var damaged = whole.AsSpan(0, random.Next(10) == 0 ? random.Next(whole.Length) : whole.Length).ToArray();
                for (var n = random.Next(3); n >= 0 && damaged.Length > 0; n--)
                {
                    damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
                }

                File.WriteAllBytes(folder["damaged"], damaged);
                try
                {
                    using var index = new IndexReader(folder["damaged"]);
                    Walk(index);
                }
                catch (StorageException)
                {
                    rejected++;
                }
            }

            Assert.InRange(rejected, 1000, 1500);
        });
    }

    private static void Walk(IndexReader index)
    {
        var series = new List<uint>();
        index.ReadPostings(index.Postings.Find(default, default), series);
        var labels = new List<SymbolPair>();
        var chunks = new List<BlockChunk>();
        var scratch = new ByteWriter();
        foreach (var id in series)
        {
            index.ReadSeries(id, labels, chunks);
            index.LabelSetOf(labels, scratch);
        }

        foreach (var name in index.Postings.Names)
        {
            index.Postings.ForEachValue(name, (value, postings) =>
            {
                index.ReadPostings(postings, series);
                Assert.Equal(postings, index.Postings.Find(name, value));
                return true;
            });
        }
    }

    private static void Fill(TimeSeriesDb db, long from, long to)
    {
        for (var t = from; t <= to; t += 1000)
        {
            using var appender = db.CreateAppender();
            for (var i = 0; i < 3; i++)
            {
                appender.Append(appender.GetOrCreate(LabelSet.Of(("__name__", "m"), ("i", $"{i}"), ("job", "j")), out _), t, Math.Sin(t * (i + 1)));
            }

            appender.Commit();
        }
    }
}
