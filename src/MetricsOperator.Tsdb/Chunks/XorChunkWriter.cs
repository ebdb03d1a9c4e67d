using System.Buffers.Binary;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>What a writer must remember between two samples of a float chunk.</summary>
internal struct XorChunkState
{
    public long LastTimestamp;
    public long LastDelta;
    public XorValue Value;
    public ushort Count;

    /// <summary>Bits used, the two-byte sample count included; 0 for a chunk that has not been started.</summary>
    public int BitLength;

    public readonly int ByteLength => (BitLength + 7) >> 3;
}

/// <summary>Appends float samples to a chunk in place, in Prometheus' XOR encoding.</summary>
internal static class XorChunkWriter
{
    /// <summary>Bytes of the sample count at the start of a chunk.</summary>
    public const int HeaderBytes = 2;

    /// <summary>Room that is always enough for one more sample.</summary>
    public const int MaxSampleBytes = 21;

    /// <summary>Appends a sample; false, with nothing changed, when it does not fit into <paramref name="chunk"/>.</summary>
    public static bool TryAppend(Span<byte> chunk, ref XorChunkState state, long timestamp, double value)
    {
        var bits = BitConverter.DoubleToUInt64Bits(value);
        if (state.Count == 0)
        {
            if (chunk.Length < HeaderBytes + MaxSampleBytes)
            {
                return false;
            }

            var first = new BitWriter(chunk, HeaderBytes * 8);
            first.Varint(timestamp);
            first.Bits(bits, 64);
            state = new XorChunkState
            {
                LastTimestamp = timestamp,
                Value = XorValue.Writer(bits),
                BitLength = first.BitPosition,
            };
        }
        else
        {
            var delta = timestamp - state.LastTimestamp;
            var dod = delta - state.LastDelta;
            var needed = state.BitLength + (state.Count == 1 ? 80 : DodCost(dod)) + state.Value.Cost(bits);
            if (needed > chunk.Length * 8)
            {
                return false;
            }

            var writer = new BitWriter(chunk, state.BitLength);
            if (state.Count == 1)
            {
                writer.Uvarint((ulong)delta);
            }
            else
            {
                WriteDod(ref writer, dod);
            }

            state.Value.Write(ref writer, bits);
            state.LastTimestamp = timestamp;
            state.LastDelta = delta;
            state.BitLength = writer.BitPosition;
        }

        state.Count++;
        BinaryPrimitives.WriteUInt16BigEndian(chunk, state.Count);
        return true;
    }

    private static int DodCost(long dod) => dod switch
    {
        0 => 1,
        >= -8191 and <= 8192 => 2 + 14,
        >= -65535 and <= 65536 => 3 + 17,
        >= -524287 and <= 524288 => 4 + 20,
        _ => 4 + 64,
    };

    private static void WriteDod(ref BitWriter writer, long dod)
    {
        switch (dod)
        {
            case 0:
                writer.Bits(0, 1);
                break;
            case >= -8191 and <= 8192:
                writer.Bits(0b10, 2);
                writer.Bits((ulong)dod, 14);
                break;
            case >= -65535 and <= 65536:
                writer.Bits(0b110, 3);
                writer.Bits((ulong)dod, 17);
                break;
            case >= -524287 and <= 524288:
                writer.Bits(0b1110, 4);
                writer.Bits((ulong)dod, 20);
                break;
            default:
                writer.Bits(0b1111, 4);
                writer.Bits((ulong)dod, 64);
                break;
        }
    }
}
