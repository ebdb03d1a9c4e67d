using MetricsOperator.TestKit;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Tsdb.Tests.Head;

/// <summary>Chunks are those that were added whatever was read before them, and reading many of them in their order takes few reads.</summary>
public sealed class HeadChunkReadingTests
{
    private const int SeriesCount = 2000;
    private const int Rounds = 13;

    [Fact]
    public void Chunks_in_any_order_are_those_that_were_added() => SeededRandom.Run(random =>
    {
        using var folder = new TempDir();
        using var files = new HeadChunkFiles(DiskFiles.Instance, folder.Path, NullLogger.Instance);
        var added = new List<(ulong Reference, byte[] Data)>();
        for (var i = 0; i < 3000; i++)
        {
            // Some are longer than what is read at once; some are still in memory when they are read.
            var data = new byte[random.Next(50) == 0 ? random.Next(40_000) : random.Next(1, 400)];
            random.NextBytes(data);
            added.Add((files.Append((ulong)i, i, i + 1, ChunkEncoding.Xor, data), data));
            if (random.Next(400) == 0)
            {
                files.Truncate(long.MinValue, () => { });
            }

            for (var reads = random.Next(4); reads > 0; reads--)
            {
                var first = random.Next(added.Count);
                for (var n = first; n < Math.Min(first + random.Next(1, 6), added.Count); n++)
                {
                    AssertReads(files, added[n]);
                }
            }
        }

        Parallel.ForEach(added, chunk => AssertReads(files, chunk));
    });

    [Fact]
    public void Chunks_of_series_after_series_are_read_many_at_a_time()
    {
        using var folder = new TempDir();
        using var files = new HeadChunkFiles(DiskFiles.Instance, folder.Path, NullLogger.Instance);
        var added = new (ulong Reference, byte[] Data)[Rounds, SeriesCount];
        for (var round = 0; round < Rounds; round++)
        {
            for (var series = 0; series < SeriesCount; series++)
            {
                var data = new byte[150];
                BitConverter.TryWriteBytes(data, (round * SeriesCount) + series);
                added[round, series] = (files.Append((ulong)series, round, round + 1, ChunkEncoding.Xor, data), data);
            }
        }

        files.Flush();
        for (var series = 0; series < SeriesCount; series++)
        {
            for (var round = 0; round < Rounds; round++)
            {
                AssertReads(files, added[round, series]);
            }
        }

        // About 45 chunks in a piece, once pieces have grown.
        Assert.InRange(files.FileReads, 1, Rounds * SeriesCount / 35);
    }

    private static void AssertReads(HeadChunkFiles files, (ulong Reference, byte[] Data) chunk)
    {
        var buffer = new byte[64];
        Assert.True(files.Read(chunk.Reference, ref buffer, out var encoding).Span.SequenceEqual(chunk.Data));
        Assert.Equal(ChunkEncoding.Xor, encoding);
    }
}
