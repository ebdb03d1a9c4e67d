using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Samples;
using MetricsOperator.Tsdb.Chunks;

namespace MetricsOperator.Tsdb.Tests.Chunks;

public sealed class HistogramChunkTests
{
    [Fact]
    public void Growing_counter_stays_in_one_chunk()
    {
        var samples = Enumerable.Range(1, 50).Select(i => Sample(i, [new(0, 2), new(3, 1)], [i, 2.0 * i, 0.5 * i])).ToArray();
        var (chunks, read) = WriteAndRead(samples);
        Assert.Equal(1, chunks);
        Check(samples, read);
        Assert.Equal(CounterResetHint.Unknown, read[0].ResetHint);
        Assert.All(read.Skip(1), h => Assert.Equal(CounterResetHint.NotReset, h.ResetHint));
    }

    [Fact]
    public void New_buckets_rewrite_the_chunk_with_zeros()
    {
        var (chunks, read) = WriteAndRead([Sample(1, [new(2, 1)], [1]), Sample(2, [new(0, 1), new(1, 2)], [1, 2, 3])]);
        Assert.Equal(1, chunks);
        Assert.Equal([0, 1, 0], read[0].PositiveBuckets);
        Assert.Equal([1, 2, 3], read[1].PositiveBuckets);
        Assert.Equal(read[1].PositiveSpans, read[0].PositiveSpans);
    }

    [Fact]
    public void Smaller_bucket_is_a_counter_reset_and_starts_a_chunk()
    {
        var (chunks, read) = WriteAndRead([Sample(5, [new(0, 2)], [3, 2]), Sample(6, [new(0, 2)], [2, 4])]);
        Assert.Equal(2, chunks);
        Assert.Equal(CounterResetHint.Reset, read[1].ResetHint);
    }

    [Fact]
    public void Gauge_may_go_down_and_keeps_its_hint()
    {
        var samples = new[] { Sample(5, [new(0, 2)], [3, 2]), Sample(2, [new(0, 2)], [1, 1]) };
        foreach (var sample in samples)
        {
            sample.ResetHint = CounterResetHint.Gauge;
        }

        var (chunks, read) = WriteAndRead(samples);
        Assert.Equal(1, chunks);
        Assert.All(read, h => Assert.Equal(CounterResetHint.Gauge, h.ResetHint));
    }

    [Fact]
    public void Stale_sample_has_no_buckets_and_ends_the_chunk()
    {
        var (chunks, read) = WriteAndRead([Sample(5, [new(0, 2)], [3, 2]), new FloatHistogram { Sum = StaleMarker.Value }, Sample(6, [new(0, 2)], [3, 3])]);
        Assert.Equal(2, chunks);
        Assert.True(StaleMarker.IsStale(read[1].Sum));
        Assert.Empty(read[1].PositiveBuckets);
        Assert.Equal([3, 3], read[2].PositiveBuckets);
    }

    [Fact]
    public void Custom_bounds_come_back()
    {
        double[] bounds = [0.005, 0.1, 1, 2.5, 10, 33554.431, 1e30, Math.PI];
        var sample = Sample(9, [new(0, 9)], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        sample.Schema = FloatHistogram.CustomBucketsSchema;
        sample.CustomValues = bounds;
        var (_, read) = WriteAndRead([sample]);
        Assert.Equal(bounds, read[0].CustomValues);
        Assert.Equal(sample.PositiveBuckets, read[0].PositiveBuckets);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2.938735877055719e-39)]
    [InlineData(0.001)]
    [InlineData(1024)]
    [InlineData(2048)]
    [InlineData(7.066992e-74)]
    public void Zero_threshold_comes_back(double threshold)
    {
        var sample = Sample(1, [], []);
        sample.ZeroThreshold = threshold;
        var (_, read) = WriteAndRead([sample]);
        Assert.Equal(threshold, read[0].ZeroThreshold);
    }

    [Fact]
    public void Damaged_chunks_never_crash()
    {
        SeededRandom.Run(random =>
        {
            var writer = FloatHistogramChunkWriter.Start(0, Sample(1, [new(0, 2), new(3, 1)], [1, 2, 3]), false);
            for (var i = 2; i < 30; i++)
            {
                Assert.True(writer.TryAppend(i * 15_000, Sample(i, [new(0, 2), new(3, 1)], [i, 2 * i, 3 * i]), out _));
            }

            var chunk = writer.Bytes.ToArray();
            for (var i = 0; i < 20_000; i++)
            {
                var damaged = chunk.AsSpan(0, random.Next(3, chunk.Length + 1)).ToArray();
                for (var n = random.Next(4); n >= 0; n--)
                {
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                }

                var encoding = random.Next(2) == 0 ? ChunkEncoding.Histogram : ChunkEncoding.FloatHistogram;
                var reader = HistogramChunkReader.Open(damaged, encoding, 40);
                for (var n = 0; n < 40 && reader?.Read(damaged, out _) is not null; n++)
                {
                }
            }
        });
    }

    private static FloatHistogram Sample(double count, BucketSpan[] spans, double[] buckets) => new()
    {
        Schema = 1,
        ZeroThreshold = 0.001,
        ZeroCount = count / 2,
        Count = count,
        Sum = count * 3.3,
        PositiveSpans = spans,
        PositiveBuckets = buckets,
    };

    private static void Check(FloatHistogram[] want, List<FloatHistogram> got)
    {
        Assert.Equal(want.Length, got.Count);
        for (var i = 0; i < want.Length; i++)
        {
            Assert.Equal(want[i].Count, got[i].Count);
            Assert.Equal(want[i].ZeroCount, got[i].ZeroCount);
            Assert.Equal(want[i].Sum, got[i].Sum);
            Assert.Equal(want[i].PositiveSpans, got[i].PositiveSpans);
            Assert.Equal(want[i].PositiveBuckets, got[i].PositiveBuckets);
        }
    }

    private static (int Chunks, List<FloatHistogram> Read) WriteAndRead(FloatHistogram[] samples)
    {
        var read = new List<FloatHistogram>();
        FloatHistogramChunkWriter? writer = null;
        var chunks = 0;
        long t = 1_700_000_000_000;
        foreach (var sample in samples)
        {
            t += 15_000;
            var isReset = false;
            if (writer is null || !writer.TryAppend(t, sample, out isReset))
            {
                Flush();
                writer = FloatHistogramChunkWriter.Start(t, sample, isReset);
                chunks++;
            }
        }

        Flush();
        return (chunks, read);

        void Flush()
        {
            if (writer is null)
            {
                return;
            }

            var bytes = writer.Bytes.ToArray();
            var reader = HistogramChunkReader.Open(bytes, ChunkEncoding.FloatHistogram, ChunkEncoding.Xor.SamplesOf(bytes))!;
            while (reader.Remaining > 0)
            {
                read.Add(reader.Read(bytes, out _)!);
            }
        }
    }
}
