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
        var hash = Prime3 + (ulong)data.Length + (seed * Prime1);
        while (data.Length >= 8)
        {
            hash = Mix(hash, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[8..];
        }

        if (!data.IsEmpty)
        {
            ulong tail = 0;
            for (var i = data.Length - 1; i >= 0; i--)
            {
                tail = (tail << 8) | data[i];
            }

            hash = Mix(hash, tail);
        }

        hash ^= hash >> 33;
        hash *= Prime2;
        hash ^= hash >> 29;
        hash *= Prime3;
        return hash ^ (hash >> 32);
    }

    private static ulong Mix(ulong hash, ulong word) => (BitOperations.RotateLeft(hash ^ (word * Prime2), 31) * Prime1) + Prime3;
}
