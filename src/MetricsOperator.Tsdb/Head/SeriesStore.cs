using System.Buffers;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// The series of the head, numbered densely in order of creation, with their labels and indexes. Not thread-safe: the head's lock guards
/// it. Numbers change in <see cref="RemoveAll"/>; references never do.
/// </summary>
internal sealed class SeriesStore : IDisposable
{
    private readonly PagedTable<MemSeries> _series;
    private readonly HashIndex _byReference;
    private readonly HashIndex _byLabels;
    private readonly Dictionary<ulong, ulong> _aliases = [];
    private readonly ByteWriter _labelBuffer = new(512);
    private readonly LabelSetBuilder _builder = new();

    public SeriesStore()
    {
        Arena = new ByteArena(Memory);
        Symbols = new SymbolTable(Memory, Arena);
        Postings = new PostingsIndex(Memory.Part(), new ByteArena(Memory.Part()));
        _series = new PagedTable<MemSeries>(Memory, HeadMemoryUse.Series);
        _byReference = new HashIndex(Memory);
        _byLabels = new HashIndex(Memory);
    }

    /// <summary>Where everything here lives.</summary>
    public HeadMemory Memory { get; } = new();

    public ByteArena Arena { get; }

    public SymbolTable Symbols { get; }

    public PostingsIndex Postings { get; }

    /// <summary>Series; their numbers are below this.</summary>
    public int Count { get; private set; }

    /// <summary>Highest reference ever seen; the next series gets a higher one.</summary>
    public ulong LastReference { get; private set; }

    /// <summary>Bytes of memory for everything but histograms and late samples.</summary>
    public long Bytes => Memory.Bytes;

    public ref MemSeries this[int number] => ref _series[number];

    /// <summary>Remembers a reference that exists somewhere, so that it is never given to a new series.</summary>
    public void ObserveReference(ulong reference) => LastReference = Math.Max(LastReference, reference);

    /// <summary>Number of the series with a reference, or -1.</summary>
    public int Find(ulong reference)
    {
        var hash = HashOf(reference);
        for (var position = _byReference.First(hash); _byReference.Next(hash, ref position, out var number);)
        {
            if (this[number].Reference == reference)
            {
                return number;
            }
        }

        return _aliases.Count > 0 && _aliases.TryGetValue(reference, out var alias) ? Find(alias) : -1;
    }

    /// <summary>Number of the series with a reference, or -1; quick when it still has the number that it had before.</summary>
    public int Find(ulong reference, int before) =>
        (uint)before < (uint)Count && this[before].Reference == reference ? before : Find(reference);

    /// <summary>Number of the series with these labels, or -1.</summary>
    public int Find(LabelSet labels)
    {
        var hash = (uint)labels.Hash;
        for (var position = _byLabels.First(hash); _byLabels.Next(hash, ref position, out var number);)
        {
            if (HasLabels(number, labels))
            {
                return number;
            }
        }

        return -1;
    }

    /// <summary>Creates a series with labels that no other has.</summary>
    /// <param name="labels">Its labels.</param>
    /// <param name="reference">Its reference, or 0 for the next one.</param>
    public int Create(LabelSet labels, ulong reference)
    {
        if (reference == 0)
        {
            reference = LastReference + 1;
        }

        ObserveReference(reference);
        var number = Count++;
        _series.Reserve(number);
        _labelBuffer.Clear();
        foreach (var label in labels)
        {
            var name = Symbols.Acquire(label.Name);
            var value = Symbols.Acquire(label.Value);
            _labelBuffer.Uvarint((uint)name);
            _labelBuffer.Uvarint((uint)value);
            Postings.Add(name, value, number);
        }

        Add(number, reference, (uint)labels.Hash, _labelBuffer.Written);
        return number;
    }

    /// <summary>Makes room for series and symbols that come with their numbers; the store is empty.</summary>
    public void Prepare(int series, int symbols)
    {
        Symbols.Prepare(symbols);
        _byReference.Clear(series);
        _byLabels.Clear(series);
    }

