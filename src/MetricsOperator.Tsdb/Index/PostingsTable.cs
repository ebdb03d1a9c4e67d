using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Index;

/// <summary>The table from label pairs to postings lists of an index; sorted by name and value, so that every 32nd entry is enough to find any.</summary>
internal sealed class PostingsTable
{
    private const int Sampling = 32;

    private readonly MappedFile _file;
    private readonly long _end;
    private readonly SortedDictionary<byte[], NameEntry> _names = new(ByteOrder.Instance);

    /// <param name="file">The index file.</param>
    /// <param name="start">Start of the table's body.</param>
    /// <param name="end">End of the table's body.</param>
    /// <param name="isSorted">False for old files, whose entries are all kept in memory.</param>
    public PostingsTable(MappedFile file, long start, long end, bool isSorted)
    {
        _file = file;
        _end = end;
        var header = new ByteReader(file.Span(start, 4));
        var count = header.Be32();
        var position = start + 4;
        NameEntry? current = null;
        for (uint i = 0; i < count; i++)
        {
            var entry = ReadEntry(position, out var name, out var value);
            if (current is null || !name.SequenceEqual(current.Name))
            {
                if (!_names.TryGetValue(name.ToArray(), out current))
                {
                    current = new NameEntry(name.ToArray());
                    _names.Add(current.Name, current);
                }
            }

            if (!isSorted)
            {
                current.Unsorted ??= new SortedDictionary<byte[], long>(ByteOrder.Instance);
                current.Unsorted[value.ToArray()] = entry.Postings;
            }
            else if (current.Count % Sampling == 0)
            {
                current.Samples.Add(position);
            }

            current.Count++;
            position = entry.Next;
        }
    }

    /// <summary>Label names in order, without the empty one of the all-postings list.</summary>
    public IEnumerable<byte[]> Names => _names.Keys.Where(n => n.Length > 0);

    /// <summary>How many values a name has.</summary>
    public int CountOf(byte[] name) => _names.TryGetValue(name, out var entry) ? entry.Count : 0;

    /// <summary>Offset of the postings list of a label pair; 0 when there is none.</summary>
    public long Find(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!_names.TryGetValue(name.ToArray(), out var entry))
        {
            return 0;
        }

        if (entry.Unsorted is not null)
        {
            return entry.Unsorted.GetValueOrDefault(value.ToArray());
        }

        var low = 0;
        var high = entry.Samples.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            ReadEntry(entry.Samples[middle], out _, out var sampled);
            if (sampled.SequenceCompareTo(value) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        if (low == 0)
        {
            return 0;
        }

        var position = entry.Samples[low - 1];
        for (var i = (low - 1) * Sampling; i < Math.Min(low * Sampling, entry.Count); i++)
        {
            var found = ReadEntry(position, out _, out var candidate);
            var order = candidate.SequenceCompareTo(value);
            if (order >= 0)
            {
                return order == 0 ? found.Postings : 0;
            }

            position = found.Next;
        }

        return 0;
    }

    /// <summary>Walks the values of a name in order.</summary>
    public void ForEachValue(byte[] name, PostingsVisitor visit)
    {
        if (!_names.TryGetValue(name, out var entry))
        {
            return;
        }

        if (entry.Unsorted is not null)
        {
            foreach (var (value, postings) in entry.Unsorted)
            {
                if (!visit(value, postings))
                {
                    return;
                }
            }

            return;
        }

        var position = entry.Samples[0];
        for (var i = 0; i < entry.Count; i++)
        {
            var found = ReadEntry(position, out _, out var value);
            if (!visit(value, found.Postings))
            {
                return;
            }

            position = found.Next;
        }
    }

    private (long Postings, long Next) ReadEntry(long position, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var reader = new ByteReader(_file.Span(position, (int)Math.Min(int.MaxValue, _end - position)));
        var keys = reader.Uvarint();
        name = reader.Text();
        value = reader.Text();
        var postings = (long)reader.Uvarint();
        return reader.Failed || keys != 2
            ? throw new StorageException($"cannot read index {_file.Path} at offset {position}: an entry of the postings table is malformed")
            : (postings, position + reader.Position);
    }

    private sealed class NameEntry(byte[] name)
    {
        public byte[] Name { get; } = name;

        public int Count { get; set; }

        public List<long> Samples { get; } = [];

        public SortedDictionary<byte[], long>? Unsorted { get; set; }
    }

    private sealed class ByteOrder : IComparer<byte[]>
    {
        public static readonly ByteOrder Instance = new();

        public int Compare(byte[]? x, byte[]? y) => x.AsSpan().SequenceCompareTo(y);
    }
}

/// <summary>Visits a label value and the offset of its postings list; false ends the walk.</summary>
internal delegate bool PostingsVisitor(ReadOnlySpan<byte> value, long postings);
