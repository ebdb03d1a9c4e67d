using MetricsOperator.TestKit;
using MetricsOperator.Tsdb.Tests.Encoders;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Tests.Wal;

/// <summary>The rules of fragments and pages, each broken once.</summary>
public sealed class WalSegmentReaderTests
{
    private const int Full = 1;
    private const int First = 2;
    private const int Middle = 3;
    private const int Last = 4;

    [Fact]
    public void Parts_are_joined_whatever_their_length()
    {
        Check([.. Fragment(First, 1, 2), .. Fragment(Middle), .. Fragment(Middle, 3), .. Fragment(Last, 4), .. Fragment(Full, 5)], null, [1, 2, 3, 4], [5]);
    }

    // One wrong bit in the first byte of the padding, with the checksum of nothing, which is 0.
    [Fact]
    public void Empty_record_is_damage() => Check([.. Fragment(Full, 9), Full, .. new byte[100]], "got an empty record", [9]);

    [Theory]
    [InlineData(Middle, "got fragment kind 3, want full or first")]
    [InlineData(Last, "got fragment kind 4, want full or first")]
    [InlineData(5, "got fragment type 0x05")]
    [InlineData(7, "got fragment type 0x07")]
    [InlineData(Full | 0x20, "got fragment type 0x21")]
    [InlineData(Full | 0x80, "got fragment type 0x81")]
    public void Fragment_that_starts_no_record_is_damage(int type, string error)
    {
        Check([.. Fragment(Full, 9), .. Fragment(type, 1), .. Fragment(Full, 2)], error, [9]);
    }

    [Theory]
    [InlineData(Full)]
    [InlineData(First)]
    public void Record_that_starts_inside_another_is_damage(int type)
    {
        Check([.. Fragment(Full, 9), .. Fragment(First, 1), .. Fragment(type, 2), .. Fragment(Last, 3)], $"got fragment kind {type} inside a record, want middle or last", [9]);
    }

    [Fact]
    public void Parts_of_a_record_have_one_compression()
    {
        Check([.. Fragment(First | 8, 1), .. Fragment(Last, 2)], "fragments of one record differ in compression");
        Check([.. Fragment(First | 8, 1), .. Fragment(Last | 16, 2)], "fragments of one record differ in compression");
    }

    [Theory]
    [InlineData(First)]
    [InlineData(Middle)]
    public void Record_without_an_end_is_torn(int last)
    {
        var parts = last == Middle ? [.. Fragment(First, 1), .. Fragment(Middle, 2)] : Fragment(First, 1);
        Check([.. Fragment(Full, 9), .. parts], "the last record is torn", [9]);
        Check([.. Fragment(Full, 9), .. parts, .. new byte[100]], "the last record is torn", [9]);
    }

    [Fact]
    public void Reading_may_begin_behind_any_record() => SeededRandom.Run(random =>
    {
        using var folder = new TempDir();
        using (var writer = new WalWriter(MetricsOperator.Tsdb.Files.DiskFiles.Instance, folder.Path, 0, 1 << 20, compress: random.Next(2) == 0))
        {
            for (var i = 0; i < 300; i++)
            {
                var record = new byte[random.Next(20) == 0 ? 20_000 + random.Next(60_000) : 1 + random.Next(600)];
                random.NextBytes(record);
                writer.Add(record);
                writer.Write();
            }
        }

        var path = WalDirectory.List(folder.Path).Segments[0].Path;
        var records = new List<(byte[] Record, long End)>();
        using (var all = new WalSegmentReader(path))
        {
            while (all.Next(out var record))
            {
                records.Add((record.ToArray(), all.GoodLength));
            }
        }

        for (var from = 0; from < records.Count; from++)
        {
            using var reader = new WalSegmentReader(path, records[from].End);
            for (var i = from + 1; i < Math.Min(records.Count, from + 4); i++)
            {
                Assert.True(reader.Next(out var record), $"behind record {from}: {reader.Error}");
                Assert.Equal(records[i].Record, record.ToArray());
                Assert.Equal(records[i].End, reader.GoodLength);
            }
        }

        using var atEnd = new WalSegmentReader(path, records[^1].End);
        Assert.False(atEnd.Next(out _));
        Assert.Null(atEnd.Error);
        Assert.Equal(records[^1].End, atEnd.GoodLength);
    });

