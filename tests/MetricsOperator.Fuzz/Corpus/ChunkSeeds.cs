using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Tests.Encoders;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Fuzz.Corpus;

/// <summary>Valid chunks and files of chunks.</summary>
internal static class ChunkSeeds
{
    private const long Start = 1_600_000_000_000;

    /// <summary>Chunks with their encoding in front.</summary>
    public static IReadOnlyList<byte[]> All()
    {
        var chunks = new List<byte[]>
        {
            Floats(1, i => i),
            Floats(30, i => i * 1.5),
            Floats(120, i => Math.Sin(i) * 1000, jitter: true),
            Floats(20, i => i % 3 == 0 ? double.NaN : 42),
            IntegerHistogram(schema: 3),
            IntegerHistogram(schema: -53),
        };
        var random = new Random(1);
        foreach (var starts in new long[] { 0, 1 })
        {
            chunks.Add([4, .. ChunkEncoder.Xor2([.. Enumerable.Range(0, 20).Select(i => (starts * (Start - (i / 5)), Start + (i * 15_000L) + (i * i), i * 1.5))])]);
            foreach (var isFloat in new[] { false, true })
            {
                var layout = RawHistogram.RandomLayout(random);
                (long, long, RawHistogram)[] samples =
                    [.. Enumerable.Range(0, 5).Select(i => (starts * (Start - i), Start + (i * 15_000L), RawHistogram.Random(random, isFloat, layout)))];
                chunks.Add([(byte)(isFloat ? 6 : 5), .. ChunkEncoder.Histograms(samples, 2, withStarts: true)]);
                chunks.Add([(byte)(isFloat ? 3 : 2), .. ChunkEncoder.Histograms(samples, 0, withStarts: false)]);
            }
        }

        foreach (var histogram in Histograms.All())
        {
            chunks.Add(FloatHistograms(histogram, 1));
            chunks.Add(FloatHistograms(histogram, 12));
        }

        foreach (var file in Fixtures.Files("chunks_head").Take(1))
        {
            var scan = new HeadChunkScan(1, file.Length, (into, offset) => Copy(file, into, offset));
            var taken = 0;
            scan.Run(new byte[64 * 1024], (_, chunk, encoding, _, _) =>
            {
                var offset = (int)(uint)chunk.DiskRef;
                if (taken++ < 8)
                {
                    var length = HeadChunkFiles.LengthAt(file.AsSpan(offset));
                    chunks.Add([(byte)encoding, .. file.AsSpan(offset, length)[HeadChunkFiles.DataRange(file.AsSpan(offset, length), "fixture", offset, out _)]]);
                }
            });
        }

        return chunks;
    }

    /// <summary>Files of a block, with a reference behind them.</summary>
    public static IReadOnlyList<byte[]> Segments()
    {
        var files = new List<byte[]>();
        using var folder = new TempDir();
        var chunks = All();
        for (var i = 0; i < chunks.Count; i += 3)
        {
            ulong reference = 0;
            using (var writer = new ChunkSegmentWriter(DiskFiles.Instance, folder[$"{i}"]))
            {
                foreach (var chunk in chunks.Skip(i).Take(3))
                {
                    reference = writer.Add((ChunkEncoding)chunk[0], chunk.AsSpan(1));
                }

                writer.Finish();
            }

            var tail = new ByteWriter();
            tail.Be64(reference);
            files.Add([.. File.ReadAllBytes(folder[$"{i}/000001"]), .. tail.Written]);
        }

        return files;
    }

    /// <summary>Files of chunks_head.</summary>
    public static IReadOnlyList<byte[]> HeadFiles()
    {
        var files = new List<byte[]>();
        using var folder = new TempDir();
        var chunks = All();
        for (var i = 0; i < chunks.Count; i += 3)
        {
            Directory.CreateDirectory(folder[$"{i}"]);
            using (var writer = new HeadChunkFiles(DiskFiles.Instance, folder[$"{i}"], NullLogger.Instance))
            {
                foreach (var chunk in chunks.Skip(i).Take(3))
                {
                    writer.Append((ulong)i + 1, Start, Start + 1000, (ChunkEncoding)chunk[0], chunk.AsSpan(1));
                }

                writer.Flush();
            }

            var bytes = File.ReadAllBytes(folder[$"{i}/000001"]);
            files.Add(bytes);
            if (i == 0)
            {
                files.Add([.. bytes, .. new byte[100]]);
            }
        }

        return files;
    }

    private static int Copy(byte[] file, Span<byte> into, long offset)
    {
        var rest = file.AsSpan((int)Math.Min(offset, file.Length));
        var length = Math.Min(rest.Length, into.Length);
        rest[..length].CopyTo(into);
        return length;
    }

    private static byte[] Floats(int count, Func<int, double> value, bool jitter = false)
    {
        var chunk = new byte[8192];
        var state = default(XorChunkState);
        for (var i = 0; i < count; i++)
        {
            XorChunkWriter.TryAppend(chunk, ref state, Start + (i * 15_000L) + (jitter ? i * i * 7919L % 100_000 : 0), value(i));
        }

        return [(byte)ChunkEncoding.Xor, .. chunk.AsSpan(0, state.ByteLength)];
    }

    private static byte[] FloatHistograms(FloatHistogram histogram, int count)
    {
        var writer = FloatHistogramChunkWriter.Start(Start, histogram, isReset: false);
        for (var i = 1; i < count; i++)
        {
            writer.TryAppend(Start + (i * 15_000L), Histograms.Grown(histogram, i), out _);
        }

        return [(byte)ChunkEncoding.FloatHistogram, .. writer.Bytes];
    }

    // Our head writes float histograms only; Prometheus writes these.
    private static byte[] IntegerHistogram(int schema)
    {
        var buffer = new byte[1024];
        var layout = new HistogramLayout
        {
            Schema = schema,
            ZeroThreshold = 0.001,
            PositiveSpans = [new(0, 2), new(3, 1)],
            NegativeSpans = schema == -53 ? [] : [new(1, 1)],
            CustomValues = schema == -53 ? [0.5, 1, 2.123456789, 4, 5, 6] : [],
        };
        var writer = new BitWriter(buffer, HistogramChunkReader.HeaderBytes * 8);
        layout.Write(ref writer);
        Varbit.WriteSigned(ref writer, Start);
        Varbit.WriteUnsigned(ref writer, 10);
        Varbit.WriteUnsigned(ref writer, 2);
        writer.Bits(BitConverter.DoubleToUInt64Bits(12.5), 64);
        var buckets = schema == -53 ? 3 : 4;
        for (var i = 0; i < buckets; i++)
        {
            Varbit.WriteSigned(ref writer, i + 1);
        }

        var sum = XorValue.Writer(BitConverter.DoubleToUInt64Bits(12.5));
        for (var sample = 1; sample < 5; sample++)
        {
            Varbit.WriteSigned(ref writer, sample == 1 ? 15_000 : 0);
            Varbit.WriteSigned(ref writer, sample);
            Varbit.WriteSigned(ref writer, 0);
            sum.Write(ref writer, BitConverter.DoubleToUInt64Bits(12.5 + sample));
            for (var i = 0; i < buckets; i++)
            {
                Varbit.WriteSigned(ref writer, i == sample ? 1 : 0);
            }
        }

        buffer[1] = 5;
        return [(byte)ChunkEncoding.Histogram, .. buffer.AsSpan(0, (writer.BitPosition + 7) >> 3)];
    }
}
