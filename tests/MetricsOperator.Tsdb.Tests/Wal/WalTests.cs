using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Tsdb.Tests.Wal;

public sealed class WalTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Records_of_any_size_come_back_over_pages_and_segments(bool compress)
    {
        SeededRandom.Run(random =>
        {
            using var folder = new TempDir();
            var records = new List<byte[]>();
            using (var writer = new WalWriter(DiskFiles.Instance, folder["wal"], 0, 4 * WalFormat.PageSize, compress))
            {
                for (var i = 0; i < 300; i++)
                {
                    // Every 20th record spans pages and resists compression, so that the log passes several segments with any seed.
                    var spansPages = i % 20 == 10;
                    var record = new byte[random.Next(10) switch
                    {
                        _ when spansPages => random.Next(WalFormat.PageSize, 6 * WalFormat.PageSize),
                        0 => 0,
                        1 => random.Next(WalFormat.PageSize - 20, WalFormat.PageSize + 20),
                        _ => random.Next(600),
                    }];
                    if (spansPages || random.Next(2) == 0)
                    {
                        random.NextBytes(record);
                    }

                    // One without content is none.
                    writer.Add(record);
                    if (record.Length > 0)
                    {
                        records.Add(record);
                    }

                    if (random.Next(3) == 0)
                    {
                        writer.Write();
                    }
                }
            }

            var log = WalDirectory.List(folder["wal"]);
            Assert.True(log.Segments.Count > 3);
            Assert.All(log.Segments, s => Assert.Equal(0, new FileInfo(s.Path).Length % WalFormat.PageSize));
            Assert.Equal(records, ReadAll(folder["wal"]));
        });
    }

    [Fact]
    public void Log_cut_at_any_byte_gives_the_whole_records_before_the_cut()
    {
        using var folder = new TempDir();
        var ends = new List<long>();
        var records = new List<byte[]>();
        using (var writer = new WalWriter(DiskFiles.Instance, folder["wal"], 0, 4 * WalFormat.PageSize, true))
        {
            for (var i = 0; i < 6; i++)
            {
                var record = new byte[i == 3 ? WalFormat.PageSize : 40 + i];
                new Random(i).NextBytes(record);
                records.Add(record);
                writer.Add(record);
                writer.Write();
                ends.Add(writer.BytesWritten);
            }
        }

        var whole = File.ReadAllBytes(folder["wal/00000000"]);
        var cuts = Enumerable.Range(0, 150).Concat(Enumerable.Range(WalFormat.PageSize - 50, 100)).Concat(Enumerable.Range((int)ends[^1] - 100, 101));
        foreach (var cut in cuts)
        {
            File.WriteAllBytes(folder["wal/00000000"], whole[..cut]);
            var want = ends.Count(e => e <= cut);
            using (var reader = new WalSegmentReader(folder["wal/00000000"]))
            {
                for (var i = 0; i < want; i++)
                {
                    Assert.True(reader.Next(out var record), $"cut {cut}, record {i}: {reader.Error}");
                    Assert.Equal(records[i], record.ToArray());
                }

                Assert.False(reader.Next(out _));
                var isClean = cut == 0 || ends.Contains(cut);
                if (!isClean && reader.Error is null)
                {
                    // Only a cut inside the zeros between two pages may look clean.
                    Assert.True(cut > WalFormat.PageSize - WalFormat.HeaderSize && cut <= WalFormat.PageSize, $"cut {cut}");
                }

                if (reader.Error is null)
                {
                    continue;
                }

                WalRepair.Cut(DiskFiles.Instance, folder["wal"], new NumberedFile(0, folder["wal/00000000"]), reader.GoodLength, reader.Error, NullLogger.Instance);
            }

            Assert.Equal(records.Take(want), ReadAll(folder["wal"]));
        }
    }

    [Fact]
    public void Damage_in_the_middle_moves_later_segments_aside()
    {
        using var folder = new TempDir();
        using (var writer = new WalWriter(DiskFiles.Instance, folder["wal"], 0, WalFormat.PageSize, false))
        {
            for (var i = 0; i < 3; i++)
            {
                writer.Add(new byte[] { 200, (byte)i });
                writer.Add(new byte[] { 201, (byte)i });
                writer.NextSegment();
            }
        }

        var bytes = File.ReadAllBytes(folder["wal/00000001"]);
        bytes[WalFormat.HeaderSize + 2 + WalFormat.HeaderSize]++;
        File.WriteAllBytes(folder["wal/00000001"], bytes);
        using (var reader = new WalSegmentReader(folder["wal/00000001"]))
        {
            Assert.True(reader.Next(out _));
            Assert.False(reader.Next(out _));
            Assert.Contains("checksum", reader.Error, StringComparison.Ordinal);
            WalRepair.Cut(DiskFiles.Instance, folder["wal"], new NumberedFile(1, reader.Path), reader.GoodLength, reader.Error!, NullLogger.Instance);
        }

        Assert.Equal([[200, 0], [201, 0], [200, 1]], ReadAll(folder["wal"]));
        Assert.Equal(["wal-00000001", "wal-00000002"], Directory.GetFiles(folder["quarantine"]).Select(Path.GetFileName).Order());
        Assert.Equal(2, WalDirectory.List(folder["wal"]).NextSegment);
    }

    [Fact]
    public void Missing_segment_is_an_error_that_names_it()
    {
        using var folder = new TempDir();
        Directory.CreateDirectory(folder["wal"]);
        File.WriteAllBytes(folder["wal/00000001"], []);
        File.WriteAllBytes(folder["wal/00000003"], []);
        var error = Assert.Throws<StorageException>(() => WalDirectory.List(folder["wal"]));
        Assert.Contains("segment 2 is missing", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Sample_record_keeps_references_and_times_that_go_down()
    {
        (ulong Ref, long T, double V)[] samples = [(1000, 5000, 1), (3, 4000, 2), (ulong.MaxValue / 3, -7, 3), (1001, long.MaxValue / 3, double.NaN)];
        var writer = new WalRecordWriter();
        writer.Start(WalRecordType.Samples);
        foreach (var (reference, t, v) in samples)
        {
            writer.Sample(reference, t, v);
        }

        var record = new SampleRecord(writer.Record);
        var read = new List<(ulong, long, double)>();
        while (record.Next())
        {
            read.Add((record.Reference, record.Timestamp, record.Value));
        }

        Assert.False(record.Failed);
        Assert.Equal(samples, read);
    }

    [Fact]
    public void Histogram_record_comes_back()
    {
        var histogram = new FloatHistogram
        {
            Schema = FloatHistogram.CustomBucketsSchema,
            Count = 7.5,
            Sum = 3,
            PositiveSpans = [new(0, 1), new(2, 2)],
            PositiveBuckets = [1, 2, 4.5],
            CustomValues = [0.1, 1, 10, 100],
            ResetHint = CounterResetHint.Gauge,
        };
        var writer = new WalRecordWriter();
        writer.Start(WalRecordType.CustomFloatHistograms);
        writer.Histogram(9, 1234, histogram);
        writer.Histogram(4, 1233, histogram);
        var record = new SampleRecord(writer.Record);
        Assert.True(record.Next());
        Assert.Equal((9UL, 1234L), (record.Reference, record.Timestamp));
        Assert.True(record.Next());
        Assert.Equal((4UL, 1233L), (record.Reference, record.Timestamp));
        var read = record.Histogram();
        Assert.Equal(histogram.PositiveSpans, read.PositiveSpans);
        Assert.Equal(histogram.PositiveBuckets, read.PositiveBuckets);
        Assert.Equal(histogram.CustomValues, read.CustomValues);
        Assert.Equal((7.5, 3, CounterResetHint.Gauge), (read.Count, read.Sum, read.ResetHint));
        Assert.False(record.Next());
        Assert.False(record.Failed);
    }

    [Fact]
    public void Checkpoint_keeps_wanted_series_new_samples_and_newest_metadata()
    {
        using var folder = new TempDir();
        var record = new WalRecordWriter();
        using (var writer = new WalWriter(DiskFiles.Instance, folder["wal"], 0, WalFormat.PageSize, true))
        {
            for (var i = 0; i < 3; i++)
            {
                record.Start(WalRecordType.Series);
                record.Series((ulong)(10 + i), LabelSet.Of(("__name__", "m" + i)));
                writer.Add(record.Record);
                record.Start(WalRecordType.Samples);
                record.Sample(10, i * 1000, i);
                record.Sample((ulong)(10 + i), (i * 1000) + 500, i);
                writer.Add(record.Record);
                record.Start(WalRecordType.Metadata);
                record.Metadata(10, 1, "s"u8, System.Text.Encoding.UTF8.GetBytes("help " + i));
                writer.Add(record.Record);
                writer.NextSegment();
            }
        }

        var checkpoints = new CheckpointWriter(DiskFiles.Instance, folder["wal"], WalFormat.PageSize, true);
        checkpoints.Replace(WalDirectory.List(folder["wal"]), 1, 1000, r => r != 11, CancellationToken.None);
        var log = WalDirectory.List(folder["wal"]);
        Assert.Equal(1, log.CheckpointNumber);
        Assert.Equal([2, 3], log.Segments.Select(s => s.Number));
        Assert.Empty(log.Obsolete);
        var text = new List<string>();
        foreach (var bytes in ReadAll(log.Checkpoint!))
        {
            switch ((WalRecordType)bytes[0])
            {
                case WalRecordType.Series:
                    var series = new SeriesRecord(bytes);
                    while (series.Next())
                    {
                        text.Add($"series {series.Reference} {LabelSet.FromEncoded(series.EncodedLabels)}");
                    }

                    break;
                case WalRecordType.Samples:
                    var samples = new SampleRecord(bytes);
                    while (samples.Next())
                    {
                        text.Add($"sample {samples.Reference} {samples.Timestamp} {samples.Value}");
                    }

                    break;
                default:
                    var metadata = new MetadataRecord(bytes);
                    Assert.True(metadata.Next());
                    text.Add($"metadata {metadata.Reference} {System.Text.Encoding.UTF8.GetString(metadata.Help)}");
                    break;
            }
        }

        Assert.Equal(["series 10 {__name__=\"m0\"}", "sample 10 1000 1", "sample 11 1500 1", "metadata 10 help 1"], text);
    }

    [Fact]
    public void Damaged_records_never_crash()
    {
        SeededRandom.Run(random =>
        {
            var writer = new WalRecordWriter();
            for (var i = 0; i < 200_000; i++)
            {
                var type = (WalRecordType)random.Next(1, 14);
                writer.Start(type);
                switch (type)
                {
                    case WalRecordType.Series:
                        writer.Series(1, LabelSet.Of(("a", "b"), ("c", "d")));
                        break;
                    case WalRecordType.Metadata:
                        writer.Metadata(1, 1, "u"u8, "h"u8);
                        break;
                    case WalRecordType.Exemplars:
                        writer.Exemplar(1, new Exemplar(LabelSet.Of(("trace", "x")), 1, 2));
                        break;
                    case WalRecordType.Tombstones:
                        writer.Tombstone(1, 2, 3);
                        break;
                    case WalRecordType.Samples:
                        writer.Sample(1, 2, 3);
                        break;
                    default:
                        writer.Histogram(1, 2, new FloatHistogram { PositiveSpans = [new(1, 2)], PositiveBuckets = [1, 2] });
                        break;
                }

                var damaged = writer.Record[..random.Next(1, writer.Length + 1)].ToArray();
                for (var n = random.Next(3); n >= 0; n--)
                {
                    var at = random.Next(damaged.Length);
                    damaged[at] = at == 0 ? (byte)type : (byte)random.Next(256);
                }

                Walk(damaged);
            }
        });
    }

    internal static List<byte[]> ReadAll(string directory)
    {
        var records = new List<byte[]>();
        foreach (var segment in DataFiles.Numbered(directory))
        {
            using var reader = new WalSegmentReader(segment.Path);
            while (reader.Next(out var record))
            {
                records.Add(record.ToArray());
            }

            Assert.Null(reader.Error);
        }

        return records;
    }

    private static void Walk(byte[] record)
    {
        switch ((WalRecordType)record[0])
        {
            case WalRecordType.Series:
                var series = new SeriesRecord(record);
                while (series.Next())
                {
                    LabelSet.FromEncoded(series.EncodedLabels);
                }

                break;
            case WalRecordType.Metadata:
                var metadata = new MetadataRecord(record);
                while (metadata.Next())
                {
                }

                break;
            case WalRecordType.Tombstones:
                var tombstones = new TombstoneRecord(record);
                while (tombstones.Next())
                {
                }

                break;
            case WalRecordType.MmapMarkers:
                var markers = new MmapMarkerRecord(record);
                while (markers.Next())
                {
                }

                break;
            default:
                var samples = new SampleRecord(record);
                while (samples.Next())
                {
                    if (record[0] >= (byte)WalRecordType.Histograms)
                    {
                        samples.Histogram();
                    }
                }

                break;
        }
    }
}
