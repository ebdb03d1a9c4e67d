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

    /// <summary>Appends a sample; false, with nothing changed, when it may not fit into <paramref name="chunk"/>.</summary>
    public static bool TryAppend(Span<byte> chunk, ref XorChunkState state, long timestamp, double value)
    {
        var first = Math.Max(state.BitLength, HeaderBytes * 8) >> 3;
        if (state.Count == 0 ? chunk.Length < HeaderBytes + MaxSampleBytes : Cost(in state, timestamp, value) + state.BitLength > chunk.Length * 8)
        {
            return false;
        }

        Encode(chunk[first..], ref state, timestamp, value);
        BinaryPrimitives.WriteUInt16BigEndian(chunk, state.Count);
        return true;
    }

    /// <summary>Encodes a sample behind the bits of a chunk.</summary>
    /// <param name="tail">Bytes of the chunk from the one that has the next free bit; room for <see cref="MaxSampleBytes"/>.</param>
    /// <param name="state">What the chunk holds; default for a new one, whose header is left to the caller.</param>
    /// <param name="timestamp">Time of the sample, newer than the last one.</param>
    /// <param name="value">Value of the sample.</param>
    /// <returns>How many bytes of <paramref name="tail"/> have been written.</returns>
    public static int Encode(Span<byte> tail, ref XorChunkState state, long timestamp, double value)
    {
        var bits = BitConverter.DoubleToUInt64Bits(value);
        if (state.Count == 0)
        {
            var first = new BitWriter(tail, 0);
            first.Varint(timestamp);
            first.Bits(bits, 64);
            state = new XorChunkState
            {
                LastTimestamp = timestamp,
                Value = XorValue.Writer(bits),
                BitLength = (HeaderBytes * 8) + first.BitPosition,
                Count = 1,
            };
            return first.BitPosition >> 3;
        }

        var start = state.BitLength & ~7;
        var writer = new BitWriter(tail, state.BitLength & 7);
        var delta = timestamp - state.LastTimestamp;
        if (state.Count == 1)
        {
            writer.Uvarint((ulong)delta);
        }
        else
        {
            WriteDod(ref writer, delta - state.LastDelta);
        }

        state.Value.Write(ref writer, bits);
        state.LastTimestamp = timestamp;
        state.LastDelta = delta;
        state.BitLength = start + writer.BitPosition;
        state.Count++;
        return (writer.BitPosition + 7) >> 3;
    }

    private static int Cost(in XorChunkState state, long timestamp, double value)
    {
        var delta = timestamp - state.LastTimestamp;
        return (state.Count == 1 ? 80 : DodCost(delta - state.LastDelta)) + state.Value.Cost(BitConverter.DoubleToUInt64Bits(value));
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
