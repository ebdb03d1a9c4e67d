using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Index;

/// <summary>Writes the postings lists of an index from its series, which it reads as often as its memory is too small for all of them.</summary>
/// <param name="file">Where to.</param>
/// <param name="table">Told of each list.</param>
/// <param name="series">The series.</param>
/// <param name="symbols">How many symbols there are.</param>
/// <param name="batch">Postings, of 8 bytes each, that are sorted at once.</param>
internal sealed class PostingsWriter(FileWriter file, PostingsTableSpool table, WrittenSeries series, uint symbols, int batch)
{
    /// <summary>Parts that the values of a name are counted in.</summary>
    private const int Parts = 1024;

    private readonly byte[] _buffer = new byte[4096];
    private int _buffered;

    /// <summary>Writes the list of all series, then those of all label pairs by name and value.</summary>
    /// <param name="nameCounts">Series with each name.</param>
    /// <param name="count">Series.</param>
    /// <param name="cancellation">Stops between two readings of the series.</param>
    public void Write(SortedDictionary<uint, int> nameCounts, int count, CancellationToken cancellation)
    {
        Start(default, count);
        for (var walk = series.GetEnumerator(); walk.MoveNext();)
        {
            Add(walk.Reference);
        }

        End();
        foreach (var names in Batches(nameCounts))
        {
            cancellation.ThrowIfCancellationRequested();
            if (names is [var name] && nameCounts[name] > batch)
            {
                WriteValues(name, 0, symbols, nameCounts[name], cancellation);
            }
            else
            {
                WriteNames(names, nameCounts);
            }
        }
    }

    private IEnumerable<List<uint>> Batches(SortedDictionary<uint, int> nameCounts)
    {
        var names = new List<uint>();
        long size = 0;
        foreach (var (name, count) in nameCounts)
        {
            if (names.Count > 0 && size + count > batch)
            {
                yield return names;
                names = [];
                size = 0;
            }

            names.Add(name);
            size += count;
        }

        if (names.Count > 0)
        {
            yield return names;
        }
    }

    private void WriteNames(List<uint> names, SortedDictionary<uint, int> nameCounts)
    {
        // Per name: value ordinal and series in one word, so that sorting gives the lists.
        var postings = names.ToDictionary(n => n, n => (Words: new ulong[nameCounts[n]], Used: 0));
        for (var walk = series.GetEnumerator(); walk.MoveNext();)
        {
            var reader = walk.Labels;
            for (var labels = reader.Uvarint(); labels > 0; labels--)
            {
                var name = (uint)reader.Uvarint();
                var value = reader.Uvarint();
                ref var list = ref CollectionsMarshal.GetValueRefOrNullRef(postings, name);
                if (!Unsafe.IsNullRef(ref list))
                {
                    list.Words[list.Used++] = (value << 32) | walk.Reference;
                }
            }
        }

        foreach (var name in names)
        {
            WriteSorted(name, postings[name].Words);
        }
    }

    // The lists of some values of one name that has too many postings to sort them all. A value that alone has too many needs no sorting.
    private void WriteValues(uint name, uint first, uint end, int count, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (count <= batch)
        {
            WriteRange(name, first, end, count);
        }
        else if (end - first == 1)
        {
            WriteOne(new SymbolPair(name, first), count);
        }
        else
        {
            WriteParts(name, first, end, cancellation);
        }
    }

    private void WriteParts(uint name, uint first, uint end, CancellationToken cancellation)
    {
        var width = ((end - first - 1) / Parts) + 1;
        var counts = new int[Parts];
        for (var walk = series.GetEnumerator(); walk.MoveNext();)
        {
            if (ValueOf(walk.Labels, name) is { } value && value >= first && value < end)
            {
                counts[(value - first) / width]++;
            }
        }

        // Parts that follow one another are sorted together as long as they fit.
        var (start, sum) = (first, 0);
        for (var part = 0; part < Parts && first + ((ulong)part * width) < end; part++)
        {
            var partStart = first + ((uint)part * width);
            if (sum > 0 && sum + (long)counts[part] > batch)
            {
                WriteValues(name, start, partStart, sum, cancellation);
                sum = 0;
            }

            start = sum == 0 ? partStart : start;
            sum += counts[part];
        }

        if (sum > 0)
        {
            WriteValues(name, start, end, sum, cancellation);
        }
    }

    private void WriteRange(uint name, uint first, uint end, int count)
    {
        var words = new ulong[count];
        var used = 0;
        for (var walk = series.GetEnumerator(); walk.MoveNext();)
        {
            if (ValueOf(walk.Labels, name) is { } value && value >= first && value < end)
            {
                words[used++] = ((ulong)value << 32) | walk.Reference;
            }
        }

        WriteSorted(name, words);
    }

    private void WriteOne(SymbolPair pair, int count)
    {
        Start(pair, count);
        for (var walk = series.GetEnumerator(); walk.MoveNext();)
        {
            if (ValueOf(walk.Labels, pair.Name) == pair.Value)
            {
                Add(walk.Reference);
            }
        }

        End();
    }

    private static uint? ValueOf(ByteReader reader, uint name)
    {
        for (var labels = reader.Uvarint(); labels > 0; labels--)
        {
            var candidate = (uint)reader.Uvarint();
            var value = (uint)reader.Uvarint();
            if (candidate == name)
            {
                return value;
            }
        }

        return null;
    }

    private void WriteSorted(uint name, ulong[] words)
    {
        Array.Sort(words);
        for (var start = 0; start < words.Length;)
        {
            var value = (uint)(words[start] >> 32);
            var end = start + 1;
            while (end < words.Length && (uint)(words[end] >> 32) == value)
            {
                end++;
            }

            Start(new SymbolPair(name, value), end - start);
            for (; start < end; start++)
            {
                Add((uint)words[start]);
            }

            End();
        }
    }

    private void Start(SymbolPair pair, int count)
    {
        file.Align(4);
        table.Add(pair, file.Position);
        file.Be32(checked((uint)(4 + (count * 4L))));
        file.StartChecksum();
        file.Be32((uint)count);
    }

    private void Add(uint reference)
    {
        if (_buffered == _buffer.Length)
        {
            Flush();
        }

        BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(_buffered), reference);
        _buffered += 4;
    }

    private void End()
    {
        Flush();
        file.WriteChecksum();
    }

    private void Flush()
    {
        file.Write(_buffer.AsSpan(0, _buffered));
        _buffered = 0;
    }
}
