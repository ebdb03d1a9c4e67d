using System.Buffers.Binary;
using System.Numerics;

namespace MetricsOperator.Timeseries.Hashing;

/// <summary>A 64-bit hash of bytes that is the same in every process and version; safe to persist and to shard by.</summary>
public static class StableHash
{
    private const ulong Prime1 = 0x9E3779B185EBCA87;
    private const ulong Prime2 = 0xC2B2AE3D27D4EB4F;
    private const ulong Prime3 = 0x165667B19E3779F9;

    /// <summary>Hashes <paramref name="data"/>.</summary>
    public static ulong Hash64(ReadOnlySpan<byte> data) => Hash64(data, seed: 0);

    /// <summary>Hashes <paramref name="data"/>; hashes with different seeds are independent of each other.</summary>
    public static ulong Hash64(ReadOnlySpan<byte> data, ulong seed)
    {
        var hash = Start(data, seed);
        for (; data.Length >= 8; data = data[8..])
        {
            hash = Mix(hash, BinaryPrimitives.ReadUInt64LittleEndian(data));
        }

        return Finish(data.IsEmpty ? hash : Mix(hash, Tail(data)));
    }

    /// <summary>The hashes with seeds 0 and 1, in the time of one: neither waits for the other.</summary>
    public static (ulong First, ulong Second) Hash128(ReadOnlySpan<byte> data)
    {
        var (first, second) = (Start(data, 0), Start(data, 1));
        for (; data.Length >= 8; data = data[8..])
        {
            var word = BinaryPrimitives.ReadUInt64LittleEndian(data);
            first = Mix(first, word);
            second = Mix(second, word);
        }

        if (!data.IsEmpty)
        {
            var tail = Tail(data);
            (first, second) = (Mix(first, tail), Mix(second, tail));
        }

        return (Finish(first), Finish(second));
    }

    private static ulong Start(ReadOnlySpan<byte> data, ulong seed) => Prime3 + (ulong)data.Length + (seed * Prime1);

    private static ulong Tail(ReadOnlySpan<byte> data)
    {
        ulong tail = 0;
        for (var i = data.Length - 1; i >= 0; i--)
        {
            tail = (tail << 8) | data[i];
        }

        return tail;
    }

    private static ulong Finish(ulong hash)
    {
        hash ^= hash >> 33;
        hash *= Prime2;
        hash ^= hash >> 29;
        hash *= Prime3;
        return hash ^ (hash >> 32);
    }

    private static ulong Mix(ulong hash, ulong word) => (BitOperations.RotateLeft(hash ^ (word * Prime2), 31) * Prime1) + Prime3;
}
