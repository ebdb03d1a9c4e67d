namespace MetricsOperator.Tsdb.Index;

/// <summary>Numbers of the index file.</summary>
internal static class IndexFormat
{
    public const uint Magic = 0xBAAAD700;
    public const byte Version = 2;
    public const int HeaderBytes = 5;

    /// <summary>Six section offsets and their checksum, at the end of the file.</summary>
    public const int TocBytes = (6 * 8) + 4;

    /// <summary>Series begin at multiples of this and are named by the multiple.</summary>
    public const int SeriesAlignment = 16;
}

/// <summary>A chunk of a series in a block: its times (inclusive) and place.</summary>
internal readonly record struct BlockChunk(long MinTime, long MaxTime, ulong Reference);

/// <summary>A label pair by the ordinals of its texts.</summary>
internal readonly record struct SymbolPair(uint Name, uint Value);
