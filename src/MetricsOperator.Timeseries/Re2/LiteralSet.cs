using System.Numerics;
using System.Text;
using MetricsOperator.Timeseries.Hashing;

namespace MetricsOperator.Timeseries.Re2;

/// <summary>A fixed set of UTF-8 texts with a look-up that allocates nothing.</summary>
internal sealed class LiteralSet
{
    private readonly byte[]?[] _slots;
    private readonly int _longest;

    public LiteralSet(IReadOnlyList<string> texts)
    {
        _slots = new byte[BitOperations.RoundUpToPowerOf2((uint)texts.Count * 2)][];
        foreach (var text in texts)
        {
            var utf8 = Encoding.UTF8.GetBytes(text);
            var slot = FirstSlot(utf8);
            while (_slots[slot] is not null)
            {
                slot = (slot + 1) & (_slots.Length - 1);
            }

            _slots[slot] = utf8;
            _longest = Math.Max(_longest, utf8.Length);
        }
    }

    public bool Contains(ReadOnlySpan<byte> text)
    {
        if (text.Length > _longest)
        {
            return false;
        }

        for (var slot = FirstSlot(text); _slots[slot] is { } literal; slot = (slot + 1) & (_slots.Length - 1))
        {
            if (text.SequenceEqual(literal))
            {
                return true;
            }
        }

        return false;
    }

    private int FirstSlot(ReadOnlySpan<byte> text) => (int)StableHash.Hash64(text) & (_slots.Length - 1);
}
