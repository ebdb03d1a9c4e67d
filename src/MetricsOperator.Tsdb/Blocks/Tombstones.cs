using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Blocks;

/// <summary>A closed time range.</summary>
internal readonly record struct TimeRange(long MinTime, long MaxTime)
{
    public bool Contains(long time) => time >= MinTime && time <= MaxTime;
}

/// <summary>Deleted time ranges by series.</summary>
internal sealed class Tombstones
{
    public const string FileName = "tombstones";

    private const uint Magic = 0x0130BA30;

    private readonly Dictionary<ulong, List<TimeRange>> _ranges = [];

    public int Count { get; private set; }

    /// <summary>Reads the file of a block; one that does not exist is empty.</summary>
    /// <exception cref="StorageException">The file is damaged.</exception>
    public static Tombstones Read(string path) => File.Exists(path) ? Parse(File.ReadAllBytes(path), path) : new Tombstones();

    /// <exception cref="StorageException">The bytes are damaged; the message names <paramref name="path"/>.</exception>
    internal static Tombstones Parse(ReadOnlySpan<byte> bytes, string path)
    {
        var tombstones = new Tombstones();
        var reader = new ByteReader(bytes);
        if (reader.Be32() != Magic || reader.U8() != 1 || bytes.Length < 9)
        {
            throw new StorageException($"cannot read {path}: wrong magic number, version or length");
        }

        var stones = bytes[5..^4];
        var checksum = new ByteReader(bytes[^4..]).Be32();
        if (Crc32C.Of(stones) != checksum)
        {
            throw new StorageException($"cannot read {path}: the checksum does not match");
        }

        var entries = new ByteReader(stones);
        while (entries.Remaining > 0)
        {
            tombstones.Add(entries.Uvarint(), new TimeRange(entries.Varint(), entries.Varint()));
        }

        return entries.Failed ? throw new StorageException($"cannot read {path}: an entry is malformed") : tombstones;
    }

    /// <summary>Writes the file of a block without deletions.</summary>
    public static void WriteEmpty(FileLayer files, string path)
    {
        using var file = new FileWriter(files, path);
        file.Be32(Magic);
        file.Write([1]);
        file.StartChecksum();
        file.WriteChecksum();
        file.Sync();
    }

    public void Add(ulong series, TimeRange range)
    {
        if (!_ranges.TryGetValue(series, out var ranges))
        {
            _ranges[series] = ranges = [];
        }

        ranges.Add(range);
        Count++;
    }

    /// <summary>Deleted ranges of a series; null when there are none.</summary>
    public IReadOnlyList<TimeRange>? Of(ulong series) => _ranges.GetValueOrDefault(series);

    /// <summary>Forgets ranges that end before a time.</summary>
    public void DropBefore(long minTime)
    {
        foreach (var (series, ranges) in _ranges.ToList())
        {
            Count -= ranges.RemoveAll(r => r.MaxTime < minTime);
            if (ranges.Count == 0)
            {
                _ranges.Remove(series);
            }
        }
    }
}
