using System.Text;

namespace MetricsOperator.Timeseries.Labels;

/// <summary>
/// Builds a <see cref="LabelSet"/>, from nothing or by changing another one. Reusable after <see cref="Reset(LabelSet?)"/>, then without
/// allocating; not thread-safe.
/// </summary>
public sealed class LabelSetBuilder
{
    // Names and values are appended here; what a change leaves behind is garbage until the next reset.
    private byte[] _text = new byte[512];
    private int _used;

    // Sorted by name.
    private Entry[] _entries = new Entry[16];

    public LabelSetBuilder()
    {
    }

    public LabelSetBuilder(LabelSet from) => Reset(from);

    /// <summary>Number of labels set now.</summary>
    public int Count { get; private set; }

    /// <summary>Starts over from <paramref name="from"/>, or from no labels.</summary>
    public LabelSetBuilder Reset(LabelSet? from = null)
    {
        _used = 0;
        Count = 0;
        if (from is not null)
        {
            foreach (var label in from)
            {
                Insert(Count, Store(label.Name), Store(label.Value));
            }
        }

        return this;
    }

    /// <summary>Sets a label; an empty value removes it.</summary>
    public LabelSetBuilder Set(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var index = Find(name);
        if (value.IsEmpty)
        {
            if (index >= 0)
            {
                RemoveAt(index);
            }
        }
        else if (index >= 0)
        {
            _entries[index].Value = Store(value);
        }
        else
        {
            Insert(~index, Store(name), Store(value));
        }

        return this;
    }

    /// <inheritdoc cref="Set(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>
    public LabelSetBuilder Set(string name, string value)
    {
        Span<byte> buffer = stackalloc byte[512];
        var nameSize = Encoding.UTF8.GetMaxByteCount(name.Length);
        var size = nameSize + Encoding.UTF8.GetMaxByteCount(value.Length);
        var utf8 = size <= buffer.Length ? buffer : new byte[size];
        var nameLength = Encoding.UTF8.GetBytes(name, utf8);
        var valueLength = Encoding.UTF8.GetBytes(value, utf8[nameLength..]);
        return Set(utf8[..nameLength], utf8.Slice(nameLength, valueLength));
    }

    /// <summary>Removes a label if it exists.</summary>
    public LabelSetBuilder Remove(ReadOnlySpan<byte> name) => Set(name, default);

    /// <inheritdoc cref="Remove(ReadOnlySpan{byte})"/>
    public LabelSetBuilder Remove(string name) => Set(name, string.Empty);

    /// <summary>The value of a label, or an empty string.</summary>
    public string Get(string name)
    {
        Span<byte> buffer = stackalloc byte[256];
        var size = Encoding.UTF8.GetMaxByteCount(name.Length);
        var utf8 = size <= buffer.Length ? buffer : new byte[size];
        var value = GetUtf8(utf8[..Encoding.UTF8.GetBytes(name, utf8)]);
        return value.IsEmpty ? string.Empty : Encoding.UTF8.GetString(value);
    }

    /// <summary>The value of a label as UTF-8, or empty; valid until the next reset.</summary>
    public ReadOnlySpan<byte> GetUtf8(ReadOnlySpan<byte> name)
    {
        var index = Find(name);
        return index >= 0 ? Text(_entries[index].Value) : default;
    }

    /// <summary>Name of the label at an index below <see cref="Count"/>, in name order; valid until the next reset.</summary>
    public ReadOnlySpan<byte> NameAt(int index) => Text(_entries[index].Name);

    /// <summary>Value of the label at an index below <see cref="Count"/>, in name order; valid until the next reset.</summary>
    public ReadOnlySpan<byte> ValueAt(int index) => Text(_entries[index].Value);

    /// <summary>Removes the label at an index below <see cref="Count"/>.</summary>
    public void RemoveAt(int index)
    {
        Count--;
        Array.Copy(_entries, index + 1, _entries, index, Count - index);
    }

    /// <summary>Names that are set now, in order; a copy, so that the builder may be changed while walking it.</summary>
    public IReadOnlyList<string> Names()
    {
        var names = new string[Count];
        for (var i = 0; i < names.Length; i++)
        {
            names[i] = Encoding.UTF8.GetString(NameAt(i));
        }

        return names;
    }

    /// <summary>The labels as an immutable set.</summary>
    public LabelSet Build()
    {
        if (Count == 0)
        {
            return LabelSet.Empty;
        }

        var size = 0;
        foreach (ref readonly var entry in _entries.AsSpan(0, Count))
        {
            size += LabelEncoding.SizeOf(entry.Name.Length) + LabelEncoding.SizeOf(entry.Value.Length);
        }

        var data = new byte[size];
        var position = 0;
        foreach (ref readonly var entry in _entries.AsSpan(0, Count))
        {
            position += LabelEncoding.Write(data.AsSpan(position), Text(entry.Name));
            position += LabelEncoding.Write(data.AsSpan(position), Text(entry.Value));
        }

        return new LabelSet(data, Count);
    }

    private ReadOnlySpan<byte> Text(Piece piece) => _text.AsSpan(piece.Start, piece.Length);

    private Piece Store(ReadOnlySpan<byte> text)
    {
        var end = _used + text.Length;
        if (end > _text.Length)
        {
            // The old array stays as it is: spans handed out before, perhaps this very text, go on to be valid.
            var larger = new byte[Math.Max(_text.Length * 2, end)];
            _text.AsSpan(0, _used).CopyTo(larger);
            _text = larger;
        }

        text.CopyTo(_text.AsSpan(_used));
        var piece = new Piece(_used, text.Length);
        _used = end;
        return piece;
    }

    private void Insert(int index, Piece name, Piece value)
    {
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
        }

        Array.Copy(_entries, index, _entries, index + 1, Count - index);
        _entries[index] = new Entry { Name = name, Value = value };
        Count++;
    }

    private int Find(ReadOnlySpan<byte> name)
    {
        var low = 0;
        var high = Count - 1;
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var order = NameAt(middle).SequenceCompareTo(name);
            if (order == 0)
            {
                return middle;
            }

            if (order < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return ~low;
    }

    private readonly record struct Piece(int Start, int Length);

    private struct Entry
    {
        public Piece Name;
        public Piece Value;
    }
}
