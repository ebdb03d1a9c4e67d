using MetricsOperator.TestKit;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Tests.Wal;

public sealed class SnappyTests
{
    [Fact]
    public void Random_data_comes_back_and_repetitive_data_shrinks()
    {
        SeededRandom.Run(random =>
        {
            var encoder = new SnappyEncoder();
            var encoded = new ByteWriter();
            var decoded = new ByteWriter();
            for (var run = 0; run < 300; run++)
            {
                var data = new byte[random.Next(run % 10 == 0 ? 200_000 : 300)];
                var alphabet = random.Next(1, 256);
                for (var i = 0; i < data.Length; i++)
                {
                    data[i] = i > 40 && random.Next(4) != 0 ? data[i - random.Next(1, 40)] : (byte)random.Next(alphabet);
                }

                encoded.Clear();
                encoder.Encode(data, encoded);
                Assert.True(SnappyDecoder.Decode(encoded.Written, decoded, int.MaxValue));
                Assert.True(decoded.Written.SequenceEqual(data));
            }

            encoded.Clear();
            encoder.Encode(new byte[100_000], encoded);
            Assert.InRange(encoded.Length, 1, 6000);
        });
    }

    [Fact]
    public void Independent_decoder_reads_what_we_encode()
    {
        SeededRandom.Run(random =>
        {
            var data = new byte[70_000];
            for (var i = 0; i < data.Length; i++)
            {
                data[i] = (byte)(i % 100 < 60 ? i % 7 : random.Next(256));
            }

            var encoded = new ByteWriter();
            new SnappyEncoder().Encode(data, encoded);
            Assert.Equal(data, IronSnappy.Snappy.Decode(encoded.Written));
            var theirs = IronSnappy.Snappy.Encode(data);
            var decoded = new ByteWriter();
            Assert.True(SnappyDecoder.Decode(theirs, decoded, int.MaxValue));
            Assert.True(decoded.Written.SequenceEqual(data));
        });
    }

    [Fact]
    public void Damaged_blocks_are_refused_or_decoded_but_never_crash()
    {
        SeededRandom.Run(random =>
        {
            var encoded = new ByteWriter();
            new SnappyEncoder().Encode(Enumerable.Range(0, 500).Select(i => (byte)(i % 13)).ToArray(), encoded);
            var decoded = new ByteWriter();
            for (var i = 0; i < 100_000; i++)
            {
                var damaged = encoded.Written[..random.Next(encoded.Length + 1)].ToArray();
                for (var n = random.Next(3); n >= 0 && damaged.Length > 0; n--)
                {
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
                }

                SnappyDecoder.Decode(damaged, decoded, 1 << 20);
            }
        });
    }
}
