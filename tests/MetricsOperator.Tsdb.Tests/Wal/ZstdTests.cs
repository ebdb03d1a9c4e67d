using System.Reflection;
using System.Runtime.Loader;
using MetricsOperator.TestKit;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Tests.Encoders;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Tests.Wal;

public sealed class ZstdTests
{
    private const int Flag = 0x10;

    [Fact]
    public void Records_of_any_compression_come_back()
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            using var compressor = new ZstdSharp.Compressor(3);
            Directory.CreateDirectory(folder["wal"]);
            var records = Enumerable.Range(0, 200).Select(i => Record(random, i % 20 == 7 ? 200_000 : random.Next(1, 3000))).ToList();
            var segments = records.Chunk(67).Select(part => FileEncoder.Segment(part, Flag, r => compressor.Wrap(r).ToArray())).ToList();

            // One segment is a mixture: what compression does not shrink is stored as it is.
            byte[] mixed = [.. FileEncoder.Segment([records[0]]), .. FileEncoder.Segment([records[1]], Flag, r => compressor.Wrap(r).ToArray())];
            segments.Add(mixed.Length < WalFormat.PageSize ? mixed : []);
            for (var i = 0; i < segments.Count; i++)
            {
                File.WriteAllBytes(folder[$"wal/{i:D8}"], segments[i]);
            }

