using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Blocks;

/// <summary>A closed time range.</summary>
internal readonly record struct TimeRange(long MinTime, long MaxTime)
{
    public bool Contains(long time) => time >= MinTime && time <= MaxTime;
}

/// <summary>
/// Deleted time ranges by series, ascending, merged where they touch. A list that was handed out never changes, so a reader may keep it.
/// </summary>
internal sealed class Tombstones
{
    public const string FileName = "tombstones";

    private const uint Magic = 0x0130BA30;

    private readonly Dictionary<ulong, TimeRange[]> _ranges = [];

    /// <summary>Ranges of all series.</summary>
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

        // In order, so that no list is copied once for each of its ranges.
        var entries = new ByteReader(stones);
        var all = new List<(ulong Series, TimeRange Range)>();
        while (entries.Remaining > 0)
        {
            all.Add((entries.Uvarint(), new TimeRange(entries.Varint(), entries.Varint())));
        }

        if (entries.Failed)
        {
            throw new StorageException($"cannot read {path}: an entry is malformed");
        }

        all.Sort((a, b) => a.Series != b.Series ? a.Series.CompareTo(b.Series) : a.Range.MinTime.CompareTo(b.Range.MinTime));
        var ranges = new List<TimeRange>();
        for (var i = 0; i < all.Count; i++)
        {
            var (series, range) = all[i];
            if (ranges.Count > 0 && (range.MinTime <= ranges[^1].MaxTime || range.MinTime - 1 <= ranges[^1].MaxTime))
            {
                ranges[^1] = new TimeRange(ranges[^1].MinTime, Math.Max(ranges[^1].MaxTime, range.MaxTime));
            }
            else
            {
                ranges.Add(range);
            }

            if (i + 1 == all.Count || all[i + 1].Series != series)
            {
                tombstones._ranges.Add(series, [.. ranges]);
                tombstones.Count += ranges.Count;
                ranges.Clear();
            }
        }

        return tombstones;
    }

    /// <summary>Writes the file of a block without deletions.</summary>
    public static void WriteEmpty(FileLayer files, string path) => new Tombstones().Write(files, path);

    /// <summary>True if every time of a closed range is deleted.</summary>
    public static bool Covers(IReadOnlyList<TimeRange>? deleted, long minTime, long maxTime)
    {
        for (var i = 0; deleted is not null && i < deleted.Count; i++)
        {
            if (deleted[i].MinTime <= minTime && deleted[i].MaxTime >= maxTime)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>True if some time of a closed range is deleted.</summary>
    public static bool Touches(IReadOnlyList<TimeRange>? deleted, long minTime, long maxTime)
    {
        for (var i = 0; deleted is not null && i < deleted.Count; i++)
        {
            if (deleted[i].MinTime <= maxTime && deleted[i].MaxTime >= minTime)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Writes a file that does not exist yet, and waits until it is on the disk.</summary>
    /// <exception cref="StorageException">The disk refuses.</exception>
    public void Write(FileLayer files, string path)
    {
        using var file = new FileWriter(files, path);
        file.Be32(Magic);
        file.Write([1]);
        file.StartChecksum();
        var entry = new ByteWriter(32);
        foreach (var series in _ranges.Keys.Order())
        {
            foreach (var range in _ranges[series])
            {
                entry.Clear(keep: 32);
                entry.Uvarint(series);
                entry.Varint(range.MinTime);
                entry.Varint(range.MaxTime);
                file.Write(entry.Written);
            }
        }

        file.WriteChecksum();
        file.Sync();
    }

    /// <summary>A copy that may be changed.</summary>
    public Tombstones Copy()
    {
        var copy = new Tombstones { Count = Count };
        foreach (var (series, ranges) in _ranges)
        {
            copy._ranges.Add(series, ranges);
        }

        return copy;
    }

    /// <summary>Deletes a range of a series.</summary>
    public void Add(ulong series, TimeRange range)
    {
        if (!_ranges.TryGetValue(series, out var known))
        {
            _ranges.Add(series, [range]);
            Count++;
            return;
        }

        var before = 0;
        while (before < known.Length && known[before].MaxTime < range.MinTime && known[before].MaxTime + 1 < range.MinTime)
        {
            before++;
        }

        var after = before;
        while (after < known.Length && (known[after].MinTime <= range.MaxTime || known[after].MinTime - 1 <= range.MaxTime))
        {
            range = new TimeRange(Math.Min(range.MinTime, known[after].MinTime), Math.Max(range.MaxTime, known[after].MaxTime));
            after++;
        }

        _ranges[series] = [.. known[..before], range, .. known[after..]];
        Count += 1 - (after - before);
    }

    /// <summary>Deleted ranges of a series; null when there are none.</summary>
    public IReadOnlyList<TimeRange>? Of(ulong series) => _ranges.GetValueOrDefault(series);

    /// <summary>All ranges, those of a series in ascending order.</summary>
    public IEnumerable<(ulong Series, TimeRange Range)> All()
    {
        foreach (var (series, ranges) in _ranges)
        {
            foreach (var range in ranges)
            {
                yield return (series, range);
            }
        }
    }

    /// <summary>Forgets ranges that end before a time.</summary>
    public void DropBefore(long minTime)
    {
        foreach (var (series, ranges) in _ranges.ToList())
        {
            // Disjoint and ascending: those that end before come first.
            var dropped = ranges.TakeWhile(r => r.MaxTime < minTime).Count();
            if (dropped == ranges.Length)
            {
                _ranges.Remove(series);
            }
            else if (dropped > 0)
            {
                _ranges[series] = ranges[dropped..];
            }

            Count -= dropped;
        }
    }
}
