using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Index;

/// <summary>The postings table until it is written: for each list its label pair and how far it lies behind the one before, about four bytes.</summary>
internal sealed class PostingsTableSpool
{
    private const int PageBytes = 64 * 1024;
    private const int MaxEntryBytes = 20;

    private readonly List<byte[]> _pages = [];
    private readonly ByteWriter _page = new(PageBytes);
    private SymbolPair _last;
    private long _lastOffset;

    public uint Entries { get; private set; }

    /// <summary>Adds a list. Lists come in the order of names and values, and of offsets, which are multiples of four.</summary>
    public void Add(SymbolPair pair, long offset)
    {
        if (_page.Length > PageBytes - MaxEntryBytes)
        {
            _pages.Add(_page.Written.ToArray());
            _page.Clear();
        }

        // The value of a new name may be any, of the same name it is a later one.
        _page.Uvarint(pair.Name - _last.Name);
        _page.Uvarint(pair.Name == _last.Name ? pair.Value - _last.Value : pair.Value);
        _page.Uvarint((ulong)(offset - _lastOffset) / 4);
        (_last, _lastOffset) = (pair, offset);
        Entries++;
    }

    /// <summary>All lists in their order.</summary>
    public IEnumerable<(SymbolPair Pair, long Offset)> Read()
    {
        SymbolPair pair = default;
        long offset = 0;
        foreach (var page in _pages.Append(_page.Written.ToArray()))
        {
            for (var position = 0; position < page.Length;)
            {
                position += Next(page.AsSpan(position), ref pair, ref offset);
                yield return (pair, offset);
            }
        }
    }

    private static int Next(ReadOnlySpan<byte> entries, ref SymbolPair pair, ref long offset)
    {
        var reader = new ByteReader(entries);
        var (name, value) = ((uint)reader.Uvarint(), (uint)reader.Uvarint());
        offset += (long)reader.Uvarint() * 4;
        pair = new SymbolPair(pair.Name + name, name == 0 ? pair.Value + value : value);
        return reader.Position;
    }
}
