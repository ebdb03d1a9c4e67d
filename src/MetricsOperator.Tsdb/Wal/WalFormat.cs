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

    /// <summary>
    /// A zstd record that stands for more than a segment of the default size is taken for corrupt: unlike snappy, zstd lets some kilobytes
    /// stand for any number.
    /// </summary>
    public const int MaxZstdSize = 128 * 1024 * 1024;

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

    /// <summary>As <see cref="Samples"/>, with start timestamps; read only.</summary>
    SamplesV2 = 11,

    /// <summary>As <see cref="Histograms"/> and <see cref="CustomHistograms"/>, with start timestamps; read only.</summary>
    HistogramsV2 = 12,

    /// <summary>As <see cref="FloatHistograms"/> and <see cref="CustomFloatHistograms"/>, with start timestamps; read only.</summary>
    FloatHistogramsV2 = 13,
}
