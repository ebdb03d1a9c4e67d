using System.Buffers.Binary;
using System.Numerics;

namespace MetricsOperator.Tsdb.Files;

/// <summary>CRC-32C (Castagnoli), the checksum of every file of the data directory.</summary>
internal static class Crc32C
{
    public static uint Of(ReadOnlySpan<byte> data) => Finish(Update(Start, data));

    /// <summary>Initial state for <see cref="Update"/>.</summary>
    public const uint Start = 0xFFFFFFFF;

    public static uint Update(uint state, ReadOnlySpan<byte> data)
    {
        while (data.Length >= 8)
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(data));
            data = data[8..];
        }

        foreach (var b in data)
        {
            state = BitOperations.Crc32C(state, b);
        }

        return state;
    }

    public static uint Finish(uint state) => ~state;
}
