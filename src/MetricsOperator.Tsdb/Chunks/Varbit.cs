namespace MetricsOperator.Tsdb.Chunks;

/// <summary>Variable-width integers of histogram chunks: a unary prefix of up to eight ones chooses the width.</summary>
internal static class Varbit
{
    /// <summary>Bits that follow a prefix of so many ones.</summary>
    private static ReadOnlySpan<byte> Widths => [0, 3, 6, 9, 12, 18, 25, 56, 64];

    public static long ReadSigned(ref BitReader reader)
    {
        var width = Widths[reader.Ones(8)];
        return width == 0 ? 0 : reader.Signed(width);
    }

    public static ulong ReadUnsigned(ref BitReader reader) => reader.Bits(Widths[reader.Ones(8)]);

    public static void WriteSigned(ref BitWriter writer, long value)
    {
        var ones = 0;
        if (value != 0)
        {
            // A field of k bits holds -(2^(k-1) - 1) to 2^(k-1); the most negative value of two's complement means the most positive here.
            for (ones = 1; ones < 8; ones++)
            {
                var limit = 1L << (Widths[ones] - 1);
                if (value > -limit && value <= limit)
                {
                    break;
                }
            }
        }

        Write(ref writer, ones, (ulong)value);
    }

    public static void WriteUnsigned(ref BitWriter writer, ulong value)
    {
        var ones = 0;
        if (value != 0)
        {
            for (ones = 1; ones < 8; ones++)
            {
                if (value < 1UL << Widths[ones])
                {
                    break;
                }
            }
        }

        Write(ref writer, ones, value);
    }

    private static void Write(ref BitWriter writer, int ones, ulong value)
    {
        // The last prefix has no terminating zero.
        var prefixBits = ones == 8 ? 8 : ones + 1;
        writer.Bits(ones == 8 ? 0xFFUL : ((1UL << ones) - 1) << 1, prefixBits);
        writer.Bits(value, Widths[ones]);
    }
}
