using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Tsdb.Tests;

/// <summary>Inputs that the fuzzer found readers to stumble over.</summary>
public sealed class DamagedInputTests
{
    [Fact]
    public void A_histogram_chunk_cannot_make_its_reader_allocate_more_spans_than_its_bits_can_name()
    {
        var chunk = Convert.FromHexString("00018080f445fd5b7bdd");
        AllocationAssert.AtMost(chunk.Length * 64, () => HistogramChunkReader.Open(chunk, ChunkEncoding.FloatHistogram, 1));
    }

    [Fact]
    public void A_histogram_chunk_cannot_make_its_reader_allocate_more_bounds_than_its_bits_can_name()
    {
        var chunk = new byte[32];
        var writer = new BitWriter(chunk, HistogramChunkReader.HeaderBytes * 8);
        writer.Bits(0, 8);
        Varbit.WriteSigned(ref writer, -53);
        Varbit.WriteUnsigned(ref writer, 0);
        Varbit.WriteUnsigned(ref writer, 0);
        Varbit.WriteUnsigned(ref writer, 1 << 20);
        AllocationAssert.AtMost(chunk.Length * 64, () => Assert.Null(HistogramChunkReader.Open(chunk, ChunkEncoding.Histogram, 1)));
    }

    [Theory]
    [InlineData(0x8000_0000_0000_0008)]
    [InlineData(0xFFFF_FFFF_FFFF_FFFF)]
    [InlineData(0x0000_0001_0000_0008)]
    public void A_reference_to_a_chunk_file_that_does_not_exist_is_refused(ulong reference)
    {
        using var folder = new TempDir();
        using (var writer = new ChunkSegmentWriter(DiskFiles.Instance, folder["chunks"]))
        {
            writer.Add(ChunkEncoding.Xor, [0, 0]);
            writer.Finish();
        }

        using var segments = new ChunkSegments(folder["chunks"]);
        Assert.Equal(2, segments.Read(8).Bytes.Length);
        Assert.Throws<StorageException>(() => segments.Read(reference));
    }

    [Theory]
    [InlineData("""{"ulid":null,"version":1}""", "ulid")]
    [InlineData("""{"version":1}""", "ulid")]
    [InlineData("""{"ulid":"x","compaction":{"sources":[null]},"version":1}""", "compaction.sources")]
    [InlineData("""{"ulid":"x","compaction":{"hints":[null]},"version":1}""", "compaction.hints")]
    [InlineData("""{"ulid":"x","compaction":{"parents":[null]},"version":1}""", "compaction.parents")]
    [InlineData("""{"ulid":"x","compaction":{"parents":[{"ulid":null}]},"version":1}""", "compaction.parents")]
    public void A_description_of_a_block_without_what_it_must_have_is_refused_by_field(string json, string field)
    {
        var error = Assert.Throws<StorageException>(() => BlockMetaFile.Parse(Encoding.UTF8.GetBytes(json), "meta.json"));
        Assert.Contains(field, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"ulid":"x","version":1}""")]
    [InlineData("""{"ulid":"x","stats":null,"compaction":null,"version":1}""")]
    public void A_description_of_a_block_without_figures_and_origin_is_read(string json)
    {
        var meta = BlockMetaFile.Parse(Encoding.UTF8.GetBytes(json), "meta.json");
        Assert.True(meta.CoversAllSeries);
        Assert.Equal(0, meta.Stats.NumSamples);
    }

    [Fact]
    public void A_head_chunk_whose_length_was_damaged_later_costs_no_more_memory_than_its_file()
    {
        using var folder = new TempDir();
        using var files = new HeadChunkFiles(DiskFiles.Instance, folder.Path, NullLogger.Instance);
        var reference = files.Append(1, 1, 2, ChunkEncoding.Xor, new byte[100]);
        files.Flush();
        using (var file = new FileStream(folder["000001"], FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
        {
            // The length of the data as a varint of 100 MiB.
            file.Position = (uint)reference + 25;
            file.Write([0x80, 0x80, 0x80, 0x32]);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        var buffer = new byte[64];
        Assert.Throws<StorageException>(() => files.Read(reference, ref buffer, out _));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
    }
}
