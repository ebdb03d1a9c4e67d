using System.Runtime.CompilerServices;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Checks label lists that come from a file: symbols have texts, names are in order, each once. Of the few names there are each pair is compared once or a few
/// times. Not thread-safe.
/// </summary>
internal sealed unsafe class LabelOrder(SymbolTable symbols)
{
    /// <summary>In place of the name in front of the first label.</summary>
    public const int NoName = -1;

    private const int Known = 256;

    /// <summary>Names one after another that are known to be in order.</summary>
    private readonly long[] _known = Nothing();

    /// <summary>Checks a list without looking at its values, whose sum tells whether they are those that an index has.</summary>
    /// <param name="labelSymbols">The list.</param>
    /// <param name="sum">Grows by <see cref="Mix"/> of each label.</param>
    /// <returns>False when names have no text or are not in order, or the list is malformed or empty.</returns>
    public bool Add(ReadOnlySpan<byte> labelSymbols, ref ulong sum)
    {
        var previous = NoName;
        fixed (byte* start = labelSymbols)
        {
            var at = start;
            for (var end = start + labelSymbols.Length; at < end;)
            {
                if (!Read(ref at, end, out var name) || !Read(ref at, end, out var value)
                    || (_known[Place(previous, name)] != Pair(previous, name) && !MayFollow(previous, name)))
                {
                    return false;
                }

                sum += Mix(name, value);
                previous = name;
            }
        }

        return previous != NoName;
    }

    /// <summary>A number that two labels hardly ever have both.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(int name, int value)
    {
        var mixed = (((ulong)(uint)name << 32) | (uint)value) * 0x9E3779B97F4A7C15;
        return (mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9;
    }

    /// <summary>True if a name has a text that is above that of the name in front of it.</summary>
    public bool MayFollow(int previous, int name)
    {
        if (_known[Place(previous, name)] == Pair(previous, name))
        {
            return true;
        }

        if (!symbols.HasText(name) || (previous != NoName && symbols.Text(previous).SequenceCompareTo(symbols.Text(name)) >= 0))
        {
            return false;
        }

        _known[Place(previous, name)] = Pair(previous, name);
        return true;
    }

    /// <summary>Reads a symbol. In place of a reader with its checks at every byte: this is much of what a start does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Read(ref byte* at, byte* end, out int symbol)
    {
        uint value = 0;
        for (var shift = 0; at < end && shift < 35; shift += 7)
        {
            var b = *at++;
            value |= (uint)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                symbol = (int)value;
                return true;
            }
        }

        symbol = -1;
        return false;
    }

    private static int Place(int previous, int name) => ((previous * 31) + name) & (Known - 1);

    private static long Pair(int previous, int name) => ((long)previous << 32) | (uint)name;

    private static long[] Nothing()
    {
        var known = new long[Known];
        Array.Fill(known, -1);
        return known;
    }
}
