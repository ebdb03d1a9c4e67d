using MetricsOperator.Timeseries.Hashing;

namespace MetricsOperator.Tsdb.Head;

/// <summary>Label names and values of the head, each text once, counted by use. Not thread-safe: the head's lock guards it.</summary>
internal sealed class SymbolTable(HeadMemory memory, ByteArena arena)
{
    private readonly HashIndex _index = new(memory);
    private readonly PagedTable<Symbol> _symbols = new(memory, HeadMemoryUse.Symbols);
    private int _firstFree = -1;

    /// <summary>Symbol numbers are below this.</summary>
    public int Limit { get; private set; }

    public ReadOnlySpan<byte> Text(int symbol)
    {
        ref var entry = ref _symbols[symbol];
        return entry.Handle == 0 ? default : arena.Get(entry.Handle)[..entry.Length];
    }

    public int LengthOf(int symbol) => _symbols[symbol].Length;

    /// <summary>False for a number that is free.</summary>
    public bool IsUsed(int symbol) => _symbols[symbol].References > 0;

    /// <summary>Number of a text, or -1.</summary>
    public int Find(ReadOnlySpan<byte> text)
    {
        var hash = (uint)StableHash.Hash64(text);
        for (var position = _index.First(hash); _index.Next(hash, ref position, out var symbol);)
        {
            if (Text(symbol).SequenceEqual(text))
            {
                return symbol;
            }
        }

        return -1;
    }

    /// <summary>Number of a text, which becomes known if it is not; counts one use.</summary>
    public int Acquire(ReadOnlySpan<byte> text)
    {
        var symbol = Find(text);
        if (symbol < 0)
        {
            symbol = Add(text);
        }

        _symbols[symbol].References++;
        return symbol;
    }

    /// <summary>Takes one use back; a text without uses is forgotten and its number given to another.</summary>
    public void Release(int symbol)
    {
        ref var entry = ref _symbols[symbol];
        if (--entry.References > 0)
        {
            return;
        }

        _index.Remove(entry.Hash, symbol);
        if (entry.Handle != 0)
        {
            arena.Free(entry.Handle, HeadMemoryUse.Symbols);
        }

        entry = new Symbol { Length = _firstFree };
        _firstFree = symbol;
    }

    /// <summary>Makes room for symbols that come with their numbers; the table is empty.</summary>
    public void Prepare(int limit)
    {
        _index.Clear(limit);
        if (limit > 0)
        {
            _symbols.Reserve(limit - 1);
        }

        Limit = limit;
    }

    /// <summary>Gives a text a number that <see cref="Prepare"/> made room for; it has no uses yet.</summary>
    public void Restore(int symbol, ReadOnlySpan<byte> text) => Set(symbol, text);

    /// <summary>Counts more uses of a symbol; false when it has no text.</summary>
    public bool TryAcquire(int symbol, int count)
    {
        if ((uint)symbol >= (uint)Limit)
        {
            return false;
        }

        ref var entry = ref _symbols[symbol];
        entry.References += count;
        return entry.Handle != 0;
    }

    /// <summary>True if a number has a text.</summary>
    public bool HasText(int symbol) => (uint)symbol < (uint)Limit && _symbols[symbol].Handle != 0;

    /// <summary>Forgets texts without uses, and gives numbers without a text to others.</summary>
    public void FreeUnused()
    {
        for (var symbol = Limit - 1; symbol >= 0; symbol--)
        {
            ref var entry = ref _symbols[symbol];
            if (entry.References > 0)
            {
                continue;
            }

            if (_index.Contains(entry.Hash, symbol))
            {
                entry.References = 1;
                Release(symbol);
            }
            else
            {
                entry = new Symbol { Length = _firstFree };
                _firstFree = symbol;
            }
        }
    }

    /// <summary>Forgets everything without giving memory back; to be called when the memory is gone.</summary>
    public void Abandon()
    {
        _index.Abandon();
        _symbols.Abandon();
        Limit = 0;
    }

    private int Add(ReadOnlySpan<byte> text)
    {
        int symbol;
        if (_firstFree >= 0)
        {
            symbol = _firstFree;
            _firstFree = _symbols[symbol].Length;
        }
        else
        {
            _symbols.Reserve(Limit);
            symbol = Limit++;
        }

        Set(symbol, text);
        return symbol;
    }

    private void Set(int symbol, ReadOnlySpan<byte> text)
    {
        var handle = 0;
        if (!text.IsEmpty)
        {
            handle = arena.Allocate(text.Length, HeadMemoryUse.Symbols);
            text.CopyTo(arena.Get(handle));
        }

        var hash = (uint)StableHash.Hash64(text);
        _symbols[symbol] = new Symbol { Handle = handle, Length = text.Length, Hash = hash };
        _index.Add(hash, symbol);
    }

    private struct Symbol
    {
        public int Handle;

        /// <summary>Bytes of the text; for a free number the next free number.</summary>
        public int Length;
        public int References;
        public uint Hash;
    }
}