    /// <summary>Asks for the memory that <see cref="Restore"/> will need for a series, without waiting for it.</summary>
    public void Prefetch(ulong reference, uint labelHash)
    {
        _byReference.Prefetch(HashOf(reference));
        _byLabels.Prefetch(labelHash);
    }

    /// <summary>Creates a series whose label symbols are known; <see cref="LabelRestorer"/> does the rest.</summary>
    /// <param name="reference">Its reference.</param>
    /// <param name="labelHash">Lower half of the hash of its labels.</param>
    /// <param name="symbols">Name and value symbols as <see cref="LabelsAt"/> walks them.</param>
    /// <returns>Its number.</returns>
    public int Restore(ulong reference, uint labelHash, ReadOnlySpan<byte> symbols)
    {
        ObserveReference(reference);
        var number = Count++;
        _series.Reserve(number);
        Add(number, reference, labelHash, symbols);
        return number;
    }

    /// <summary>Labels by their symbols; those without a text are left out.</summary>
    public LabelSet LabelSetOf(ReadOnlySpan<byte> symbols)
    {
        _builder.Reset();
        for (var labels = new LabelSymbols(symbols); labels.MoveNext();)
        {
            if (Symbols.HasText(labels.Name) && Symbols.HasText(labels.Value))
            {
                _builder.Set(Symbols.Text(labels.Name), Symbols.Text(labels.Value));
            }
        }

        return _builder.Build();
    }

    /// <summary>Makes a second reference mean the series of another.</summary>
    public void AddAlias(ulong alias, ulong reference)
    {
        ObserveReference(alias);
        if (alias != reference)
        {
            _aliases[alias] = reference;
        }
    }

    /// <summary>Walks the label symbols of a series.</summary>
    public LabelSymbols LabelsOf(int number) => LabelsAt(this[number].Labels);

    /// <inheritdoc cref="LabelsOf"/>
    public LabelSymbols LabelsAt(int handle) => new(new ByteReader(Arena.Get(handle)).Text());

    /// <summary>Labels of a series by the handle of its label list.</summary>
    public LabelSet LabelSetAt(int handle)
    {
        var encoded = ArrayPool<byte>.Shared.Rent(EncodedLength(handle));
        try
        {
            var length = 0;
            for (var labels = LabelsAt(handle); labels.MoveNext();)
            {
                length += WriteText(encoded.AsSpan(length), Symbols.Text(labels.Name));
                length += WriteText(encoded.AsSpan(length), Symbols.Text(labels.Value));
            }

            return LabelSet.FromEncoded(encoded.AsSpan(0, length)) ?? throw new InvalidOperationException("BUG: labels of a series are not a label set");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(encoded);
        }
    }

    /// <summary>Value of a label of a series, or empty.</summary>
    public ReadOnlySpan<byte> ValueOf(int handle, ReadOnlySpan<byte> name)
    {
        for (var labels = LabelsAt(handle); labels.MoveNext();)
        {
            if (Symbols.Text(labels.Name).SequenceEqual(name))
            {
                return Symbols.Text(labels.Value);
            }
        }

        return default;
    }

    /// <summary>Labels from a log record; foreign logs may be unsorted or hold empty values.</summary>
    public LabelSet? Decode(ReadOnlySpan<byte> encoded)
    {
        if (LabelSet.FromEncoded(encoded) is { } labels)
        {
            return labels;
        }

        _builder.Reset();
        var reader = new ByteReader(encoded);
        while (reader.Remaining > 0)
        {
            var name = reader.Text();
            var value = reader.Text();
            if (reader.Failed)
            {
                return null;
            }

            _builder.Set(name, value);
        }

        return _builder.Build();
    }

