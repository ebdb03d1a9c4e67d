using System.Buffers.Binary;
using System.Diagnostics;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Tests.Faults;

namespace MetricsOperator.Tsdb.Tests;

public sealed class FaultTests
{
    private static readonly LabelSet A = LabelSet.Of(("__name__", "a"));
    private static readonly LabelSet B = LabelSet.Of(("__name__", "b"));

    [Fact]
    public void Commit_that_fails_in_a_later_segment_leaves_nothing_and_the_next_one_succeeds()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { WalCompression = false });
        db.Append(A, (1000, 1));
        var obstacle = folder["wal/00000002"];
        File.WriteAllBytes(obstacle, []);
        Assert.Throws<StorageException>(() => AppendMany(db, 5000, 2000));
        Assert.Single(db.ReadAll()[A.ToString()]);
        File.Delete(obstacle);
        Assert.False(File.Exists(folder["wal/00000001"]), "segments of the failed commit are gone");
        db.Append(A, (3000, 3));
        AssertSameAfterCrash(folder.Path, db, 2);
        AppendMany(db, 5000, 4000);
        AssertSameAfterCrash(folder.Path, db, 5002);
    }

    [Fact]
    public void Full_disk_fails_commits_and_appends_resume_when_there_is_space()
    {
        using var folder = new TempDir();
        var disk = Directory.CreateDirectory(folder["disk"]).FullName;
        if (!Run("mount", "-t", "tmpfs", "-o", "size=1m", "none", disk))
        {
            Assert.Skip("a small file system needs the right to mount one");
        }

        try
        {
            using (var db = TestDb.Open(disk, o => o with { WalCompression = false }))
            {
                db.Append(A, (1000, 1));
                File.WriteAllBytes(Path.Combine(disk, "filler"), new byte[600 * 1024]);
                var committed = 0;
                var error = Assert.Throws<StorageException>(() =>
                {
                    for (; committed < 100; committed++)
                    {
                        AppendMany(db, 1000, 2000 + committed);
                    }
                });
                Assert.Contains("space", error.Message, StringComparison.OrdinalIgnoreCase);
                Assert.Throws<StorageException>(() => AppendMany(db, 1000, 3000));
                AssertSameAfterCrash(disk, db, 1 + (committed * 1000));
                File.Delete(Path.Combine(disk, "filler"));
                AppendMany(db, 1000, 4000);
                AssertSameAfterCrash(disk, db, 1 + ((committed + 1) * 1000));
            }

            using var again = TestDb.Open(disk);
            Assert.NotEmpty(again.ReadAll());
        }
        finally
        {
            Assert.True(Run("umount", disk));
        }
    }

    [Fact]
    public void Retention_makes_space_when_nothing_can_be_written()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = 1000, RetentionMs = 0 }))
        {
            AppendSeconds(db, A, 0, 400);
            db.RunMaintenance(CancellationToken.None);
            Assert.NotEmpty(db.Blocks);
        }

        using (var db = TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = 1000, RetentionMs = 0, RetentionBytes = 1 }))
        {
            Directory.Delete(folder["chunks_head"], recursive: true);
            AppendSeconds(db, B, 400, 800);
            Assert.Throws<StorageException>(() => db.RunMaintenance(CancellationToken.None));
            Assert.Empty(db.Blocks);
        }
    }

    [Fact]
    public void Chunk_that_cannot_be_attached_comes_back_from_the_log()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path))
        {
            AppendSeconds(db, A, 0, 1000);
        }

        // The first chunk gets an encoding that nobody knows.
        var file = folder["chunks_head/000001"];
        var bytes = File.ReadAllBytes(file);
        bytes[8 + 24] = 100;
        var reader = new ByteReader(bytes.AsSpan(8));
        reader.Bytes(25);
        reader.Text();
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8 + reader.Position), Crc32C.Of(bytes.AsSpan(8, reader.Position)));
        File.WriteAllBytes(file, bytes);
        using var again = TestDb.Open(folder.Path);
        Assert.Equal(1000, again.ReadAll()[A.ToString()].Count);
    }

    [Fact]
    public void Reference_of_samples_without_a_series_is_not_given_to_a_new_series()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path, Options))
        {
            AppendSeconds(db, A, 0, 450);
            AppendSeconds(db, B, 440, 450);
        }

        // Each start adds a segment to the log; the last truncates it, and with it goes the record of the refused series.
        for (var i = 0; i < 5; i++)
        {
            using var db = TestDb.Open(folder.Path, o => Options(o) with { KeepOnReplay = l => l.MetricName != "b" });
            if (i == 4)
            {
                db.RunMaintenance(CancellationToken.None);
                Assert.NotEmpty(db.Blocks);
                Assert.True(Directory.Exists(Directory.EnumerateDirectories(folder["wal"], "checkpoint.*").Single()));
            }
        }

        var c = LabelSet.Of(("__name__", "c"));
        using (var db = TestDb.Open(folder.Path, Options))
        {
            db.Append(c, (5000, 1));
        }

        using var again = TestDb.Open(folder.Path, Options);
        Assert.Equal([5000], again.ReadAll()[c.ToString()].Select(s => s.T));

        static TsdbOptions Options(TsdbOptions o) => o with { MinBlockDurationMs = 1000, RetentionMs = 0 };
    }

    [Fact]
    public void Kept_series_keep_every_sample_of_blocks_chunk_files_and_log_when_others_are_refused()
    {
        using var folder = new TempDir();
        SortedDictionary<string, List<(long T, string V)>> before;
        using (var db = TestDb.Open(folder.Path, Options))
        {
            for (var i = 0; i < 2000; i += 50)
            {
                for (var series = 0; series < 20; series++)
                {
                    AppendSeconds(db, Named(series), i, i + 50);
                }

                if (i % 300 == 0)
                {
                    db.RunMaintenance(CancellationToken.None);
                }
            }

            before = db.ReadAll();
            Assert.True(db.Blocks.Count > 0 && Directory.EnumerateFiles(folder["chunks_head"]).Any() && db.HeadStats.ChunkCount > 0);
        }

        // Restarted while the rules hold, truncated, and once more: nothing of the kept is lost on the way.
        for (var start = 0; start < 3; start++)
        {
            using var db = TestDb.Open(folder.Path, o => Options(o) with { KeepOnReplay = l => l.MetricName[^1] % 2 == 0 });
            AssertKept(db);
            db.RunMaintenance(CancellationToken.None);
            AssertKept(db);
        }

        void AssertKept(TimeSeriesDb db)
        {
            var now = db.ReadAll();
            var kept = before.Where(s => s.Key[^3] % 2 == 0).ToList();
            Assert.Equal(10, kept.Count);
            foreach (var (labels, samples) in kept)
            {
                Assert.Equal(samples, now[labels]);
            }
        }

        static LabelSet Named(int series) => LabelSet.Of(("__name__", $"m{series}"));
        static TsdbOptions Options(TsdbOptions o) => o with { MinBlockDurationMs = 5000, RetentionMs = 0 };
    }

    [Fact]
    public async Task Query_that_began_before_late_samples_went_to_a_block_sees_them()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, o => o with { MinBlockDurationMs = 1000, RetentionMs = 0, OutOfOrderWindowMs = 10_000 });
        AppendSeconds(db, A, 0, 450);
        db.Append(A, (4005, 7));
        Task maintenance;
        using (var querier = db.OpenQuerier(4000, 4100))
        {
            maintenance = Task.Run(() => db.RunMaintenance(CancellationToken.None));
            await Eventually.True(() => db.Blocks.Any(b => b.MaxTime > 4005), "late samples are in a block", TimeSpan.FromSeconds(10));
            await Task.WhenAny(maintenance, Task.Delay(300));
            var set = querier.Select(true, new SelectHints(4000, 4100), [TestDb.Equal("__name__", "a")], CancellationToken.None);
            Assert.True(set.MoveNext());
            using var reader = set.OpenReader();
            var times = new long[20];
            var count = reader.ReadFloats(times, new double[20]);
            Assert.Contains(4005, times[..count]);
        }

        await maintenance;
        Assert.Contains(4005, db.ReadAll()[A.ToString()].Select(s => s.T));
    }

    [Fact]
    public void Cutting_a_block_stops_when_told_and_leaves_nothing_half_written()
    {
        using var folder = new TempDir();
        using var stop = new CancellationTokenSource();
        var written = 0L;
        var disk = new FaultDisk(folder.Path);
        var files = new FaultFiles(disk, new Random(1))
        {
            Trace = (operation, path) =>
            {
                if (operation == FileOperation.Write && path.Contains(".tmp-for-creation", StringComparison.Ordinal))
                {
                    stop.Cancel();
                    written++;
                }
            },
        };
        using var db = TestDb.Open(folder.Path, o => o with { Files = files, MinBlockDurationMs = 10_000, RetentionMs = 0, WalSegmentBytes = 128 << 20 });
        AppendMany(db, 60_000, 1000);
        db.Append(A, (20_000, 1));
        Assert.ThrowsAny<OperationCanceledException>(() => db.RunMaintenance(stop.Token));

        // What is in the buffers of its files when it is told may still be written.
        var begun = written;
        Assert.InRange(begun, 1, 6);
        Assert.Empty(Directory.EnumerateDirectories(folder.Path, "*.tmp-for-creation"));
        db.RunMaintenance(CancellationToken.None);
        Assert.InRange(written - begun, 5 * begun, long.MaxValue);
        Assert.Single(db.Blocks);
        Assert.Equal(60_001, db.ReadAll().Values.Sum(s => s.Count));
    }

    private static void AppendSeconds(TimeSeriesDb db, LabelSet labels, int from, int to) =>
        db.Append(labels, [.. Enumerable.Range(from, to - from).Select(i => (i * 10L, Math.Sqrt(i)))]);

    private static void AppendMany(TimeSeriesDb db, int series, long timestamp)
    {
        using var appender = db.CreateAppender();
        for (var i = 0; i < series; i++)
        {
            appender.Append(appender.GetOrCreate(LabelSet.Of(("__name__", "many"), ("i", $"{i}")), out _), timestamp, timestamp);
        }

        appender.Commit();
    }

    // What a kill leaves behind is what the database shows now.
    private static void AssertSameAfterCrash(string path, TimeSeriesDb db, int samples)
    {
        Assert.Equal(samples, db.ReadAll().Values.Sum(s => s.Count));
        using var copy = new TempDir();
        TestDb.CopyFiles(path, copy.Path);
        using var restarted = TestDb.Open(copy.Path);
        Assert.Equal(samples, restarted.ReadAll().Values.Sum(s => s.Count));
    }

    private static bool Run(string program, params string[] arguments)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
