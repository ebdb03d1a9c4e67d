using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Samples;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Compaction;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;
using MetricsOperator.Tsdb.Tests.Encoders;
using MetricsOperator.Tsdb.Tests.Wal;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Tests;

/// <summary>Directories with what Prometheus writes since 3.11: records and chunks with start timestamps, zstd. What we write from them is older.</summary>
public sealed class NewerPrometheusTests
{
    private static readonly Func<TsdbOptions, TsdbOptions> Options = o => o with { RetentionMs = 0, MinBlockDurationMs = 60_000, OutOfOrderWindowMs = 60_000 };

    [Fact]
    public void Log_is_replayed_from_every_type_of_record()
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            var want = new SortedDictionary<string, List<(long, string)>>(StringComparer.Ordinal);
            var records = new List<byte[]>();
            var t = 1000L;
            foreach (var type in new[] { 2, 7, 8, 9, 10, 11, 12, 13 })
            {
                records.Add(SeriesOf(type));

                // Each histogram says that its counters were reset, so that none shares a chunk, and with it buckets, with another.
                var samples = SampleRecordTests.RandomSamples(random, 20, type)
                    .Select(s => s with { Ref = (ulong)type, T = t++, H = s.H is null ? null : s.H with { Hint = 1 } }).ToArray();
                records.Add(type >= 11 ? RecordEncoder.Version2(type, samples) : RecordEncoder.Version1(type, samples));
                want[NameOf(type)] = samples.Select(s => (s.T, TextOf(s))).ToList();
            }

            // Skipped: a type that nobody knows, a custom histogram without its bounds, records of a type byte only.
            var custom = RawHistogram.Random(random, false, new RawHistogram { Schema = -53, Positive = [(0, 2)], Bounds = [1, 2] });
            records.Add([99, 1, 2, 3]);
            records.Add(RecordEncoder.Version1(7, [new RawSample(7, t, 0, 0, custom)], withBounds: false));
            records.AddRange([[2], [4], [5], [7], [11], [12], [13]]);
            records.Add(RecordEncoder.Metadata(2, 1, ("COLOR", "red"), ("HELP", "text"), ("UNIT", "s")));

            using var compressor = new ZstdSharp.Compressor(3);
            Directory.CreateDirectory(folder["wal"]);
            File.WriteAllBytes(folder["wal/00000000"], FileEncoder.Segment(records, 0x10, r => compressor.Wrap(r).ToArray()));

