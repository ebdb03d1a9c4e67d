using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.Samples;
using MetricsOperator.Tsdb.Chunks;

namespace MetricsOperator.Tsdb.Tests.Chunks;

public sealed class XorChunkTests
{
    [Fact]
    public void Chunk_of_three_samples_has_the_bytes_of_Prometheus()
    {
        // Worked out by hand: count 3; t0 varint(1000), bits of 1.0; delta uvarint(1000), "0" same value; "0" dod 0, "11" leading 1, 11 bits, ones.
        var chunk = Write([(1000, 1.0), (2000, 1.0), (3000, 2.0)]);
        Assert.Equal("0003D00F3FF0000000000000E8073097FFC0", Convert.ToHexString(chunk));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(-8192)]
    [InlineData(-8191)]
    [InlineData(-8190)]
    [InlineData(8191)]
    [InlineData(8192)]
    [InlineData(8193)]
    [InlineData(-65536)]
    [InlineData(-65535)]
    [InlineData(-65534)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(-524288)]
    [InlineData(-524287)]
    [InlineData(-524286)]
    [InlineData(524287)]
    [InlineData(524288)]
    [InlineData(524289)]
    [InlineData(long.MaxValue / 4)]
    public void Delta_of_delta_at_a_boundary_comes_back(long dod)
    {
        var delta = 1_000_000L;
        CheckRoundTrip([(-5, 1), (-5 + delta, 2), (-5 + delta + delta + dod, 3), (-5 + delta + (2 * (delta + dod)), 3)]);
    }

    [Fact]
    public void Special_values_keep_their_bits()
    {
        double[] values =
        [
            0, -0.0, 1, double.NaN, StaleMarker.Value, StaleMarker.NormalNaN, double.PositiveInfinity, double.NegativeInfinity, double.Epsilon,
            double.MaxValue, StaleMarker.Value, StaleMarker.Value, BitConverter.UInt64BitsToDouble(1), BitConverter.UInt64BitsToDouble(ulong.MaxValue),
        ];
        CheckRoundTrip(values.Select((v, i) => (i * 15_000L, v)).ToArray());
    }

    [Fact]
    public void Random_series_come_back()
    {
        SeededRandom.Run(random =>
        {
            for (var run = 0; run < 400; run++)
            {
                var t = random.NextInt64(-1_000_000_000_000, 2_000_000_000_000);
                var v = random.NextDouble();
                var kind = random.Next(4);
                var samples = new (long, double)[random.Next(1, 241)];
                for (var i = 0; i < samples.Length; i++)
                {
                    samples[i] = (t, v);
                    t += kind == 0 ? 15_000 : random.NextInt64(1, 1L << random.Next(1, 40));
                    v = kind switch
                    {
                        0 => v + 1,
                        1 => BitConverter.Int64BitsToDouble(random.NextInt64(long.MinValue, long.MaxValue)),
                        2 => random.Next(3) == 0 ? v : random.Next(100),
                        _ => Math.Round(random.NextDouble() * 100, 2),
                    };
                }

                CheckRoundTrip(samples);
            }
        });
    }

    [Fact]
    public void Append_without_room_changes_nothing()
    {
        var chunk = new byte[64];
        var state = default(XorChunkState);
        long t = 0;
        while (XorChunkWriter.TryAppend(chunk, ref state, t, Math.Sqrt(t)))
        {
            t += 1013;
        }

        var before = chunk.ToArray();
        var count = state.Count;
        Assert.False(XorChunkWriter.TryAppend(chunk, ref state, t, Math.Sqrt(t)));
        Assert.Equal(before, chunk);
        Assert.Equal(count, state.Count);

        var larger = new byte[128];
        chunk.CopyTo(larger, 0);
        Assert.True(XorChunkWriter.TryAppend(larger, ref state, t, Math.Sqrt(t)));
        var read = Read(larger.AsSpan(0, state.ByteLength), 1000);
        Assert.Equal(count + 1, read.Count);
        Assert.Equal(t, read[^1].Item1);
    }