    /// <summary>Removes the series that <paramref name="isDead"/> names, numbers the others anew and rebuilds the indexes.</summary>
    /// <returns>References of the removed series.</returns>
    public List<ulong> RemoveAll(Func<int, bool> isDead)
    {
        var removed = new List<ulong>();
        var kept = 0;
        for (var number = 0; number < Count; number++)
        {
            ref var series = ref this[number];
            if (isDead(number))
            {
                removed.Add(series.Reference);
                for (var labels = LabelsAt(series.Labels); labels.MoveNext();)
                {
                    Symbols.Release(labels.Name);
                    Symbols.Release(labels.Value);
                }

                Arena.Free(series.Labels, HeadMemoryUse.Labels);
                continue;
            }

            if (kept != number)
            {
                this[kept] = series;
            }

            kept++;
        }

        if (removed.Count == 0)
        {
            return removed;
        }

        _series.Trim(kept);
        Count = kept;
        Postings.Clear();
        _byReference.Clear(kept);
        _byLabels.Clear(kept);
        for (var number = 0; number < kept; number++)
        {
            ref var series = ref this[number];
            _byLabels.Add(series.LabelHash, number);
            _byReference.Add(HashOf(series.Reference), number);
            for (var labels = LabelsAt(series.Labels); labels.MoveNext();)
            {
                Postings.Add(labels.Name, labels.Value, number);
            }
        }

        foreach (var (alias, reference) in _aliases.ToList())
        {
            if (Find(reference) < 0)
            {
                _aliases.Remove(alias);
            }
        }

        return removed;
    }

    /// <summary>References that mean a series with another reference.</summary>
    public IReadOnlyDictionary<ulong, ulong> Aliases => _aliases;

    /// <summary>Gives all memory back; the store is empty then, and every number and handle invalid.</summary>
    public void Dispose()
    {
        Count = 0;
        Arena.Abandon();
        Symbols.Abandon();
        Postings.Abandon();
        _series.Abandon();
        _byReference.Abandon();
        _byLabels.Abandon();
        Memory.Dispose();
    }

    private static uint HashOf(ulong reference) => (uint)((reference * 0x9E3779B97F4A7C15) >> 32);

    private static int WriteText(Span<byte> destination, ReadOnlySpan<byte> text)
    {
        var length = (uint)text.Length;
        var position = 0;
        while (length >= 0x80)
        {
            destination[position++] = (byte)(length | 0x80);
            length >>= 7;
        }

        destination[position++] = (byte)length;
        text.CopyTo(destination[position..]);
        return position + text.Length;
    }

    private void Add(int number, ulong reference, uint labelHash, ReadOnlySpan<byte> symbols)
    {
        // The length in front tells where the list ends in a slot that may be longer.
        var handle = Arena.Allocate(symbols.Length + 5, HeadMemoryUse.Labels);
        WriteText(Arena.Get(handle), symbols);
        this[number] = new MemSeries
        {
            Reference = reference,
            Labels = handle,
            LabelHash = labelHash,
            LastTime = long.MinValue,
            SealedMaxTime = long.MinValue,
            Histogram = -1,
        };
        _byLabels.Add(labelHash, number);
        _byReference.Add(HashOf(reference), number);
    }

    private int EncodedLength(int handle)
    {
        var length = 0;
        for (var labels = LabelsAt(handle); labels.MoveNext();)
        {
            length += Symbols.LengthOf(labels.Name) + Symbols.LengthOf(labels.Value) + 10;
        }

        return length;
    }

    private bool HasLabels(int number, LabelSet wanted) => HasLabelsAt(this[number].Labels, wanted);

    /// <summary>True if a label list, by its handle, is exactly a set of labels.</summary>
    public bool HasLabelsAt(int handle, LabelSet wanted)
    {
        var labels = LabelsAt(handle);
        foreach (var label in wanted)
        {
            if (!labels.MoveNext()
                || !Symbols.Text(labels.Name).SequenceEqual(label.Name)
                || !Symbols.Text(labels.Value).SequenceEqual(label.Value))
            {
                return false;
            }
        }

        return !labels.MoveNext();
    }
}

/// <summary>Walks the label symbols of one series, in name order.</summary>
internal ref struct LabelSymbols(ReadOnlySpan<byte> list)
{
    private ByteReader _reader = new(list);

    public int Name { get; private set; }

    public int Value { get; private set; }

    public bool MoveNext()
    {
        if (_reader.Remaining == 0)
        {
            return false;
        }

        Name = (int)_reader.Uvarint();
        Value = (int)_reader.Uvarint();
        return true;
    }
}
