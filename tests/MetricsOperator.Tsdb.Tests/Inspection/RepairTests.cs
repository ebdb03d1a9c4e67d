using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Inspection;

namespace MetricsOperator.Tsdb.Tests.Inspection;

public sealed class RepairTests
{
    [Fact]
    public void Repair_refuses_while_a_server_runs_and_a_dry_run_changes_nothing()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder.Path);
        Damage(FirstBlock(folder.Path, "chunks/000001"), 20);
        var steps = Run(folder.Path, isDryRun: true);
        Assert.Single(steps);
        Assert.False(Directory.Exists(folder["quarantine"]));
        using var server = TestDb.Open(folder.Path, SmallDatabase.Options);
        var error = Assert.Throws<StorageException>(() => Run(folder.Path));
        Assert.Contains("another process uses the data directory", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Intact_directory_needs_no_step()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder.Path);
        Assert.Empty(Run(folder.Path));
    }

    [Theory]
    [InlineData("chunks/000001", 20, 1)]
    [InlineData("chunks/000001", 1, 0)]
    [InlineData("index", 0, 0)]
    [InlineData("index", -10, 0)]
    [InlineData("index", -100, 0)]
    public void Damaged_block_is_written_anew_with_what_is_intact(string file, int offset, int lostChunks)
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder.Path);
        var before = Read(folder.Path);
        var old = BlockFolders.List(folder.Path).First();
        var chunks = BlockMetaFile.Read(old).Stats.NumChunks;
        Damage(Path.Combine(old, file), offset);
        Assert.Single(Run(folder.Path));
        Assert.True(File.Exists(Path.Combine(folder["quarantine"], Path.GetFileName(old), file)));
        Assert.True(new DirectoryVerifier(folder.Path).Run(CancellationToken.None).IsClean);
        var after = Read(folder.Path);
        if (lostChunks == 0)
        {
            Assert.Equal(before, after);
        }
        else
        {
            AssertPartOf(before, after);
            var metas = BlockFolders.List(folder.Path).Select(BlockMetaFile.Read);
            Assert.Contains(metas, m => m.Stats.NumChunks == chunks - lostChunks && m.Compaction.Sources!.Contains(Path.GetFileName(old)));
        }

        Assert.Empty(Run(folder.Path));
    }

    [Theory]
    [InlineData(BlockMetaFile.Name)]
    [InlineData(Tombstones.FileName)]
    public void Small_files_of_a_block_are_replaced(string file)
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder.Path);
        var before = Read(folder.Path);
        Damage(FirstBlock(folder.Path, file), 0);
        Assert.Single(Run(folder.Path));
        Assert.True(File.Exists(FirstBlock(folder.Path, file) + ".damaged-1"));
        Assert.True(new DirectoryVerifier(folder.Path).Run(CancellationToken.None).IsClean);
        Assert.Equal(before, Read(folder.Path));
    }

    [Theory]
    [InlineData("wal")]
    [InlineData("checkpoint")]
    [InlineData("wbl")]
    public void Log_segment_keeps_the_records_behind_damage(string log)
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder.Path);
        var before = Read(folder.Path);
        var directory = log == "checkpoint" ? Directory.EnumerateDirectories(folder["wal"], "checkpoint.*").Single() : folder[log];
        var segment = DataFiles.Numbered(directory).First(s => new FileInfo(s.Path).Length > 0).Path;
        var records = Records(segment);
        Damage(segment, 12);
        Assert.Single(Run(folder.Path));
        Assert.True(File.Exists(segment + ".damaged-1"));
        Assert.Equal(records - 1, Records(segment));
        Assert.True(new DirectoryVerifier(folder.Path).Run(CancellationToken.None).IsClean);
        AssertPartOf(before, Read(folder.Path));
    }

    [Fact]
    public void Head_chunks_are_cut_and_come_back_from_the_log()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder.Path);
        var before = Read(folder.Path);
        var file = DataFiles.Numbered(folder["chunks_head"])[^1].Path;
        Damage(file, 40);
        Assert.NotEmpty(Run(folder.Path));
        Assert.True(File.Exists(file + ".damaged-1"));
        Assert.True(new DirectoryVerifier(folder.Path).Run(CancellationToken.None).IsClean);
        Assert.Equal(before, Read(folder.Path));
    }

    private static IReadOnlyList<string> Run(string path, bool isDryRun = false) =>
        new DirectoryRepair(path, TimeProvider.System).Run(isDryRun, CancellationToken.None);

    private static string FirstBlock(string path, string file) => Path.Combine(BlockFolders.List(path).First(), file);

    private static int Records(string segment)
    {
        var records = 0;
        new LogScan(segment, "segment", LogKind.Wal).Run(_ => records++, CancellationToken.None);
        return records;
    }

    private static void Damage(string file, int offset)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[offset < 0 ? bytes.Length + offset : offset] ^= 0x55;
        File.WriteAllBytes(file, bytes);
    }

    // What a server would answer; it is given a copy, since it changes the directory.
    private static SortedDictionary<string, List<(long T, string V)>> Read(string path)
    {
        using var folder = new TempDir();
        using var db = TestDb.Open(folder.CopyFrom(path, "copy"), SmallDatabase.Options);
        return db.ReadAll();
    }

    private static void AssertPartOf(SortedDictionary<string, List<(long T, string V)>> before, SortedDictionary<string, List<(long T, string V)>> after)
    {
        Assert.NotEmpty(after);
        foreach (var (series, samples) in after)
        {
            var known = before[series].ToHashSet();
            Assert.True(samples.TrueForAll(known.Contains), $"{series} has a sample that was never written");
        }
    }
}