    [Fact]
    public void Reader_does_not_depend_on_the_batch_size()
    {
        var samples = Enumerable.Range(0, 240).Select(i => (i * 997L, Math.Sin(i))).ToArray();
        var chunk = Write(samples);
        foreach (var batch in new[] { 1, 2, 3, 7, 119, 240, 500 })
        {
            Assert.Equal(samples, Read(chunk, batch));
        }
    }

    [Fact]
    public void Cut_chunks_are_refused_wherever_they_end()
    {
        SeededRandom.Run(random =>
        {
            for (var run = 0; run < 50; run++)
            {
                var t = 1_700_000_000_000L;
                var v = 0.0;
                var samples = new (long, double)[random.Next(1, 60)];
                foreach (ref var sample in samples.AsSpan())
                {
                    sample = (t, v);
                    t += random.Next(3) == 0 ? random.NextInt64(1, 1L << random.Next(1, 40)) : 15_000;
                    v = random.Next(3) switch { 0 => v, 1 => random.Next(100), _ => random.NextDouble() };
                }

                var chunk = Write(samples);
                for (var length = 2; length < chunk.Length; length++)
                {
                    // What follows in memory must not be read either.
                    var reader = new XorChunkReader(samples.Length);
                    Assert.Equal(-1, reader.Read(chunk.AsSpan(0, length), new long[samples.Length], new double[samples.Length]));
                }
            }
        });
    }

    [Fact]
    public void Decoding_allocates_nothing()
    {
        var chunk = Write(Enumerable.Range(0, 120).Select(i => (i * 15_000L, (double)i)).ToArray());
        var timestamps = new long[120];
        var values = new double[120];
        AllocationAssert.AtMost(0, () =>
        {
            var reader = new XorChunkReader(120);
            Assert.True(reader.Read(chunk, timestamps, values) == 120);
        });
    }

    [Fact]
    public void Damaged_chunks_end_in_an_error_or_wrong_samples_but_never_in_a_crash()
    {
        SeededRandom.Run(random =>
        {
            var chunk = Write(Enumerable.Range(0, 120).Select(i => (i * 15_000L, i * 1.7)).ToArray());
            var timestamps = new long[300];
            var values = new double[300];
            for (var i = 0; i < 100_000; i++)
            {
                var damaged = chunk.AsSpan(0, random.Next(2, chunk.Length + 1)).ToArray();
                for (var n = random.Next(4); n >= 0; n--)
                {
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                }

                var reader = new XorChunkReader(ChunkEncoding.Xor.SamplesOf(damaged));
                Assert.InRange(reader.Read(damaged, timestamps, values), -1, 300);
            }
        });
    }

    internal static byte[] Write((long T, double V)[] samples)
    {
        var buffer = new byte[samples.Length * 20 + 64];
        var state = default(XorChunkState);
        foreach (var (t, v) in samples)
        {
            Assert.True(XorChunkWriter.TryAppend(buffer, ref state, t, v));
        }

        return buffer[..state.ByteLength];
    }

    private static void CheckRoundTrip((long T, double V)[] samples)
    {
        var read = Read(Write(samples), 50);
        Assert.Equal(samples.Select(s => (s.T, BitConverter.DoubleToUInt64Bits(s.V))), read.Select(s => (s.Item1, BitConverter.DoubleToUInt64Bits(s.Item2))));
    }

    private static List<(long, double)> Read(ReadOnlySpan<byte> chunk, int batch)
    {
        var reader = new XorChunkReader(ChunkEncoding.Xor.SamplesOf(chunk));
        var timestamps = new long[batch];
        var values = new double[batch];
        var read = new List<(long, double)>();
        int count;
        while ((count = reader.Read(chunk, timestamps, values)) > 0)
        {
            for (var i = 0; i < count; i++)
            {
                read.Add((timestamps[i], values[i]));
            }
        }

        Assert.Equal(0, count);
        return read;
    }
}
