using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Head;

/// <summary>Reads bytes of a file at an offset into the whole span, or up to the end of the file; returns how many.</summary>
internal delegate int ReadAt(Span<byte> into, long offset);

/// <summary>Finds the chunks of one file of <c>chunks_head</c>, window by window.</summary>
internal sealed class HeadChunkScan(int number, long end, ReadAt read)
{
    public const int FileHeader = 8;

    /// <summary>Marks a chunk of late samples in the encoding byte.</summary>
    public const byte LateFlag = 0x80;

    private const uint Magic = 0x0130BC91;

    /// <summary>Offset behind the last intact chunk; 0 when the file is not one of head chunks.</summary>
    public long GoodLength { get; private set; } = FileHeader;

    /// <summary>Newest time of the chunks found.</summary>
    public long MaxTime { get; private set; } = long.MinValue;

    /// <summary>Reports every chunk in file order.</summary>
    /// <param name="window">Holds a part of the file; longer than the longest chunk.</param>
    /// <param name="found">Told about every chunk.</param>
    /// <returns>What is wrong at <see cref="GoodLength"/>; null at a proper end.</returns>
    public string? Run(Span<byte> window, HeadChunkFound found)
    {
        long windowStart = 0;
        var windowLength = read(window, 0);
        var header = new ByteReader(window[..windowLength]);
        if (header.Be32() != Magic || header.U8() != 1)
        {
            GoodLength = 0;
            return "wrong magic number or version";
        }

        while (GoodLength < end)
        {
            var at = (int)(GoodLength - windowStart);
            var rest = window[at..windowLength];
            var isLastWindow = windowStart + windowLength >= end;
            var reader = new ByteReader(rest);
            var series = reader.Be64();
            var minTime = reader.BeI64();
            var maxTime = reader.BeI64();
            if (!reader.Failed && series == 0 && minTime == 0 && maxTime == 0)
            {
                // Files are created longer than what they hold.
                return null;
            }

            var encoding = reader.U8();
            var data = reader.Text();
            var covered = reader.Position;
            var checksum = reader.Be32();
            if (reader.Failed)
            {
                if (isLastWindow)
                {
                    return rest.ContainsAnyExcept((byte)0) ? "the last chunk is torn" : null;
                }

                if (at == 0)
                {
                    return "a chunk is longer than any chunk may be";
                }

                windowStart = GoodLength;
                windowLength = read(window, windowStart);
                continue;
            }

            if (Crc32C.Of(rest[..covered]) != checksum)
            {
                return "the checksum does not match";
            }

            var diskRef = ((ulong)(uint)number << 32) | (ulong)GoodLength;
            GoodLength += reader.Position;
            MaxTime = Math.Max(MaxTime, maxTime);
            var kind = (ChunkEncoding)(encoding & ~LateFlag);
            found(series, new SealedChunk(diskRef, minTime, maxTime), kind, (encoding & LateFlag) != 0, kind.SamplesOf(data));
        }

        return null;
    }
}
