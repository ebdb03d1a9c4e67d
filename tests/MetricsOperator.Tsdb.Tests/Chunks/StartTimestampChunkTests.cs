using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Samples;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Tests.Encoders;

namespace MetricsOperator.Tsdb.Tests.Chunks;

/// <summary>Encodings 4 to 6: what an encoder made from the description of the formats writes, our readers give back.</summary>
public sealed class StartTimestampChunkTests
{
    /// <summary>Both sides of the border of every class, and classes of 64 bits.</summary>
    private static readonly long[] Dods =
    [
        0, 1, -1, 4094, 4095, 4096, -4095, -4096, -4097, 524286, 524287, 524288, -524287, -524288, -524289, 1L << 40, -(1L << 40),
        long.MaxValue / 8, -long.MaxValue / 8, 3, 4, 5, -3, -4, 31, 32, 33, -31, -32, 255, 256, 257, -255, -256, 2047, 2048, 2049, -2047, -2048,
        131071, 131072, 131073, -131071, -131072, 16777215, 16777216, 16777217, -16777215, -16777216,
        36028797018963967, 36028797018963968, 36028797018963969, -36028797018963967, -36028797018963968,
    ];

    [Fact]
    public void Xor2_chunk_has_the_bytes_of_the_description()
    {
        // Worked out by hand: count 4, start header 0x82 (first known, all from sample 2 on); varint 1000, bits of 1.0, varint 1000 - 400;
        // uvarint 1000, "0"; "11111" (stale), 12 bits of 2000 - 500; "10" "1", leading 1, 11 bits, ones, 9 bits of (3000 - 1300) - (2000 - 500).
        (long, long, double)[] samples = [(400, 1000, 1), (400, 2000, 1), (500, 3000, StaleMarker.Value), (1300, 4000, 2)];
        const string Bits = "0000000000000100" + "10000010"
            + "1101000000001111" + "0011111111110000000000000000000000000000000000000000000000000000" + "1011000000001001"
            + "1110100000000111" + "0"
            + "11111" + "11110" + "010111011100"
            + "10" + "1" + "00001" + "001011" + "11111111111" + "1110" + "011001000";
        var want = new BitString().Code(Bits).ToBytes();
        Assert.Equal(Convert.ToHexString(want), Convert.ToHexString(ChunkEncoder.Xor2(samples)));
        CheckXor2(samples, want, 10);
    }

    [Fact]
    public void Every_change_of_time_comes_back()
    {
        foreach (var dod in Dods)
        {
            foreach (var start in new[] { 0L, 7L })
            {
                var delta = 1_000_000L;
                (long, long, double)[] samples =
                    [(start, -5, 1), (start, -5 + delta, 2), (start, -5 + (2 * delta) + dod, 2), (start * 3, -5 + (3 * delta) + (2 * dod), 3)];
                CheckXor2(samples, ChunkEncoder.Xor2(samples), 3);
            }
        }
    }

    [Fact]
    public void Every_change_of_the_start_comes_back()
    {
        foreach (var change in Dods)
        {
            // The distance to the sample before is 10 + change, then changes by -change.
            (long, long, double)[] samples = [(1, 1000, 1), (1, 2000, 1), (2000 - 10 - change, 3000, 2), (3000 - 10, 4000, 2), (3990, 5000, 7)];
            CheckXor2(samples, ChunkEncoder.Xor2(samples), 2);
        }
    }

