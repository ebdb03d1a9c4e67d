using System.Buffers;
using System.Globalization;
using System.Text;

namespace MetricsOperator.Timeseries.Exposition;

/// <summary>All series of the instruments that share a name. Finding the series of a measurement takes no lock and no memory once it exists.</summary>
internal sealed class MetricFamily
{
    private readonly Lock _lock = new();
    private readonly double[]? _bounds;
    private readonly byte[] _nameUtf8;

    // Series by their labels as text, whatever the order of the tags in a measurement.
    private readonly SortedDictionary<string, MetricCell> _cells = new(StringComparer.Ordinal);

    // A snapshot that is replaced, never changed; the power-of-two table is open-addressed.
    private Entry?[] _table = new Entry?[16];
    private int _used;
    private MetricCell? _untagged;

    /// <param name="name">A metric name.</param>
    /// <param name="type">counter, gauge or histogram.</param>
    /// <param name="help">What it says.</param>
    /// <param name="bounds">For a histogram the upper bounds of its buckets, ascending.</param>
    /// <param name="isObservable">True if a series exists only while a collection reports it.</param>
    public MetricFamily(string name, string type, string help, double[]? bounds, bool isObservable)
    {
        Name = name;
        Type = type;
        Help = help;
        IsObservable = isObservable;
        _bounds = bounds;
        _nameUtf8 = Encoding.UTF8.GetBytes(name);
    }

    public string Name { get; }

    public string Type { get; }

    public string Help { get; }

    public bool IsObservable { get; }

    /// <summary>How many living instruments feed this family.</summary>
    public int Instruments { get; set; }

    /// <summary>The series for a set of tags, made when it is new.</summary>
    public MetricCell CellFor(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            return _untagged ?? AddUntagged();
        }

        var hash = HashOf(tags);
        var table = Volatile.Read(ref _table);
        for (var slot = hash & (table.Length - 1); Volatile.Read(ref table[slot]) is { } entry; slot = (slot + 1) & (table.Length - 1))
        {
            if (entry.Hash == hash && HasTags(entry.Tags, tags))
            {
                return entry.Cell;
            }
        }

        return Add(hash, tags.ToArray());
    }

    /// <summary>Writes the family; of an observable one only what <paramref name="collection"/> reported.</summary>
    public void WriteTo(MetricsTextWriter writer, long collection)
    {
        lock (_lock)
        {
            writer.Family(Name, Type, Help);
            foreach (var cell in _cells.Values)
            {
                if (!IsObservable || cell.LastCollection == collection)
                {
                    cell.WriteTo(writer, _nameUtf8);
                }
            }
        }
    }

    private static int HashOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var hash = tags.Length;
        foreach (var (_, value) in tags)
        {
            hash = (hash * 31) + (value?.GetHashCode() ?? 0);
        }

        return (hash ^ (hash >> 15)) & int.MaxValue;
    }

    private static bool HasTags(KeyValuePair<string, object?>[] known, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (known.Length != tags.Length)
        {
            return false;
        }

        for (var i = 0; i < known.Length; i++)
        {
            if (known[i].Key != tags[i].Key || !Equals(known[i].Value, tags[i].Value))
            {
                return false;
            }
        }

        return true;
    }

    private MetricCell AddUntagged()
    {
        lock (_lock)
        {
            return _untagged ??= CellOf(string.Empty);
        }
    }

    private MetricCell Add(int hash, KeyValuePair<string, object?>[] tags)
    {
        lock (_lock)
        {
            var labels = Render(tags);
            var cell = CellOf(labels);
            var table = _table;
            if ((_used + 1) * 2 > table.Length)
            {
                table = new Entry?[table.Length * 2];
                foreach (var entry in _table)
                {
                    if (entry is not null)
                    {
                        Insert(table, entry);
                    }
                }
            }

            // Another thread may have added the same tags meanwhile; a second entry for the same cell does no harm.
            Insert(table, new Entry(hash, tags, cell));
            _used++;
            Volatile.Write(ref _table, table);
            return cell;
        }
    }

    private MetricCell CellOf(string labels)
    {
        if (!_cells.TryGetValue(labels, out var cell))
        {
            var utf8 = Encoding.UTF8.GetBytes(labels);
            cell = _bounds is null ? new ScalarCell(utf8) : new HistogramCell(utf8, _bounds);
            _cells.Add(labels, cell);
        }

        return cell;
    }

    private static void Insert(Entry?[] table, Entry entry)
    {
        var slot = entry.Hash & (table.Length - 1);
        while (table[slot] is not null)
        {
            slot = (slot + 1) & (table.Length - 1);
        }

        Volatile.Write(ref table[slot], entry);
    }

    private static string Render(KeyValuePair<string, object?>[] tags)
    {
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in tags)
        {
            var text = value switch
            {
                string s => s,
                bool b => b ? "true" : "false",
                _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty,
            };
            if (text.Length > 0)
            {
                labels[name] = text;
            }
        }

        // The writer knows how to quote; a line for the labels alone is cut down to what stands between the braces.
        var buffer = new ArrayBufferWriter<byte>();
        new MetricsTextWriter(buffer).Sample("x", [.. labels], 0);
        var line = Encoding.UTF8.GetString(buffer.WrittenSpan);
        return labels.Count == 0 ? string.Empty : line[(line.IndexOf('{') + 1)..line.LastIndexOf('}')];
    }

    private sealed record Entry(int Hash, KeyValuePair<string, object?>[] Tags, MetricCell Cell);
}
