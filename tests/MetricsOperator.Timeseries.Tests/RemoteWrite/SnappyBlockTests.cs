using System.Text;
using MetricsOperator.TestKit;
using MetricsOperator.Timeseries.RemoteWrite;

namespace MetricsOperator.Timeseries.Tests.RemoteWrite;

public sealed class SnappyBlockTests
{
    [Fact]
    public void Blocks_of_the_format_description_are_decoded()
    {
        static void Check(byte[] block, string want)
        {
            Assert.True(SnappyBlock.TryDecode(block, 1 << 20, out var decoded, out var error), error);
            Assert.Equal(want, Encoding.ASCII.GetString(decoded));
        }

        Check([0], "");
        Check([3, 2 << 2, .. "abc"u8], "abc");
        Check([9, 2 << 2, .. "abc"u8, 0b000_010_01, 3], "abcabcabc");
        Check([5, 0, (byte)'x', 0b000_000_01, 1], "xxxxx");
        Check([8, 3 << 2, .. "abcd"u8, (3 << 2) | 2, 4, 0], "abcdabcd");
        Check([8, 3 << 2, .. "abcd"u8, (3 << 2) | 3, 4, 0, 0, 0], "abcdabcd");
        Check([70, 60 << 2, 69, .. Encoding.ASCII.GetBytes(new string('y', 70))], new string('y', 70));
    }

    [Fact]
    public void Encoded_data_is_decoded_to_what_it_was()
    {
        SeededRandom.Run(random =>
        {
            foreach (var size in new[] { 0, 1, 2, 63, 64, 65, 1000, 65_535, 65_536, 65_537, 300_000 })
            {
                var data = new byte[size];
                random.NextBytes(data);
                for (var i = random.Next(3) == 0 ? size : 64; i < size; i++)
                {
                    data[i] = random.Next(10) > 0 ? data[i - random.Next(1, 64)] : data[i];
                }

                Assert.True(SnappyBlock.TryDecode(SnappyBlock.Encode(data), size, out var decoded, out var error), error);
                Assert.Equal(data, decoded);
                Assert.True(SnappyBlock.TryDecodePooled(SnappyBlock.Encode(data), size, out var pooled, out var length, out error), error);
                Assert.Equal(data, pooled.AsSpan(0, length).ToArray());
            }
        });
    }

    [Fact]
    public void Broken_blocks_are_refused_with_a_reason()
    {
        static void Check(byte[] block, string want)
        {
            Assert.False(SnappyBlock.TryDecode(block, 1000, out _, out var error));
            Assert.Equal("cannot decode snappy: " + want, error);
        }

        Check([], "the block has no valid length");
        Check([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1], "the block has no valid length");
        Check([0xE9, 7, 0], "got a block of 1001 bytes, want at most 1000");
        Check([0xE8, 7, 0], "3 bytes cannot hold the 1000 that they announce");
        Check([4, 2 << 2, .. "abc"u8], "the block ends too early at byte 5");
        Check([2, 2 << 2, .. "abc"u8], "a literal does not fit at byte 2");
        Check([9, 2 << 2, .. "abc"u8, 0b000_010_01, 4], "a copy does not fit at byte 7");
        Check([9, 2 << 2, .. "abc"u8, 0b000_010_01, 0], "a copy does not fit at byte 7");
        Check([9, 2 << 2, .. "abc"u8, (3 << 2) | 2, 4], "a copy does not fit at byte 6");
        Check([9, 63 << 2, 255, 255, 255, 255], "a literal does not fit at byte 6");
    }

    [Fact]
    public void Spoiled_blocks_end_in_a_value()
    {
        SeededRandom.Run(random =>
        {
            var block = SnappyBlock.Encode(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("abcdefgh-abcdefgh+", 20)) + new string('z', 100)));
            for (var i = 0; i < 100_000; i++)
            {
                var spoiled = (byte[])block.Clone();
                spoiled[random.Next(spoiled.Length)] = (byte)random.Next(256);
                var decodes = SnappyBlock.TryDecode(spoiled.AsSpan(0, random.Next(4) == 0 ? random.Next(spoiled.Length) : spoiled.Length), 4096, out _, out var error);
                Assert.Equal(decodes, error.Length == 0);
            }
        });
    }
}
