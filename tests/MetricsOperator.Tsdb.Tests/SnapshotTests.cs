using System.Text.RegularExpressions;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Tests;

public sealed partial class SnapshotTests
{
    private const long Minute = 60_000;

    private static readonly LabelSet A = LabelSet.Of(("__name__", "a"));
    private static readonly LabelSet B = LabelSet.Of(("__name__", "b"));

    [Fact]
    public void A_snapshot_has_everything_and_later_changes_do_not_reach_it()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, Options);
        Fill(db);
        db.Append(A, (7 * Minute, 70));
        db.Append(A, ((4 * Minute) + 7, 47), ((5 * Minute) + 7, 57));
        db.Delete([TestDb.Equal("__name__", "b")], Minute, 6 * Minute, CancellationToken.None);
        var want = db.ReadAll();
        var name = db.Snapshot(skipHead: false, CancellationToken.None);
        Assert.Matches(NamePattern, name);
        db.Delete([TestDb.Equal("__name__", "a")], long.MinValue, long.MaxValue, CancellationToken.None);
        db.CleanTombstones(CancellationToken.None);
        db.Append(B, (8 * Minute, 80));
        using var copy = TestDb.Open(folder[$"snapshots/{name}"], Options);
        Assert.Equal(want, copy.ReadAll());
        Assert.Contains(copy.Blocks, b => b.MaxTime == (7 * Minute) + 1);
        Assert.DoesNotContain(A.ToString(), db.ReadAll().Keys);
    }

    [Fact]
    public void Without_the_head_it_has_what_is_in_blocks()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, Options);
        Fill(db);
        var blocks = db.Blocks.Select(b => b.Ulid);
        var name = db.Snapshot(skipHead: true, CancellationToken.None);
        using var copy = TestDb.Open(folder[$"snapshots/{name}"], Options);
        Assert.Equal(blocks, copy.Blocks.Select(b => b.Ulid));
        Assert.Equal(db.Blocks[^1].MaxTime - 1000, copy.ReadAll()[A.ToString()][^1].T);
        Assert.NotEqual(name, db.Snapshot(skipHead: true, CancellationToken.None));
    }

    [Fact]
    public void An_empty_database_gives_an_empty_snapshot()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, Options);
        Assert.Empty(Directory.GetFileSystemEntries(folder[$"snapshots/{db.Snapshot(skipHead: false, CancellationToken.None)}"]));
    }

    [Fact]
    public void Nothing_remains_of_one_that_was_cancelled_or_killed()
    {
        using var folder = new TempDir();
        using (var db = TestDb.Open(folder.Path, Options))
        {
            Fill(db);
            using var stop = new CancellationTokenSource();
            stop.Cancel();
            Assert.ThrowsAny<OperationCanceledException>(() => db.Snapshot(skipHead: false, stop.Token));
            Assert.Empty(Directory.GetFileSystemEntries(folder["snapshots"]));
        }

        Directory.CreateDirectory(folder["snapshots/20261121T200311Z-5413072ea4a25a95.tmp/x"]);
        Directory.CreateDirectory(folder["snapshots/20261121T200311Z-5413072ea4a25a95"]);
        using var again = TestDb.Open(folder.Path, Options);
        Assert.Equal("20261121T200311Z-5413072ea4a25a95", Path.GetFileName(Directory.GetFileSystemEntries(folder["snapshots"]).Single()));
    }

    [Fact]
    public void A_disk_that_refuses_is_an_error_that_names_the_place()
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.Path, Options);
        Fill(db);
        File.WriteAllText(folder["snapshots"], "in the way");
        Assert.Contains("snapshots", Assert.Throws<StorageException>(() => db.Snapshot(skipHead: false, CancellationToken.None)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Promtool_opens_a_snapshot_and_does_not_find_what_was_deleted_and_cleaned()
    {
        Peer.Require("promtool", "prometheus");
        using var folder = new TempDir();
        using var copies = new TempDir();
        string name;
        SortedDictionary<string, List<(long T, string V)>> want;
        using (var db = TestDb.Open(folder.Path, Options))
        {
            Fill(db);
            db.Append(A, (7 * Minute, 70));
            db.Append(A, ((6 * Minute) + 7, 67), ((6 * Minute) + 8, 68));
            db.Delete([TestDb.Equal("__name__", "b")], 30_000, 90_000, CancellationToken.None);
            db.Delete([TestDb.Equal("__name__", "b")], (6 * Minute) - 3000, (6 * Minute) - 1000, CancellationToken.None);
            Assert.Contains(db.Blocks, b => b.Stats.NumTombstones > 0);
            want = Promtool.DumpOf(db);
            Promtool.AssertSame(want, Promtool.Dump(CopyOf(folder.Path, copies["before"])));
            db.CleanTombstones(CancellationToken.None);
            Assert.All(db.Blocks, b => Assert.Equal(0, b.Stats.NumTombstones));
            Promtool.AssertSame(want, Promtool.Dump(CopyOf(folder.Path, copies["cleaned"])));

            // Prometheus' head does not apply deletions to late samples; a snapshot has them applied.
            db.Delete([TestDb.Equal("__name__", "a")], (6 * Minute) + 8, (6 * Minute) + 8, CancellationToken.None);
            want = Promtool.DumpOf(db);
            name = db.Snapshot(skipHead: false, CancellationToken.None);
        }

        var copy = CopyOf(folder.Path, copies["after"]);
        foreach (var file in Directory.GetFiles(copy, "tombstones", SearchOption.AllDirectories))
        {
            Assert.Equal(9, new FileInfo(file).Length);
        }

        var late = Promtool.Dump(copy)["{__name__=\"a\"}"].Select(s => s.T).Except(want["{__name__=\"a\"}"].Select(s => s.T));
        Assert.Equal([(6 * Minute) + 8], late);

        // The tool wants a log to be there.
        var snapshot = folder[$"snapshots/{name}"];
        Directory.CreateDirectory(Path.Combine(snapshot, "wal"));
        Promtool.AssertSame(want, Promtool.Dump(snapshot));
        var list = Promtool.Run("tsdb", "list", snapshot);
        Assert.All(Directory.GetDirectories(snapshot, "01*"), d => Assert.Contains(Path.GetFileName(d), list, StringComparison.Ordinal));
    }

    [Fact]
    public void Promtool_reads_a_directory_whose_newest_block_was_emptied()
    {
        Peer.Require("promtool", "prometheus");
        using var folder = new TempDir();
        using var copies = new TempDir();
        SortedDictionary<string, List<(long T, string V)>> want;
        using (var db = TestDb.Open(folder.Path, Options))
        {
            Fill(db);
            var newest = db.Blocks[^1];
            db.Delete([new(Timeseries.Labels.MatchType.RegexMatch, "__name__", ".+")], newest.MinTime, newest.MaxTime - 1, CancellationToken.None);
            db.CleanTombstones(CancellationToken.None);
            Assert.Equal((0, newest.MaxTime), (db.Blocks[^1].Stats.NumSamples, db.Blocks[^1].MaxTime));
            want = Promtool.DumpOf(db);
        }

        Promtool.AssertSame(want, Promtool.Dump(CopyOf(folder.Path, copies["copy"])));
        using var again = TestDb.Open(folder.Path, Options);
        Promtool.AssertSame(want, Promtool.DumpOf(again));
    }

    private static TsdbOptions Options(TsdbOptions options) => options with
    {
        MinBlockDurationMs = Minute,
        MaxBlockDurationMs = Minute,
        RetentionMs = 0,
        OutOfOrderWindowMs = 10 * Minute,
    };

    // The tool changes what it reads.
    private static string CopyOf(string source, string copy)
    {
        TestDb.CopyFiles(source, copy);
        return copy;
    }

    private static void Fill(TimeSeriesDb db)
    {
        for (var t = 0L; t < 6 * Minute; t += 1000)
        {
            db.Append(A, (t, t));
            db.Append(B, (t, -t));
        }

        db.RunMaintenance(CancellationToken.None);
        Assert.True(db.Blocks.Count > 2);
    }

    [GeneratedRegex("^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{16}$")]
    private static partial Regex NamePattern { get; }
}
