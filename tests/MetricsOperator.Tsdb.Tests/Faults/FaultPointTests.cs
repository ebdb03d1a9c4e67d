using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Tests.Faults;

/// <summary>Single steps whose failure once lost or invented something, each by itself.</summary>
public sealed class FaultPointTests : IDisposable
{
    private static readonly LabelSet A = LabelSet.Of(("__name__", "a"));
    private static readonly LabelSet B = LabelSet.Of(("__name__", "b"));

    private readonly TempDir _folder = new();
    private readonly FaultDisk _disk;
    private FaultFiles _files;

    public FaultPointTests()
    {
        _disk = new FaultDisk(_folder.Path);
        _files = new FaultFiles(_disk, new Random(1));
    }

    public void Dispose()
    {
        _files.Die();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("wbl")]
    [InlineData("wal")]
    public void Commit_of_which_one_log_fails_is_in_neither(string log)
    {
        var db = Open();
        db.Append(A, (100_000, 1));
        db.Append(A, (99_000, 1));
        _files.Kind = FaultKind.IoError;
        _files.When = (operation, path) => operation == FileOperation.Write && path.Contains($"/{log}/", StringComparison.Ordinal);
        Assert.Throws<StorageException>(() => db.Append(A, (98_000, 2), (101_000, 2)));
        Assert.Equal([99_000, 100_000], Times(db, A));
        db = OpenAfterKill(db);
        Assert.Equal([99_000, 100_000], Times(db, A));
        db.Append(A, (98_000, 2), (101_000, 2));
        Assert.Equal([98_000, 99_000, 100_000, 101_000], Times(OpenAfterKill(db), A));
    }

    [Fact]
    public void Segment_is_not_closed_with_a_torn_tail_that_could_not_be_cut_at_once()
    {
        Directory.CreateDirectory(_folder["wal"]);
        _disk.CreateDirectory(_folder["wal"]);
        using (var log = new WalWriter(_files, _folder["wal"], 0, 4 * WalFormat.PageSize, compress: false))
        {
            // A whole page, so that there is nothing to pad when the segment ends.
            log.Add(new byte[WalFormat.PageSize - WalFormat.HeaderSize]);
            log.Write();
            _files.Kind = FaultKind.IoError;
            _files.When = (operation, _) => operation is FileOperation.Write or FileOperation.SetLength;
            _files.Times = 2;
            log.Add(new byte[5000]);
            Assert.Contains("nor can", Assert.Throws<StorageException>(log.Write).Message, StringComparison.Ordinal);
            log.NextSegment();
            log.Add([1, 2, 3]);
            log.Write();
        }

        Assert.Equal(WalFormat.PageSize, new FileInfo(_folder["wal/00000000"]).Length);
        Assert.Equal(2, WalDirectory.List(_folder["wal"]).Segments.Count);
    }

    [Fact]
    public void Log_that_fails_again_before_its_torn_tail_is_cut_keeps_what_it_had()
    {
        var db = Open();
        db.Append(A, (1000, 1));
        db.Append(A, (2000, 1));
        _files.Kind = FaultKind.IoError;
        _files.When = (operation, path) => operation is FileOperation.Write or FileOperation.SetLength && path.Contains("/wal/", StringComparison.Ordinal);
        _files.Times = 6;
        for (var i = 0; i < 3; i++)
        {
            Assert.Throws<StorageException>(() => db.Append(A, (3000 + i, 1)));
        }

        _files.Times = 0;
        db.Append(A, (4000, 1));
        Assert.Equal([1000, 2000, 4000], Times(OpenAfterKill(db), A));
    }

    [Fact]
    public void Metadata_that_the_log_refused_is_logged_when_it_comes_again()
    {
        var metadata = new MetricMetadata("counter", "seconds", "Time.");
        var db = Open();
        db.Append(A, (1000, 1));
        _files.Kind = FaultKind.IoError;
        _files.When = (operation, path) => operation == FileOperation.Write && path.Contains("/wal/", StringComparison.Ordinal);
        _files.Times = int.MaxValue;
        Assert.Throws<StorageException>(() => SetMetadata(2000));
        Assert.Null(db.Metadata("a"));
        _files.Times = 0;
        SetMetadata(3000);
        Assert.Equal(metadata, db.Metadata("a"));
        Assert.Equal(metadata, OpenAfterKill(db).Metadata("a"));

        void SetMetadata(long time)
        {
            using var appender = db.CreateAppender();
            var series = appender.GetOrCreate(A, out _);
            appender.Append(series, time, 1);
            appender.SetMetadata(series, metadata);
            appender.Commit();
        }
    }