    [Fact]
    public void Page_ends_with_zeros_and_the_next_one_goes_on()
    {
        var first = Fragment(Full, 1);
        Check([.. first, .. new byte[WalFormat.PageSize - first.Length], .. Fragment(Full, 2)], null, [1], [2]);
        var stray = new byte[WalFormat.PageSize - first.Length];
        stray[^1] = 1;
        Check([.. first, .. stray, .. Fragment(Full, 2)], "bytes after the end of a page's records", [1]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(6)]
    public void Less_than_a_header_at_the_end_of_a_page_is_filled_up(int rest)
    {
        var first = Fragment(Full, new byte[WalFormat.PageSize - WalFormat.HeaderSize - rest]);
        Check([.. first, .. new byte[rest], .. Fragment(Full, 2)], null, first[WalFormat.HeaderSize..], [2]);
        if (rest > 0)
        {
            Check([.. first, .. Enumerable.Repeat((byte)1, rest), .. Fragment(Full, 2)], "bytes after the end of a page's records", first[WalFormat.HeaderSize..]);
        }
    }

    [Fact]
    public void Fragment_does_not_pass_its_page()
    {
        var length = new BitString().U8(Full).Be16(WalFormat.PageSize - WalFormat.HeaderSize + 1).Be32(0).ToBytes();
        Check([.. length, .. new byte[WalFormat.PageSize]], "got fragment length 32762, which exceeds the page");
    }

    [Fact]
    public void Checksum_is_of_the_bytes_as_stored()
    {
        var damaged = Fragment(Full, 1, 2, 3);
        damaged[^1]++;
        Check([.. Fragment(Full, 9), .. damaged], $"got checksum 0x{FileEncoder.Crc32C([1, 2, 4]):x8}, want 0x{FileEncoder.Crc32C([1, 2, 3]):x8}", [9]);
    }

    [Fact]
    public void Snappy_damage_has_its_offset()
    {
        Check([.. Fragment(Full, 9), .. Fragment(Full | 8, 5, 1)], "record is not a snappy block", [9]);
    }

    [Fact]
    public void Other_names_are_no_segments_and_an_unfinished_checkpoint_is_no_checkpoint()
    {
        using var folder = new TempDir();
        Directory.CreateDirectory(folder["wal/checkpoint.00000002"]);
        Directory.CreateDirectory(folder["wal/checkpoint.00000004.tmp"]);
        File.WriteAllBytes(folder["wal/series_state.json"], "{}"u8.ToArray());
        foreach (var number in new[] { 1, 2, 3, 4 })
        {
            File.WriteAllBytes(folder[$"wal/{number:D8}"], []);
        }

        var log = WalDirectory.List(folder["wal"]);
        Assert.Equal(2, log.CheckpointNumber);
        Assert.Equal([3, 4], log.Segments.Select(s => s.Number));
        Assert.Equal([1, 2], log.Obsolete.Select(s => s.Number));
        Assert.Equal(5, log.NextSegment);
    }

    private static byte[] Fragment(int type, params byte[] payload) =>
        [.. new BitString().U8(type).Be16(payload.Length).Be32(FileEncoder.Crc32C(payload)).ToBytes(), .. payload];

    private static void Check(byte[] segment, string? error, params byte[][] records)
    {
        using var folder = new TempDir();
        File.WriteAllBytes(folder["00000000"], segment);
        using var reader = new WalSegmentReader(folder["00000000"]);
        foreach (var want in records)
        {
            Assert.True(reader.Next(out var record), reader.Error);
            Assert.Equal(want, record.ToArray());
        }

        var good = reader.GoodLength;
        Assert.False(reader.Next(out _));
        Assert.Equal(error, reader.Error);
        Assert.Equal(good, reader.GoodLength);
    }
}