    [Fact]
    public void Random_float_chunks_come_back()
    {
        SeededRandom.Run(random =>
        {
            for (var run = 0; run < 400; run++)
            {
                var times = Times(random, random.Next(1, 300));
                var starts = StartsOf(random, times);
                var v = 0.0;
                var kind = random.Next(4);
                var samples = times.Select((t, i) =>
                {
                    v = kind switch
                    {
                        0 => v + 1,
                        1 => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)),
                        2 => random.Next(3) == 0 ? v : random.Next(100),
                        _ => Math.Round(random.NextDouble() * 100, 2),
                    };
                    return (starts[i], t, random.Next(10) == 0 ? StaleMarker.Value : v);
                }).ToArray();
                CheckXor2(samples, ChunkEncoder.Xor2(samples), random.Next(1, 130));
            }
        });
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(6)]
    public void Random_histogram_chunks_come_back(int encoding)
    {
        SeededRandom.Run(random =>
        {
            for (var run = 0; run < 150; run++)
            {
                var isFloat = encoding is 3 or 6;
                var layout = RawHistogram.RandomLayout(random);
                var times = Times(random, random.Next(1, 160));
                var starts = StartsOf(random, times);
                var stale = random.Next(3) == 0 ? random.Next(1, times.Length + 1) : times.Length;
                var first = RawHistogram.Random(random, isFloat, layout);
                var samples = times.Select((t, i) => (
                    starts[i],
                    t,
                    i >= stale ? WithoutBuckets(first) : i == 0 ? first : RawHistogram.Random(random, isFloat, layout))).ToArray();
                var flags = random.Next(4);
                CheckHistograms(samples, ChunkEncoder.Histograms(samples, flags, encoding >= 5), (ChunkEncoding)encoding, flags);
            }
        });
    }

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    public void Chunk_of_stale_histograms_only_has_no_layout(int encoding)
    {
        var stale = RawHistogram.Stale(encoding == 6);
        (long, long, RawHistogram)[] samples = [(3, 1000, stale), (3, 2000, stale), (4, 3500, stale)];
        CheckHistograms(samples, ChunkEncoder.Histograms(samples, 0, true), (ChunkEncoding)encoding, 0);
    }

    [Fact]
    public void Start_is_forced_at_sample_127()
    {
        foreach (var count in new[] { 127, 128, 129, 250 })
        {
            foreach (var start in new[] { 0L, 5L })
            {
                var samples = Enumerable.Range(0, count).Select(i => (start, 1000L * (i + 1), (double)i)).ToArray();
                var chunk = ChunkEncoder.Xor2(samples);
                Assert.Equal(count > 127 ? 127 : 0, chunk[2] & 0x7F);
                CheckXor2(samples, chunk, 100);
                var histograms = samples.Select(s => (s.start, s.Item2, new RawHistogram { Count = (ulong)s.Item3, Sum = s.Item3 })).ToArray();
                CheckHistograms(histograms, ChunkEncoder.Histograms(histograms, 1, true), ChunkEncoding.HistogramWithStarts, 1);
            }
        }
    }

    [Fact]
    public void Damaged_chunks_never_crash()
    {
        SeededRandom.Run(random =>
        {
            var times = Times(random, 140);
            var xor2 = ChunkEncoder.Xor2(times.Select((t, i) => (i % 5L, t, i * 1.7)).ToArray());
            var layout = RawHistogram.RandomLayout(random);
            var integers = ChunkEncoder.Histograms(times.Select((t, i) => (i % 5L, t, RawHistogram.Random(random, false, layout))).ToArray(), 2, true);
            var times150 = new long[150];
            var values = new double[150];
            for (var i = 0; i < 30_000; i++)
            {
                var chunk = i % 2 == 0 ? xor2 : integers;
                var damaged = chunk.AsSpan(0, random.Next(chunk.Length + 1)).ToArray();
                for (var n = random.Next(4); n >= 0 && damaged.Length > 0; n--)
                {
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                }

                if (i % 2 == 0)
                {
                    var floats = new FloatChunkReader(ChunkEncoding.Xor2, 150);
                    Assert.InRange(floats.Read(damaged, times150, values), -1, 150);
                    continue;
                }

                var encoding = i % 4 == 1 ? ChunkEncoding.HistogramWithStarts : ChunkEncoding.FloatHistogramWithStarts;
                var reader = HistogramChunkReader.Open(damaged, encoding, 150);
                for (var n = 0; n < 150 && reader?.Read(damaged, out _) is not null; n++)
                {
                }
            }
        });
    }

    [Fact]
    public void Decoding_allocates_nothing()
    {
        var chunk = ChunkEncoder.Xor2(Enumerable.Range(0, 120).Select(i => (i % 3L, i * 15_000L, (double)i)).ToArray());
        var timestamps = new long[120];
        var values = new double[120];
        AllocationAssert.AtMost(0, () =>
        {
            var reader = new FloatChunkReader(ChunkEncoding.Xor2, 120);
            Assert.True(reader.Read(chunk, timestamps, values) == 120);
        });
    }

    private static long[] Times(Random random, int count)
    {
        var times = new long[count];
        var delta = random.NextInt64(1, 100_000);
        var regular = random.Next(2) == 0;
        times[0] = random.NextInt64(-1_000_000_000_000, 2_000_000_000_000);
        for (var i = 1; i < count; i++)
        {
            delta = i == 1 || (regular && random.Next(20) > 0) ? delta : unchecked(delta + Dods[random.Next(Dods.Length)]);
            times[i] = unchecked(times[i - 1] + delta);
        }

        return times;
    }

    // None, one and the same, one that changes at some sample, or any.
    private static long[] StartsOf(Random random, long[] times)
    {
        var kind = random.Next(5);
        var at = random.Next(times.Length);
        return times.Select((t, i) => kind switch
        {
            0 => 0,
            1 => times[0] - 1000,
            2 => i < at ? 0 : times[at] - 50,
            3 => i < at ? times[0] - 7 : times[at],
            _ => random.Next(4) == 0 ? 0 : unchecked(t - Dods[random.Next(Dods.Length)]),
        }).ToArray();
    }

    private static RawHistogram WithoutBuckets(RawHistogram layout) => RawHistogram.Stale(layout.IsFloat);

    private static void CheckXor2((long St, long T, double V)[] samples, byte[] chunk, int batch)
    {
        var total = ChunkEncoding.Xor2.SamplesOf(chunk);
        Assert.Equal(samples.Length, total);
        var reader = new FloatChunkReader(ChunkEncoding.Xor2, total);
        var times = new long[batch];
        var values = new double[batch];
        var read = new List<(long, ulong)>();
        while (reader.Remaining > 0)
        {
            var count = reader.Read(chunk, times, values);
            Assert.True(count > 0);
            for (var i = 0; i < count; i++)
            {
                read.Add((times[i], BitConverter.DoubleToUInt64Bits(values[i])));
            }
        }

        Assert.Equal(samples.Select(s => (s.T, BitConverter.DoubleToUInt64Bits(s.V))), read);

        // Nothing but the padding of the last byte is left.
        Assert.Equal(-1, new FloatChunkReader(ChunkEncoding.Xor2, total).Read(chunk.AsSpan(0, chunk.Length - 1), new long[total], new double[total]));
    }

    private static void CheckHistograms((long St, long T, RawHistogram H)[] samples, byte[] chunk, ChunkEncoding encoding, int flags)
    {
        Assert.Equal(samples.Length, encoding.SamplesOf(chunk));
        var reader = HistogramChunkReader.Open(chunk, encoding, samples.Length);
        Assert.NotNull(reader);
        for (var i = 0; i < samples.Length; i++)
        {
            var got = reader.Read(chunk, out var time);
            Assert.NotNull(got);
            Assert.Equal(samples[i].T, time);
            samples[i].H.AssertSame(got);
            var hint = flags switch
            {
                3 => CounterResetHint.Gauge,
                _ when i > 0 => CounterResetHint.NotReset,
                2 => CounterResetHint.Reset,
                _ => CounterResetHint.Unknown,
            };
            Assert.Equal(hint, got.ResetHint);
        }
    }
}
