using System.Numerics;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>The Gorilla encoding of one column of doubles: each value as the XOR with the one before, in a window of significant bits.</summary>
internal struct XorValue
{
    /// <summary>Stands for "no window yet": the first change must write one.</summary>
    public const byte NoWindow = 0xFF;

    public ulong Bits;
    public byte Leading;
    public byte Trailing;

    /// <summary>Most bits that one value takes: two control bits, the window and the value.</summary>
    public const int MaxBits = 2 + 5 + 6 + 64;

    /// <summary>State of a writer whose chunk holds only the plain first value.</summary>
    public static XorValue Writer(ulong bits) => new() { Bits = bits, Leading = NoWindow };

    /// <summary>Bits that <see cref="Write"/> will use for the value.</summary>
    public readonly int Cost(ulong next)
    {
        var delta = Bits ^ next;
        if (delta == 0)
        {
            return 1;
        }

        var leading = Math.Min(BitOperations.LeadingZeroCount(delta), 31);
        var trailing = BitOperations.TrailingZeroCount(delta);
        return Leading != NoWindow && leading >= Leading && trailing >= Trailing
            ? 2 + 64 - Leading - Trailing
            : 13 + 64 - leading - trailing;
    }

    public void Write(ref BitWriter writer, ulong next)
    {
        var delta = Bits ^ next;
        Bits = next;
        if (delta == 0)
        {
            writer.Bits(0, 1);
            return;
        }

        var leading = Math.Min(BitOperations.LeadingZeroCount(delta), 31);
        var trailing = BitOperations.TrailingZeroCount(delta);
        if (Leading != NoWindow && leading >= Leading && trailing >= Trailing)
        {
            writer.Bits(0b10, 2);
            writer.Bits(delta >> Trailing, 64 - Leading - Trailing);
            return;
        }

        Leading = (byte)leading;
        Trailing = (byte)trailing;
        var significant = 64 - leading - trailing;
        writer.Bits(0b11, 2);
        writer.Bits((ulong)leading, 5);

        // 64 does not fit into six bits and is written as 0, which cannot occur otherwise.
        writer.Bits((ulong)significant & 63, 6);
        writer.Bits(delta >> trailing, significant);
    }

    /// <summary>Reads the next value; false when the window is impossible.</summary>
    public bool Read(ref BitReader reader) => !reader.Bit() || (reader.Bit() ? ReadWithWindow(ref reader) : ReadInWindow(ref reader));

    /// <summary>Reads a change in the window of before; always true.</summary>
    public bool ReadInWindow(ref BitReader reader)
    {
        Bits ^= reader.Bits(64 - Leading - Trailing) << Trailing;
        return true;
    }

    /// <summary>Reads a window and a change in it; false when the window is impossible.</summary>
    public bool ReadWithWindow(ref BitReader reader)
    {
        Leading = (byte)reader.Bits(5);
        var significant = (int)reader.Bits(6);
        if (significant == 0)
        {
            significant = 64;
        }

        if (Leading + significant > 64)
        {
            return false;
        }

        Trailing = (byte)(64 - Leading - significant);
        return ReadInWindow(ref reader);
    }
}
