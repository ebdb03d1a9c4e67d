using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Samples;
using MetricsOperator.Tsdb.Tests.Encoders;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Tests.Wal;

/// <summary>Records of samples: what an encoder made from the description of the formats writes, our readers give back.</summary>
public sealed class SampleRecordTests
{
    [Fact]
    public void Record_with_start_timestamps_has_the_bytes_of_the_description()
    {
        // Type; ref 5, time 1000, start -1; 1.0. Then ref + 2, time + 15, 1: the same start. Then ref - 7, time - 1000, 2: start + 3. Then no start.
        var want = Convert.FromHexString(
            "0B" + "0A" + "D00F" + "01" + "3FF0000000000000"
            + "04" + "1E" + "01" + "3FF0000000000000"
            + "0D" + "CF0F" + "0206" + "3FF0000000000000"
            + "00" + "00" + "00" + "3FF0000000000000");
        RawSample[] samples = [new(5, 1000, -1, 1), new(7, 1015, -1, 1), new(0, 0, 2, 1), new(0, 1000, 0, 1)];
        Assert.Equal(Convert.ToHexString(want), Convert.ToHexString(RecordEncoder.Version2(11, samples)));
        Check(samples, want, SampleKind.Float);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void Random_records_come_back(int type)
    {
        SeededRandom.Run(random =>
        {
            for (var run = 0; run < 300; run++)
            {
                var samples = RandomSamples(random, random.Next(0, 40), type);
                var record = type >= 11 ? RecordEncoder.Version2(type, samples) : RecordEncoder.Version1(type, samples);
                Check(samples, record, type is 2 or 11 ? SampleKind.Float : SampleKind.Histogram);
            }
        });
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void Base_may_belong_to_a_sample_of_another_record(int type)
    {
        SeededRandom.Run(random =>
        {
            var samples = RandomSamples(random, 5, type);
            Check(samples, RecordEncoder.Version1(type, samples, baseSample: new RawSample(77, -12345, 0, 0)), SampleKind.Histogram);
        });
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void Custom_histograms_without_bounds_are_dropped_and_the_others_kept(int type)
    {
        SeededRandom.Run(random =>
        {
            for (var run = 0; run < 2000; run++)
            {
                var samples = RandomSamples(random, random.Next(1, 10), type, anySchema: true);
                var record = RecordEncoder.Version1(type, samples, withBounds: false);
                Check(samples.Where(s => !s.H!.IsCustom).ToArray(), record, SampleKind.Histogram);
            }
        });
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void Custom_histograms_with_bounds_are_kept_in_the_types_for_others_too(int type)
    {
        SeededRandom.Run(random =>
        {
            for (var run = 0; run < 300; run++)
            {
                var samples = RandomSamples(random, random.Next(1, 10), type, anySchema: true);
                Check(samples, RecordEncoder.Version1(type, samples), SampleKind.Histogram);
            }
        });
    }

    [Fact]
    public void Record_that_ends_inside_a_sample_has_failed()
    {
        SeededRandom.Run(random =>
        {
            foreach (var type in new[] { 2, 8, 9, 10, 11, 12, 13 })
            {
                var samples = RandomSamples(random, 1, type);
                var record = type >= 11 ? RecordEncoder.Version2(type, samples) : RecordEncoder.Version1(type, samples);
                for (var length = 2; length < record.Length; length++)
                {
                    if (length == 17 && type < 11)
                    {
                        // A base without samples is complete.
                        continue;
                    }

                    var cut = new SampleRecord(record.AsSpan(0, length));
                    while (cut.Next())
                    {
                    }

                    // Custom histograms without bounds are no failure; a cut one looks like that.
                    Assert.True(cut.Failed || (type is 7 or 8 && samples[0].H!.IsCustom), $"type {type}, {length} of {record.Length} bytes");
                }
            }
        });
    }

    [Fact]
    public void Unknown_fields_of_metadata_are_skipped()
    {
        byte[] entry = RecordEncoder.Metadata(300, 2, ("COLOR", "red"), ("HELP", "text"), ("", ""), ("UNIT", "s"));
        byte[] record = [.. entry, .. entry[1..]];
        var metadata = new MetadataRecord(record);
        for (var i = 0; i < 2; i++)
        {
            Assert.True(metadata.Next());
            Assert.Equal((300UL, (byte)2), (metadata.Reference, metadata.Type));
            Assert.True(metadata.Unit.SequenceEqual("s"u8));
            Assert.True(metadata.Help.SequenceEqual("text"u8));
        }

        Assert.False(metadata.Next());
        Assert.False(metadata.Failed);
    }

    [Fact]
    public void Markers_come_back()
    {
        var record = new MmapMarkerRecord(RecordEncoder.Markers((7, 0), (8, (3UL << 32) | 9)));
        Assert.True(record.Next());
        Assert.Equal((7UL, 0UL), (record.Reference, record.DiskRef));
        Assert.True(record.Next());
        Assert.Equal((8UL, (3UL << 32) | 9), (record.Reference, record.DiskRef));
        Assert.False(record.Next());
        Assert.False(record.Failed);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void Record_of_a_type_byte_only_is_empty(byte type)
    {
        var record = new SampleRecord([type]);
        Assert.False(record.Next());
        Assert.False(record.Failed);
    }

    internal static RawSample[] RandomSamples(Random random, int count, int type, bool anySchema = false)
    {
        var start = 0L;
        return Enumerable.Range(0, count).Select(i =>
        {
            start = random.Next(3) switch { 0 => 0, 1 => start, _ => random.NextInt64(-(1L << 40), 1L << 40) };
            var reference = random.Next(10) == 0 ? (ulong)random.NextInt64() : (ulong)random.Next(1000);
            var time = random.Next(10) == 0 ? random.NextInt64(long.MinValue / 2, long.MaxValue / 2) : random.Next(1_000_000);
            return type is 2 or 11
                ? new RawSample(reference, time, start, random.Next(5) == 0 ? StaleMarker.Value : random.NextDouble())
                : new RawSample(reference, time, start, 0, RandomHistogram(random, type, anySchema));
        }).ToArray();
    }

    private static RawHistogram RandomHistogram(Random random, int type, bool anySchema)
    {
        var isFloat = type is 8 or 10 or 13;
        if (random.Next(8) == 0 && type is not (9 or 10))
        {
            return RawHistogram.Stale(isFloat);
        }

        while (true)
        {
            var histogram = RawHistogram.Random(random, isFloat);
            if (anySchema || type >= 12 || histogram.IsCustom == type is 9 or 10)
            {
                return histogram;
            }
        }
    }

    private static void Check(RawSample[] want, byte[] bytes, SampleKind kind)
    {
        Assert.Equal(kind, SampleRecord.KindOf(bytes));
        var record = new SampleRecord(bytes);
        foreach (var sample in want)
        {
            Assert.True(record.Next(), $"record failed: {record.Failed}");
            Assert.Equal((sample.Ref, sample.T), (record.Reference, record.Timestamp));
            if (sample.H is null)
            {
                Assert.Equal(BitConverter.DoubleToUInt64Bits(sample.V), BitConverter.DoubleToUInt64Bits(record.Value));
            }
            else
            {
                Assert.Equal(sample.H.IsCustom, record.IsCustom);
                var histogram = record.Histogram();
                sample.H.AssertSame(histogram);
                Assert.Equal(sample.H.Hint, (int)histogram.ResetHint);
                Assert.True(sample.H.IsStale || HistogramPayload.IsConsistent(histogram));
            }
        }

        Assert.False(record.Next());
        Assert.False(record.Failed);
    }
}