            // A memory snapshot repeats what the log has; it is not read.
            Directory.CreateDirectory(folder["chunk_snapshot.000000.0000000100"]);
            File.WriteAllBytes(folder["chunk_snapshot.000000.0000000100/00000000"], FileEncoder.Segment([[1, 0xFF]]));
            for (var start = 0; start < 2; start++)
            {
                using var db = TestDb.Open(folder.Path, Options);
                Assert.Equal(want, db.ReadAll());
                Assert.Equal(new MetricMetadata("counter", "s", "text"), db.Metadata("m2"));
                Assert.False(Directory.Exists(folder["quarantine"]));
            }
        });
    }

    [Fact]
    public void Checkpoint_keeps_samples_of_every_type_in_types_that_older_readers_know()
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            var want = new List<string>();
            var records = new List<byte[]>();
            foreach (var type in new[] { 2, 7, 8, 9, 10, 11, 12, 13 })
            {
                var samples = SampleRecordTests.RandomSamples(random, 30, type);
                records.Add(type >= 11 ? RecordEncoder.Version2(type, samples) : RecordEncoder.Version1(type, samples));
                foreach (var sample in samples.Where(s => s.T >= 500))
                {
                    var into = type switch
                    {
                        11 => 2,
                        12 => sample.H!.IsCustom ? 9 : 7,
                        13 => sample.H!.IsCustom ? 10 : 8,
                        _ => type,
                    };
                    want.Add($"{into} {sample.Ref} {sample.T} {TextOf(sample)}");
                }
            }

            Directory.CreateDirectory(folder["wal"]);
            File.WriteAllBytes(folder["wal/00000000"], FileEncoder.Segment(records));
            File.WriteAllBytes(folder["wal/00000001"], []);
            var writer = new CheckpointWriter(DiskFiles.Instance, folder["wal"], WalFormat.PageSize * 64, true);
            writer.Replace(WalDirectory.List(folder["wal"]), 0, 500, _ => true, CancellationToken.None);
            var got = new List<string>();
            foreach (var record in WalTests.ReadAll(WalDirectory.List(folder["wal"]).Checkpoint!))
            {
                var kind = SampleRecord.KindOf(record);
                var samples = new SampleRecord(record);
                while (samples.Next())
                {
                    got.Add($"{record[0]} {samples.Reference} {samples.Timestamp} {(kind == SampleKind.Float ? Hex(samples.Value) : ReadText(samples))}");
                }

                Assert.False(samples.Failed);
            }

            Assert.Equal(want.Order(StringComparer.Ordinal), got.Order(StringComparer.Ordinal));
        });

        static string ReadText(SampleRecord samples)
        {
            var h = samples.Histogram();
            return $"h{h.Count}/{h.Sum}/{string.Join(',', h.PositiveBuckets)}";
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void Late_samples_of_chunk_and_log_are_there_once(int type)
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            var samples = SampleRecordTests.RandomSamples(random, 40, type).Select((s, i) => s with { Ref = (ulong)type, T = 1000 + (i * 10) }).ToArray();
            if (type != 2 && type != 11)
            {
                // All samples of a chunk have one layout.
                var layout = RawHistogram.Random(random, type is 8 or 10 or 13, samples.First(s => s.H!.Bounds.Length > 0 == type is 9 or 10).H);
                samples = samples.Select(s => s with { H = RawHistogram.Random(random, layout.IsFloat, layout) }).ToArray();
            }

            // The first 20 are in a chunk and, as the marker says, before it in the log; a marker of a chunk that was lost hides nothing.
            var chunk = type switch
            {
                2 or 11 => ChunkEncoder.Xor2(samples[..20].Select(s => (s.St, s.T, s.V)).ToArray()),
                _ => ChunkEncoder.Histograms(samples[..20].Select(s => (s.St, s.T, s.H!)).ToArray(), 0, withStarts: type >= 12),
            };
            var encoding = type switch { 2 or 11 => 4, 7 => 2, 10 => 3, 12 => 5, _ => 6 };
            Directory.CreateDirectory(folder["wal"]);
            Directory.CreateDirectory(folder["wbl"]);
            Directory.CreateDirectory(folder["chunks_head"]);
            File.WriteAllBytes(folder["wal/00000000"], FileEncoder.Segment(
                [SeriesOf(type), SeriesOf(100), RecordEncoder.Version1(2, [new(100, 50_000, 0, 1)])]));
            File.WriteAllBytes(folder["chunks_head/000001"], FileEncoder.HeadChunks(((ulong)type, samples[0].T, samples[19].T, 0x80 | encoding, chunk)));
            File.WriteAllBytes(folder["wbl/00000000"], FileEncoder.Segment(
            [
                RecordEncoder.Markers(((ulong)type, 0)),
                Encode(samples[..20]),
                RecordEncoder.Markers(((ulong)type, (1UL << 32) | 8)),
                Encode(samples[20..30]),
                RecordEncoder.Markers(((ulong)type, (9UL << 32) | 8)),
                Encode(samples[30..]),
            ]));
            var want = new SortedDictionary<string, List<(long, string)>>(StringComparer.Ordinal)
            {
                [NameOf(100)] = [(50_000, Hex(1))],
                [NameOf(type)] = samples.Select(s => (s.T, TextOf(s))).ToList(),
            };
            for (var start = 0; start < 2; start++)
            {
                using var db = TestDb.Open(folder.Path, Options);
                Assert.Equal(want, db.ReadAll());
            }

            using (var db = TestDb.Open(folder.Path, Options))
            {
                // A newer sample makes the head cut, and the late ones go to a block.
                db.Append(Timeseries.Labels.LabelSet.Of(("__name__", "m100")), (200_000, 2));
                db.RunMaintenance(CancellationToken.None);
                Assert.Contains(db.Blocks, b => b.Compaction.Hints?.Contains(BlockMeta.FromOutOfOrder) == true || b.Compaction.Level > 1);
                Assert.All(db.Blocks, b => Assert.All(FileEncoder.EncodingsOf(folder[b.Ulid]), e => Assert.InRange(e, 1, 3)));
                want[NameOf(100)].Add((200_000, Hex(2)));
                Assert.Equal(want, db.ReadAll());
            }

            byte[] Encode(RawSample[] part) => type >= 11 ? RecordEncoder.Version2(type, part) : RecordEncoder.Version1(type, part);
        });
    }

    [Fact]
    public void Closed_head_chunks_are_attached_and_their_blocks_have_older_encodings()
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            var want = new SortedDictionary<string, List<(long, string)>>(StringComparer.Ordinal);
            var chunks = new List<(ulong, long, long, int, byte[])>();
            var records = new List<byte[]>();
            foreach (var encoding in new[] { 1, 4, 5, 6, 9 })
            {
                var samples = Samples(random, encoding, 1000, 200);
                want[NameOf(encoding)] = samples.Select(s => (s.T, TextOf(s))).ToList();
                records.Add(SeriesOf(encoding));

                // The log has what is in no chunk, and all of the series whose chunk nobody can read.
                var closed = encoding is 1 or 9 ? 0 : 80;
                if (encoding == 9)
                {
                    chunks.Add((9, 1000, 80_000, 9, [0, 80, 1, 2, 3]));
                }

                for (var i = 0; i < closed; i += 40)
                {
                    var part = samples[i..(i + 40)];
                    chunks.Add(((ulong)encoding, part[0].T, part[^1].T, encoding, Chunk(encoding, part)));
                }

                var type = encoding switch { 5 => 12, 6 => 13, _ => 11 };
                records.Add(RecordEncoder.Version2(type, samples[closed..]));
            }

            Directory.CreateDirectory(folder["wal"]);
            Directory.CreateDirectory(folder["chunks_head"]);
            File.WriteAllBytes(folder["wal/00000000"], FileEncoder.Segment(records));
            File.WriteAllBytes(folder["chunks_head/000001"], FileEncoder.HeadChunks([.. chunks]));
            using (var db = TestDb.Open(folder.Path, Options))
            {
                Assert.Equal(want, db.ReadAll());
                db.RunMaintenance(CancellationToken.None);
                Assert.NotEmpty(db.Blocks);
                Assert.All(db.Blocks, b => Assert.All(FileEncoder.EncodingsOf(folder[b.Ulid]), e => Assert.InRange(e, 1, 3)));
                Assert.Equal(want, db.ReadAll());
            }

            using var again = TestDb.Open(folder.Path, Options);
            Assert.Equal(want, again.ReadAll());
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Merged_blocks_have_older_encodings(bool overlap)
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            var want = new SortedDictionary<string, List<(long, string)>>(StringComparer.Ordinal);
            var all = new[] { 4, 5, 6 }.ToDictionary(e => e, e => Samples(random, e, 1000, 120));
            foreach (var (encoding, samples) in all)
            {
                want[NameOf(encoding)] = samples.Select(s => (s.T, TextOf(s))).ToList();
            }

            WriteBlock(folder["01AAAAAAAAAAAAAAAAAAAAAAAA"], all, 0, overlap ? 80 : 60);
            WriteBlock(folder["01BBBBBBBBBBBBBBBBBBBBBBBB"], all, 60, 120);
            var blocks = new[] { Block.Open(folder["01AAAAAAAAAAAAAAAAAAAAAAAA"]), Block.Open(folder["01BBBBBBBBBBBBBBBBBBBBBBBB"]) };
            var merged = new BlockMerger(DiskFiles.Instance, folder.Path, TimeProvider.System).Merge(blocks, keepEmpty: false, CancellationToken.None)!;
            Assert.Equal([1, 3], FileEncoder.EncodingsOf(merged).Distinct().Order());
            var meta = BlockMetaFile.Read(merged);
            Assert.Equal((120L, 240L), (meta.Stats.NumFloatSamples, meta.Stats.NumHistogramSamples));
            foreach (var block in blocks)
            {
                block.Release();
            }

            // The inputs are parents of the new block, so that only that is read.
            using var db = TestDb.Open(folder.Path, o => o with { RetentionMs = 0 });
            Assert.Equal(Path.GetFileName(merged), Assert.Single(db.Blocks).Ulid);
            Assert.Equal(want, db.ReadAll());
        });
    }

    [Fact]
    public void Blocks_are_read_in_place()
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            var all = new[] { 2, 3, 4, 5, 6 }.ToDictionary(e => e, e => Samples(random, e, 1000, 130));
            WriteBlock(folder["01AAAAAAAAAAAAAAAAAAAAAAAA"], all, 0, 130);
            using var db = TestDb.Open(folder.Path, o => o with { RetentionMs = 0 });
            foreach (var (from, to) in new[] { (long.MinValue, long.MaxValue), (50_000L, 90_000L), (50_001L, 50_999L) })
            {
                var want = all.ToDictionary(a => NameOf(a.Key), a => a.Value.Where(s => s.T >= from && s.T <= to).Select(s => (s.T, TextOf(s))).ToList());
                var some = want.Where(w => w.Value.Count > 0).ToDictionary();
                Assert.Equal(new SortedDictionary<string, List<(long, string)>>(some, StringComparer.Ordinal), db.ReadAll(from, to));
            }
        });
    }

    [Fact]
    public void Old_Prometheus_reads_the_block_cut_from_newer_chunks()
    {
        Peer.Require("promtool", "prometheus");
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            var samples = Samples(random, 4, 1_700_000_000_000, 200);
            Directory.CreateDirectory(folder["data/wal"]);
            Directory.CreateDirectory(folder["data/chunks_head"]);
            File.WriteAllBytes(folder["data/wal/00000000"], FileEncoder.Segment([SeriesOf(4), RecordEncoder.Version2(11, samples[120..])]));
            File.WriteAllBytes(
                folder["data/chunks_head/000001"], FileEncoder.HeadChunks((4, samples[0].T, samples[119].T, 4, Chunk(4, samples[..120]))));
            using (var db = TestDb.Open(folder["data"], Options))
            {
                db.RunMaintenance(CancellationToken.None);
                Assert.NotEmpty(db.Blocks);
            }

            // Only the blocks: the rest of the head is not for it.
            using (var db = TestDb.Open(folder["data"], Options))
            {
                var end = db.Blocks.Max(b => b.MaxTime);
                var copy = folder["copy"];
                TestDb.CopyFiles(folder["data"], copy);
                foreach (var part in new[] { "wal", "chunks_head" })
                {
                    Directory.CreateDirectory(Path.Combine(copy, part));
                    Directory.Delete(Path.Combine(copy, part), recursive: true);
                    Directory.CreateDirectory(Path.Combine(copy, part));
                }

                var want = Promtool.DumpOf(db).ToDictionary(p => p.Key, p => p.Value.FindAll(s => s.T < end));
                Promtool.AssertSame(Promtool.Dump(copy), new SortedDictionary<string, List<(long T, string V)>>(want, StringComparer.Ordinal));
            }
        });
    }

    private static string NameOf(int number) => $"{{__name__=\"m{number}\"}}";

    private static byte[] SeriesOf(int number) => RecordEncoder.Series(((ulong)number, [("__name__", "m" + number)]));

    private static string TextOf(RawSample sample) => sample.H?.Text ?? Hex(sample.V);

    private static string Hex(double value) => BitConverter.DoubleToUInt64Bits(value).ToString("x16");

    // A sample a second with start timestamps; histograms all of one layout and without a hint, so that nothing is a counter reset.
    private static RawSample[] Samples(Random random, int encoding, long start, int count)
    {
        var layout = RawHistogram.RandomLayout(random) with { Hint = 3 };
        return Enumerable.Range(0, count).Select(i => new RawSample(
            (ulong)encoding,
            start + (i * 1000),
            start - (i / 50),
            encoding is 1 or 4 or 9 && random.Next(10) == 0 ? StaleMarker.Value : random.Next(100) / 4.0,
            encoding is 1 or 4 or 9 ? null : RawHistogram.Random(random, encoding is 3 or 6, layout))).ToArray();
    }

    private static byte[] Chunk(int encoding, RawSample[] samples) => encoding == 4
        ? ChunkEncoder.Xor2(samples.Select(s => (s.St, s.T, s.V)).ToArray())
        : ChunkEncoder.Histograms(samples.Select(s => (s.St, s.T, s.H!)).ToArray(), 3, withStarts: encoding >= 5);

    private static void WriteBlock(string directory, Dictionary<int, RawSample[]> series, int from, int to)
    {
        Directory.CreateDirectory(directory);
        using var chunks = new ChunkSegmentWriter(DiskFiles.Instance, Path.Combine(directory, "chunks"));
        using var index = new IndexWriter(DiskFiles.Instance, Path.Combine(directory, "index"));
        index.BeginSymbols((uint)series.Count + 1);
        index.AddSymbol("__name__"u8);
        foreach (var encoding in series.Keys)
        {
            index.AddSymbol(Encoding.UTF8.GetBytes("m" + encoding));
        }

        index.EndSymbols();
        uint symbol = 1;
        foreach (var (encoding, samples) in series)
        {
            var written = new List<BlockChunk>();
            foreach (var part in samples[from..to].Chunk(130))
            {
                written.Add(new BlockChunk(part[0].T, part[^1].T, chunks.Add((ChunkEncoding)encoding, Chunk(encoding, part))));
            }

            index.AddSeries([new SymbolPair(0, symbol++)], [.. written]);
        }

        index.Finish(CancellationToken.None);
        chunks.Finish();
        var any = series.Values.First();
        Blocks.Tombstones.WriteEmpty(DiskFiles.Instance, Path.Combine(directory, "tombstones"));
        BlockMetaFile.Write(DiskFiles.Instance, directory, new BlockMeta
        {
            Ulid = Path.GetFileName(directory),
            MinTime = any[from].T,
            MaxTime = any[to - 1].T + 1,
            Compaction = new BlockCompaction { Level = 1, Sources = [Path.GetFileName(directory)] },
        });
    }
}