            Assert.Equal(segments[^1].Length == 0 ? records : [.. records, records[0], records[1]], WalTests.ReadAll(folder["wal"]));
        });
    }

    [Fact]
    public void Frame_that_does_not_tell_its_length_comes_back()
    {
        var record = Enumerable.Range(0, 300_000).Select(i => (byte)(i / 1000)).ToArray();
        var stream = new MemoryStream();
        using (var compression = new ZstdSharp.CompressionStream(stream, 3, leaveOpen: true))
        {
            compression.Write(record);
        }

        var frame = stream.ToArray();
        Assert.Equal(0, frame[4] & 0xE0);
        Assert.Null(Decode(frame, 1 << 20, out var decoded));
        Assert.Equal(record, decoded);
        Assert.Contains("more than 299999 bytes", Decode(frame, 299_999, out _), StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_frame_that_tells_no_length_gets_no_more_memory_than_its_blocks_could_fill()
    {
        // Found by the fuzzer: the library asks for more room again and again.
        var frame = Convert.FromHexString(
            "28B52FFD0000ED010024030800015D000001A1FFC1D77A0000000237F00040080040300040260002000204535100010001527D53510007000204535100010001527D53513E3E");
        using var decoder = ZstdDecoder.Create();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.NotNull(decoder.Decode(frame, new ByteWriter(16), WalFormat.MaxZstdSize));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < ((frame.Length / 4) + 1) * 512 * 1024);
    }

    [Fact]
    public void Frame_that_claims_too_much_is_refused_without_memory_for_it()
    {
        // Magic, single segment with eight bytes of length, an empty last block.
        var lie = Convert.FromHexString("28B52FFD" + "E0" + "FFFFFF0700000000" + "010000");
        using var decoder = ZstdDecoder.Create();
        var into = new ByteWriter(16);
        decoder.Decode(lie, into, WalFormat.MaxZstdSize);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("claims 134217727 bytes, want at most", decoder.Decode(lie, into, WalFormat.MaxZstdSize), StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);

        lie[11] = 0x80;
        Assert.Contains("claims", decoder.Decode(lie, into, WalFormat.MaxZstdSize), StringComparison.Ordinal);

        // 3000 blocks of one repeated byte: what they claim is possible, but above the limit.
        var bomb = new List<byte>(Convert.FromHexString("28B52FFD" + "A0" + "00007017"));
        for (var i = 0; i < 3000; i++)
        {
            bomb.AddRange([(byte)(i == 2999 ? 3 : 2), 0, 16, 7]);
        }

        Assert.Contains("claims", decoder.Decode(bomb.ToArray(), into, WalFormat.MaxZstdSize), StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_record_is_damage_at_its_offset()
    {
        using var folder = new TempDir();
        using var compressor = new ZstdSharp.Compressor(3);
        var good = FileEncoder.Segment([new byte[500]], Flag, r => compressor.Wrap(r).ToArray());
        foreach (var bad in new byte[][] { [], [1], [.. new byte[20]], compressor.Wrap(new byte[500])[..^1].ToArray() })
        {
            File.WriteAllBytes(folder["00000000"], [.. good, .. FileEncoder.Segment([bad], Flag)]);
            using var reader = new WalSegmentReader(folder["00000000"]);
            Assert.True(reader.Next(out var record));
            Assert.Equal(500, record.Length);
            Assert.False(reader.Next(out _));
            Assert.Contains("zstd", reader.Error, StringComparison.Ordinal);
            Assert.Equal(good.Length, reader.GoodLength);
            Assert.False(reader.Next(out _));
        }
    }

    [Fact]
    public void Fragment_cannot_be_snappy_and_zstd()
    {
        using var folder = new TempDir();
        File.WriteAllBytes(folder["00000000"], FileEncoder.Segment([new byte[10]], 0x18));
        using var reader = new WalSegmentReader(folder["00000000"]);
        Assert.False(reader.Next(out _));
        Assert.Equal("got fragment type 0x19", reader.Error);
    }

    [Fact]
    public void Damaged_frames_are_refused_or_decoded_but_never_crash()
    {
        SeededRandom.Run(random =>
        {
            using var compressor = new ZstdSharp.Compressor(3);
            using var decoder = ZstdDecoder.Create();
            var frame = compressor.Wrap(Record(random, 3000)).ToArray();
            var into = new ByteWriter();
            for (var i = 0; i < 30_000; i++)
            {
                var damaged = frame[..random.Next(frame.Length + 1)];
                for (var n = random.Next(4); n >= 0 && damaged.Length > 0; n--)
                {
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                }

                decoder.Decode(damaged, into, 1 << 20);
                Assert.InRange(into.Length, 0, 1 << 20);
            }
        });
    }

    [Fact]
    public void Library_is_loaded_with_the_first_zstd_record_only()
    {
        using var folder = new TempDir();
        TestDb.Open(folder["data"]).Dispose();
        using (var db = TestDb.Open(folder["data"]))
        {
            db.Append(Timeseries.Labels.LabelSet.Of(("__name__", "m")), (1000, 1));
        }

        var context = new RecordingContext();
        OpenAndClose(context, folder["data"]);
        Assert.Contains("MetricsOperator.Timeseries", context.Wanted);
        Assert.DoesNotContain("ZstdSharp", context.Wanted);

        using var compressor = new ZstdSharp.Compressor(3);
        var next = WalDirectory.List(folder["data/wal"]).NextSegment;
        File.WriteAllBytes(
            folder[$"data/wal/{next:D8}"], FileEncoder.Segment([RecordEncoder.Markers((1, 1))], Flag, r => compressor.Wrap(r).ToArray()));
        OpenAndClose(context, folder["data"]);
        Assert.Contains("ZstdSharp", context.Wanted);
        context.Unload();
    }

    private static void OpenAndClose(RecordingContext context, string path)
    {
        var assembly = context.LoadFromAssemblyPath(typeof(TimeSeriesDb).Assembly.Location);
        var options = Activator.CreateInstance(assembly.GetType(typeof(TsdbOptions).FullName!)!)!;
        options.GetType().GetProperty(nameof(TsdbOptions.Path))!.SetValue(options, path);
        var db = assembly.GetType(typeof(TimeSeriesDb).FullName!)!.GetMethod(nameof(TimeSeriesDb.Open))!.Invoke(null, [options, null, CancellationToken.None]);
        ((IDisposable)db!).Dispose();
    }

    private static byte[] Record(Random random, int length)
    {
        var record = new byte[length];
        for (var i = 0; i < length; i++)
        {
            record[i] = random.Next(4) == 0 ? (byte)random.Next(256) : (byte)(i / 7);
        }

        return record;
    }

    private static string? Decode(byte[] frame, int limit, out byte[] decoded)
    {
        using var decoder = ZstdDecoder.Create();
        var into = new ByteWriter();
        var error = decoder.Decode(frame, into, limit);
        decoded = into.Written.ToArray();
        return error;
    }

    /// <summary>Writes down which assemblies the engine asks for, and shares those of the tests.</summary>
    private sealed class RecordingContext() : AssemblyLoadContext(isCollectible: true)
    {
        public List<string> Wanted { get; } = [];

        protected override Assembly? Load(AssemblyName assemblyName)
        {
            Wanted.Add(assemblyName.Name!);
            return null;
        }
    }
}
