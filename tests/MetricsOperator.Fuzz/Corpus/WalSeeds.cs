using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Tests.Encoders;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Fuzz.Corpus;

/// <summary>Valid log records and segments.</summary>
internal static class WalSeeds
{
    private const long Start = 1_600_000_000_000;

    public static IReadOnlyList<byte[]> Records()
    {
        var records = new List<byte[]>();
        var writer = new WalRecordWriter();
        Add(WalRecordType.Series, w =>
        {
            w.Series(1, LabelSet.Of(("__name__", "up"), ("job", "a")));
            w.Series(2, LabelSet.Of(("__name__", "http_requests_total"), ("code", "200"), ("instance", "localhost:9090"), ("job", "b")));
            w.Series(ulong.MaxValue, LabelSet.Of(("é", new string('x', 200))));
        });
        Add(WalRecordType.Samples, w =>
        {
            w.Sample(1, Start, 1.5);
            w.Sample(2, Start, double.NaN);
            w.Sample(1, Start + 15_000, double.NegativeInfinity);
        });
        Add(WalRecordType.Tombstones, w =>
        {
            w.Tombstone(1, Start, Start + 1000);
            w.Tombstone(2, long.MinValue, long.MaxValue);
        });
        Add(WalRecordType.Exemplars, w =>
        {
            w.Exemplar(1, new Exemplar(LabelSet.Of(("trace_id", "abc")), 0.5, Start));
            w.Exemplar(2, new Exemplar(LabelSet.Empty, 1, Start));
        });
        Add(WalRecordType.MmapMarkers, w =>
        {
            w.MmapMarker(1, 0x100000008);
            w.MmapMarker(2, 0x100000100);
        });
        Add(WalRecordType.Metadata, w =>
        {
            w.Metadata(1, 1, "seconds"u8, "How long it takes."u8);
            w.Metadata(300, 7, default, default);
        });
        Add(WalRecordType.FloatHistograms, w =>
        {
            foreach (var histogram in Histograms.All().Where(h => !h.UsesCustomBuckets))
            {
                w.Histogram(1, Start, histogram);
            }
        });
        Add(WalRecordType.CustomFloatHistograms, w =>
        {
            foreach (var histogram in Histograms.All())
            {
                w.Histogram(1, Start, histogram);
            }
        });
        records.Add(IntegerHistograms(WalRecordType.Histograms, schema: 3));
        records.Add(IntegerHistograms(WalRecordType.CustomHistograms, schema: -53));
        records.Add([]);
        var random = new Random(1);
        foreach (var (type, isFloat) in new[] { (12, false), (13, true), (7, false), (8, true), (9, false), (10, true) })
        {
            var layout = RawHistogram.RandomLayout(random);
            var samples = Enumerable.Range(0, 3)
                .Select(i => new RawSample((ulong)(1 + (i % 2)), Start + (i * 1000), Start - (i / 2 * 100), 0, RawHistogram.Random(random, isFloat, layout)))
                .ToArray();
            records.Add(type > 10 ? RecordEncoder.Version2(type, samples) : RecordEncoder.Version1(type, samples));
        }

        records.Add(RecordEncoder.Version2(11, [new(1, Start, 0, 1.5), new(2, Start + 5, Start - 100, 2), new(2, Start + 10, Start - 100, 3)]));

        // Some records of every kind that Prometheus wrote.
        var perType = new int[256];
        foreach (var segment in Fixtures.Files("wal").Concat(Fixtures.Files("wbl")).Concat(Fixtures.Files("checkpoint.00000001")))
        {
            using var reader = new WalSegmentReader("fixture", segment);
            while (reader.Next(out var record))
            {
                if (!record.IsEmpty && record.Length <= 512 && perType[record[0]]++ < 6)
                {
                    records.Add(record.ToArray());
                }
            }
        }

        return records;

        void Add(WalRecordType type, Action<WalRecordWriter> fill)
        {
            writer.Start(type);
            fill(writer);
            records.Add(writer.Record.ToArray());
        }
    }

    public static IReadOnlyList<byte[]> Segments()
    {
        var records = Records();
        var segments = new List<byte[]>();
        using var folder = new TempDir();
        foreach (var compress in new[] { false, true })
        {
            // Small ones without padding, and one with a record that spans pages.
            for (var i = 0; i < records.Count; i += 4)
            {
                segments.Add(Segment(records.Skip(i).Take(4).Where(r => r.Length < 600).ToList(), compress, padded: i == 0));
            }

            var large = new byte[WalFormat.PageSize + 500];
            new Random(1).NextBytes(large);
            segments.Add(Segment([records[0], large, records[1]], compress, padded: false));
        }

        using var compressor = new ZstdSharp.Compressor(3);
        for (var i = 0; i < records.Count; i += 4)
        {
            segments.Add(FileEncoder.Segment(records.Skip(i).Take(4).Where(r => r.Length < 600), WalFormat.Zstd, r => compressor.Wrap(r).ToArray()));
        }

        return segments;

        byte[] Segment(IReadOnlyList<byte[]> content, bool compress, bool padded)
        {
            var name = Guid.NewGuid().ToString("N");
            long written;
            using (var writer = new WalWriter(DiskFiles.Instance, folder[name], 0, 8 * WalFormat.PageSize, compress))
            {
                foreach (var record in content)
                {
                    writer.Add(record);
                }

                writer.Write();
                written = writer.BytesWritten;
            }

            var bytes = File.ReadAllBytes(folder[Path.Combine(name, WalFormat.SegmentName(0))]);
            return padded ? bytes : bytes[..(int)written];
        }
    }

    private static byte[] IntegerHistograms(WalRecordType type, int schema)
    {
        var writer = new ByteWriter();
        writer.U8((byte)type);
        writer.Be64(7);
        writer.BeI64(Start);
        for (var i = 0; i < 2; i++)
        {
            writer.Varint(i);
            writer.Varint(i * 15_000);
            writer.U8((byte)i);
            writer.Varint(schema);
            writer.F64(0.001);
            writer.Uvarint(3);
            writer.Uvarint(20);
            writer.F64(12.5);
            writer.Uvarint(2);
            writer.Varint(0);
            writer.Uvarint(2);
            writer.Varint(3);
            writer.Uvarint(1);
            writer.Uvarint(1);
            writer.Varint(-1);
            writer.Uvarint(1);
            writer.Uvarint(3);
            writer.Varint(4);
            writer.Varint(-2);
            writer.Varint(5);
            writer.Uvarint(1);
            writer.Varint(6);
            if (schema == -53)
            {
                writer.Uvarint(2);
                writer.F64(1);
                writer.F64(2);
            }
        }

        return writer.Written.ToArray();
    }
}
