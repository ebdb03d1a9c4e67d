using System.Buffers.Binary;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Inspection;
using MatchType = MetricsOperator.Timeseries.Labels.MatchType;

namespace MetricsOperator.Tsdb.Tests.Inspection;

/// <summary>One wrong byte anywhere is found by the verification, and never becomes a wrong answer of a server.</summary>
public sealed class BitRotTests
{
    /// <summary>Offsets tried per file; a smaller file is tried at every one.</summary>
    private const int MaxOffsets = 2000;

    /// <summary>Offsets tried per file when a whole database has to be opened for each.</summary>
    private const int MaxStarts = 25;

    [Fact]
    public void Intact_directories_are_clean()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder["ours"], keepsState: true);
        Assert.True(File.Exists(folder["ours/head_state"]));
        AssertClean(folder["ours"]);
        SmallDatabase.AddTombstones(BlockFolders.List(folder["ours"]).First());
        AssertClean(folder["ours"], exceptMeta: true);
    }

    [Theory]
    [InlineData("prom242-head-only")]
    [InlineData("prom242-killed")]
    [InlineData("prom242-blocks-checkpoint")]
    public void Intact_directories_of_Prometheus_are_clean(string fixture)
    {
        using var folder = new TempDir();
        AssertClean(SmallDatabase.CopyFixture(folder, fixture));
    }

    [Fact]
    public void Verification_finds_one_wrong_byte_in_what_we_write()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder["ours"], keepsState: true);
        SmallDatabase.AddTombstones(BlockFolders.List(folder["ours"]).First());
        SeededRandom.Run(random => FlipEverywhere(folder["ours"], random));
    }

    [Theory]
    [InlineData("prom242-killed")]
    [InlineData("prom242-blocks-checkpoint")]
    public void Verification_finds_one_wrong_byte_in_what_Prometheus_writes(string fixture)
    {
        using var folder = new TempDir();
        var path = SmallDatabase.CopyFixture(folder, fixture);
        SeededRandom.Run(random => FlipEverywhere(path, random));
    }

    [Fact]
    public void Description_that_contradicts_its_block_is_found()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder["ours"]);
        var block = BlockFolders.List(folder["ours"]).First();
        var meta = BlockMetaFile.Read(block);
        var wrong = new[]
        {
            meta with { Ulid = "01M7ZV9N43N0TJG2RPRPESGZ3A" },
            meta with { MinTime = meta.MaxTime - 1 },
            meta with { MaxTime = meta.MinTime + 1 },
            meta with { Stats = meta.Stats with { NumSamples = meta.Stats.NumSamples + 1 } },
            meta with { Stats = meta.Stats with { NumSeries = meta.Stats.NumSeries + 1 } },
            meta with { Stats = meta.Stats with { NumChunks = meta.Stats.NumChunks - 1 } },
            meta with { Compaction = meta.Compaction with { Level = 0 } },
            meta with { Compaction = meta.Compaction with { Sources = ["nonsense"] } },
        };
        foreach (var description in wrong)
        {
            BlockMetaFile.Write(DiskFiles.Instance, block, description);
            var report = new DirectoryVerifier(folder["ours"]).Run(CancellationToken.None);
            Assert.Contains(report.Damages, d => d.File == Path.Combine(Path.GetFileName(block), BlockMetaFile.Name));
        }

        File.WriteAllText(Path.Combine(block, BlockMetaFile.Name), "{ \"ulid\": ");
        Assert.False(new DirectoryVerifier(folder["ours"]).Run(CancellationToken.None).IsClean);
    }

    [Fact]
    public void Server_answers_what_is_intact_when_a_block_has_a_wrong_byte()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder["ours"]);
        var blocks = BlockFolders.List(folder["ours"]).ToList();
        SmallDatabase.AddTombstones(blocks[0]);
        using var only = new TempDir();
        foreach (var block in blocks)
        {
            only.CopyFrom(block, Path.GetFileName(block));
        }

        SeededRandom.Run(random => AssertServes(only.Path, Path.GetFileName(blocks[0]), random));
    }

    [Fact]
    public void Server_answers_what_is_intact_when_log_or_head_chunks_have_a_wrong_byte()
    {
        using var folder = new TempDir();
        SmallDatabase.Create(folder["ours"]);
        SeededRandom.Run(random =>
        {
            AssertServes(folder["ours"], "wal", random);
            AssertServes(folder["ours"], "wbl", random);
            AssertServes(folder["ours"], "chunks_head", random);
        });
    }

    private static void AssertClean(string path, bool exceptMeta = false)
    {
        var report = new DirectoryVerifier(path).Run(CancellationToken.None);
        Assert.Empty(report.Unreadable);
        Assert.Equal([], report.Damages.Where(d => !exceptMeta || !d.File.EndsWith("meta.json", StringComparison.Ordinal)).Select(d => d.ToString()));
        Assert.NotEmpty(report.Files);
    }

    private static void FlipEverywhere(string path, Random random)
    {
        // Of blocks the first two are enough: they differ in kinds of chunks, in size and in where they come from.
        var blocks = BlockFolders.List(path).Skip(2).Select(b => Path.GetFileName(b)).ToList();
        foreach (var file in new DirectoryVerifier(path).Run(CancellationToken.None).Files.Where(f => f.Bytes > 0 && !blocks.Contains(f.File.Split('/')[0])))
        {
            // A description has no checksum; what contradicts the block is found by another test.
            if (file.File.EndsWith("meta.json", StringComparison.Ordinal))
            {
                continue;
            }

            var full = Path.Combine(path, file.File);
            var bytes = File.ReadAllBytes(full);
            foreach (var offset in Offsets(bytes.Length, MaxOffsets, random))
            {
                Flip(full, bytes, offset, random);
                var damages = Scan(path, file.File).Where(r => r.File == file.File).SelectMany(r => r.Damages).ToList();
                Assert.True(damages.Count > 0, $"{file.File}: the wrong byte at offset {offset} is not found");
                var (start, end) = Region(file.File, bytes, offset);
                Assert.True(
                    damages.Exists(d => d.Offset >= start && d.Offset <= end),
                    $"{file.File}: the wrong byte at offset {offset} is reported at {string.Join(", ", damages.Select(d => d.Offset))}, want {start} to {end}");
            }

            File.WriteAllBytes(full, bytes);
        }
    }

    private static List<FileReport> Scan(string path, string file)
    {
        var full = Path.Combine(path, file);
        var root = file.Split('/')[0];
        return root switch
        {
            "wal" => [new LogScan(full, file, file.Contains("checkpoint", StringComparison.Ordinal) ? LogKind.Checkpoint : LogKind.Wal).Run(null, CancellationToken.None)],
            "wbl" => [new LogScan(full, file, LogKind.Wbl).Run(null, CancellationToken.None)],
            "head_state" => [HeadStateScan.Run(path, CancellationToken.None)!],
            "chunks_head" => [new HeadChunkFileScan(full, file, []).Run(CancellationToken.None)],
            _ when root.StartsWith("chunk_snapshot", StringComparison.Ordinal) => [new LogScan(full, file, LogKind.Snapshot).Run(null, CancellationToken.None)],
            _ => new BlockScan(path, Path.Combine(path, root)).Run(null, null, CancellationToken.None),
        };
    }

    // Where damage at an offset may be reported: in the same section, record or chunk, whose size the kind of file bounds.
    private static (long Start, long End) Region(string file, byte[] bytes, long offset)
    {
        if (file.EndsWith("index", StringComparison.Ordinal))
        {
            var toc = bytes.AsSpan(bytes.Length - 52);
            var series = (long)BinaryPrimitives.ReadUInt64BigEndian(toc[8..]);
            var table = (long)BinaryPrimitives.ReadUInt64BigEndian(toc[40..]);
            return offset >= bytes.Length - 52 ? (bytes.Length - 52, offset)
                : offset >= table ? (table, offset)
                : offset < series ? (0, offset)

                // A series or list of a small block is shorter than this.
                : (offset - 2048, offset);
        }

        if (file == "head_state")
        {
            // A block, of which each kind is a single one here.
            return (offset - bytes.Length, offset);
        }

        // A log record, or the padding behind it, is no longer than two pages in these files; a chunk and a snapshot record is shorter still.
        return file.Contains("chunks", StringComparison.Ordinal) ? (offset - 4096, offset) : (offset - (2 * 32768), offset);
    }

    private static IEnumerable<int> Offsets(int length, int most, Random random)
    {
        if (length <= most)
        {
            return Enumerable.Range(0, length);
        }

        var offsets = Enumerable.Range(0, length).ToArray();
        random.Shuffle(offsets);

        // Headers and ends are few bytes of many, so they are always tried.
        return offsets.Take(most).Concat(Enumerable.Range(0, Math.Min(16, most))).Concat(Enumerable.Range(length - Math.Min(60, most), Math.Min(60, most))).Distinct();
    }

    private static void Flip(string path, byte[] bytes, int offset, Random random)
    {
        var damaged = (byte[])bytes.Clone();
        do
        {
            damaged[offset] = (byte)(bytes[offset] ^ random.Next(1, 256));
        }
        while (IsIndexVersion3(path, damaged, offset));

        File.WriteAllBytes(path, damaged);
    }

    // Version 3 of the index reads as version 2 does, so that the one byte that tells them apart is right either way.
    private static bool IsIndexVersion3(string path, byte[] bytes, int offset) =>
        offset == 4 && path.EndsWith("index", StringComparison.Ordinal) && bytes[offset] == 3;

    // A server on a copy with one wrong byte answers nothing that was not written, and everything of the blocks that are intact.
    private static void AssertServes(string path, string part, Random random)
    {
        SortedDictionary<string, List<(long T, string V)>> written;
        using (var folder = new TempDir())
        {
            using var db = TestDb.Open(folder.CopyFrom(path, "copy"), SmallDatabase.Options);
            written = db.ReadAll();
        }

        var damagedMeta = File.Exists(Path.Combine(path, part, BlockMetaFile.Name)) ? BlockMetaFile.Read(Path.Combine(path, part)) : null;
        foreach (var file in Directory.EnumerateFiles(Path.Combine(path, part), "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var bytes = File.ReadAllBytes(file);
            var relative = Path.GetRelativePath(path, file);
            if (bytes.Length == 0 || relative.EndsWith("meta.json", StringComparison.Ordinal))
            {
                continue;
            }

            foreach (var offset in Offsets(bytes.Length, MaxStarts, random))
            {
                using var folder = new TempDir();
                var copy = folder.CopyFrom(path, "copy");
                Flip(Path.Combine(copy, relative), bytes, offset, random);
                Serve(copy, $"{relative} with a wrong byte at offset {offset}", written, damagedMeta);
            }
        }
    }

    private static void Serve(string path, string what, SortedDictionary<string, List<(long T, string V)>> written, BlockMeta? damaged)
    {
        TimeSeriesDb db;
        try
        {
            db = TestDb.Open(path, SmallDatabase.Options);
        }
        catch (StorageException e)
        {
            Assert.True(damaged is null, $"{what}: one damaged block keeps the database from opening: {e.Message}");
            Assert.True(e.Message.Contains(path, StringComparison.Ordinal) && e.Message.Contains("offset", StringComparison.Ordinal), $"{what}: {e.Message}");
            return;
        }

        using (db)
        {
            using var querier = db.OpenQuerier(long.MinValue, long.MaxValue);
            var set = querier.Select(
                true, new SelectHints(long.MinValue, long.MaxValue), [new LabelMatcher(MatchType.RegexMatch, "__name__", ".+")], CancellationToken.None);
            var answered = new Dictionary<string, List<(long T, string V)>>(StringComparer.Ordinal);
            var failed = new HashSet<string>(StringComparer.Ordinal);
            while (set.MoveNext())
            {
                var series = set.Labels.ToString();
                try
                {
                    using var reader = set.OpenReader();
                    answered.Add(series, TestDb.Read(reader));
                }
                catch (StorageException e)
                {
                    Assert.Matches("[0-9]", e.Message);
                    failed.Add(series);
                }
            }

            foreach (var (series, samples) in answered)
            {
                Assert.True(written.ContainsKey(series), $"{what}: {series} was never written");
                var known = written[series].ToHashSet();
                Assert.True(samples.TrueForAll(known.Contains), $"{what}: {series} has a sample that was never written");
            }

            if (damaged is null)
            {
                return;
            }

            foreach (var (series, samples) in written.Where(s => !failed.Contains(s.Key)))
            {
                var others = samples.Where(s => s.T < damaged.MinTime || s.T >= damaged.MaxTime).ToList();
                var got = answered.GetValueOrDefault(series) ?? [];
                Assert.True(others.TrueForAll(got.Contains), $"{what}: samples of {series} in other blocks are missing");
                Assert.True(got.Count == samples.Count || set.Warnings.Count > 0, $"{what}: samples of {series} are missing without a warning");
            }
        }
    }
}
