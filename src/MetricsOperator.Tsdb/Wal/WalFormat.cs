using System.Globalization;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>Numbers and names of the log format.</summary>
internal static class WalFormat
{
    public const int PageSize = 32 * 1024;

    /// <summary>Type byte, two bytes length, four bytes checksum.</summary>
    public const int HeaderSize = 7;

    public const byte KindMask = 0x07;
    public const byte Full = 1;
    public const byte First = 2;
    public const byte Middle = 3;
    public const byte Last = 4;
    public const byte Snappy = 0x08;
    public const byte Zstd = 0x10;

    /// <summary>No record of Prometheus comes near this size; a longer one is corrupt.</summary>
    public const int MaxRecordSize = 1 << 30;

    public static string SegmentName(int number) => number.ToString("D8", CultureInfo.InvariantCulture);

    public static string CheckpointName(int number) => "checkpoint." + SegmentName(number);
}

/// <summary>First byte of a log record.</summary>
internal enum WalRecordType : byte
{
    Series = 1,
    Samples = 2,
    Tombstones = 3,
    Exemplars = 4,
    MmapMarkers = 5,
    Metadata = 6,
    Histograms = 7,
    FloatHistograms = 8,
    CustomHistograms = 9,
    CustomFloatHistograms = 10,
}
