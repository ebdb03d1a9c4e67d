using System.Buffers.Binary;

namespace MetricsOperator.Tsdb.Chunks;

/// <summary>How the samples of a chunk are encoded; the numbers are Prometheus'. Those with start timestamps are only read.</summary>
internal enum ChunkEncoding : byte
{
    None = 0,
    Xor = 1,
    Histogram = 2,
    FloatHistogram = 3,
    Xor2 = 4,
    HistogramWithStarts = 5,
    FloatHistogramWithStarts = 6,
}

/// <summary>What one must know of an encoding before decoding.</summary>
internal static class ChunkEncodings
{
    /// <summary>True for encodings that can be decoded here.</summary>
    public static bool IsKnown(this ChunkEncoding encoding) => encoding is >= ChunkEncoding.Xor and <= ChunkEncoding.FloatHistogramWithStarts;

    public static bool IsFloat(this ChunkEncoding encoding) => encoding is ChunkEncoding.Xor or ChunkEncoding.Xor2;

    /// <summary>True for encodings that Prometheus reads only since 3.11; what we write is in the older ones.</summary>
    public static bool HasStarts(this ChunkEncoding encoding) => encoding is >= ChunkEncoding.Xor2 and <= ChunkEncoding.FloatHistogramWithStarts;

    /// <summary>The sample count in a chunk's header; -1 when the chunk is too short for one.</summary>
    public static int SamplesOf(this ChunkEncoding encoding, ReadOnlySpan<byte> chunk)
    {
        if (chunk.Length < 2)
        {
            return -1;
        }

        // Histograms with start timestamps keep the counter reset flags in the two upper bits.
        var count = BinaryPrimitives.ReadUInt16BigEndian(chunk);
        return encoding is ChunkEncoding.HistogramWithStarts or ChunkEncoding.FloatHistogramWithStarts ? count & 0x3FFF : count;
    }
}