    [Fact]
    public void What_a_killed_process_wrote_is_durable_before_the_next_one_goes_on()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            using var folder = new TempDir();
            var disk = new FaultDisk(folder.Path);
            var files = new FaultFiles(disk, new Random(seed));
            TimeSeriesDb Start() => TestDb.Open(folder.Path, o => o with { Files = files, WalCompression = false });
            var db = Start();
            db.Append(A, [.. Enumerable.Range(1, 1000).Select(i => (i * 10L, (double)i))]);
            files.Die();
            Kill(db);
            files = new FaultFiles(disk, new Random(seed));
            db = Start();
            db.Append(B, [.. Enumerable.Range(1, 5000).Select(i => (i * 10L, (double)i))]);
            files.Die();
            Kill(db);
            disk.LosePower(new Random(seed));
            files = new FaultFiles(disk, new Random(seed));
            using var again = Start();
            Assert.Equal(1000, Times(again, A).Count());
            Assert.False(Directory.Exists(folder["quarantine"]));
        }
    }

    [Fact]
    public void Repair_loses_nothing_when_the_power_fails_within()
    {
        for (var seed = 0; seed < 60; seed++)
        {
            using var folder = new TempDir();
            var disk = new FaultDisk(folder.Path);
            var files = new FaultFiles(disk, new Random(seed));
            TimeSeriesDb Start() => TestDb.Open(folder.Path, o => o with { Files = files, WalCompression = false });
            using (var db = Start())
            {
                for (var i = 0; i < 5; i++)
                {
                    db.Append(A, [.. Enumerable.Range(1, 2500).Select(n => ((i * 100_000L) + n, (double)n))]);
                }
            }

            // The second of the segments is damaged in the middle.
            var damaged = folder["wal/00000001"];
            using (var handle = files.OpenWrite(damaged))
            {
                files.Write(handle, [0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77], 9000);
                files.Sync(handle);
            }

            files.Die();
            var before = Contents(folder.Path);
            files = new FaultFiles(disk, new Random(seed)) { Kind = FaultKind.PowerLoss, At = (seed % 25) + 3 };
            try
            {
                Kill(Start());
            }
            catch (KilledException)
            {
                // Within the repair; else right after.
            }

            files.Die();
            disk.LosePower(new Random(seed));
            files = new FaultFiles(disk, new Random(seed));
            using (var again = Start())
            {
                Assert.NotEmpty(Times(again, A));
            }

            var after = Contents(folder.Path);
            Assert.All(before, content => Assert.Contains(content, after));
        }

        // Segments with content, wherever they are.
        static List<string> Contents(string path) => Directory.EnumerateFiles(path, "*0000*", SearchOption.AllDirectories)
            .Where(f => !f.Contains("chunks_head", StringComparison.Ordinal) && new FileInfo(f).Length > 0)
            .Select(f => Convert.ToHexString(File.ReadAllBytes(f)))
            .ToList();
    }

    [Fact]
    public void Block_whose_name_could_not_be_made_durable_does_not_stay()
    {
        var db = Open();
        AppendRange(db);
        _files.Kind = FaultKind.IoError;
        var isNamed = false;
        _files.When = (operation, path) =>
        {
            isNamed |= operation == FileOperation.Move && path.EndsWith(".tmp-for-creation", StringComparison.Ordinal);
            return isNamed && operation == FileOperation.SyncDirectory && path == _folder.Path;
        };
        Assert.Throws<StorageException>(() => db.RunMaintenance(CancellationToken.None));
        Assert.True(_files.IsHit);
        Assert.Empty(BlockDirectories());
        db.RunMaintenance(CancellationToken.None);
        Assert.Equal(db.Blocks.Count, BlockDirectories().Count());
        Assert.Equal(400, Times(OpenAfterKill(db), A).Count());
    }

    [Fact]
    public void Replaced_block_that_could_not_be_deleted_is_deleted_by_the_next_pass()
    {
        var db = Open();
        AppendRange(db);
        db.Append(A, [.. Enumerable.Range(401, 400).Select(i => (i * 10L, (double)i))]);
        _files.Kind = FaultKind.IoError;
        _files.When = (operation, path) => operation == FileOperation.Move && Path.GetFileName(path).Length == 26;
        Assert.Throws<StorageException>(() => db.RunMaintenance(CancellationToken.None));
        Assert.True(db.Blocks.Count < BlockDirectories().Count(), "a merged block is still there");
        db.RunMaintenance(CancellationToken.None);
        Assert.Equal(db.Blocks.Count, BlockDirectories().Count());
        Assert.Equal(800, Times(db, A).Count());
    }

    [Fact]
    public void Full_disk_is_named_by_every_refusal_and_the_process_goes_on_afterwards()
    {
        var db = Open();
        AppendRange(db);
        _files.IsFull = true;
        Assert.Contains("No space left", Assert.Throws<StorageException>(() => db.Append(A, (4001, 1))).Message, StringComparison.Ordinal);
        Assert.Contains("No space left", Assert.Throws<StorageException>(() => db.RunMaintenance(CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.Equal(400, Times(db, A).Count());
        _files.IsFull = false;
        db.Append(A, (4002, 1));
        db.RunMaintenance(CancellationToken.None);
        Assert.NotEmpty(db.Blocks);
        Assert.Equal(401, Times(OpenAfterKill(db), A).Count());
    }

    private static IEnumerable<long> Times(TimeSeriesDb db, LabelSet labels) =>
        db.ReadAll().TryGetValue(labels.ToString(), out var samples) ? samples.Select(s => s.T) : [];

    private static void AppendRange(TimeSeriesDb db) => db.Append(A, [.. Enumerable.Range(1, 400).Select(i => (i * 10L, (double)i))]);

    private static void Kill(TimeSeriesDb db)
    {
        try
        {
            db.Dispose();
        }
        catch (KilledException)
        {
            // The dead write nothing.
        }
    }

    private IEnumerable<string> BlockDirectories() => Directory.EnumerateDirectories(_folder.Path).Where(d => Path.GetFileName(d).Length == 26);

    private TimeSeriesDb Open() => TestDb.Open(
        _folder.Path, o => o with { Files = _files, MinBlockDurationMs = 1000, MaxBlockDurationMs = 3000, RetentionMs = 0, OutOfOrderWindowMs = 10_000 });

    private TimeSeriesDb OpenAfterKill(TimeSeriesDb db)
    {
        _files.Die();
        Kill(db);
        _files = new FaultFiles(_disk, new Random(1));
        return Open();
    }
}
