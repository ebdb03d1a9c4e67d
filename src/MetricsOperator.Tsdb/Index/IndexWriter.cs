using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Index;

/// <summary>
/// Writes an index file: symbols, then series in label order, then <see cref="Finish"/>. Memory is four bytes per symbol and series and a
/// bounded buffer: the postings are made by reading the written series back, some label names at a time.
/// </summary>
internal sealed class IndexWriter : IDisposable
{
    /// <summary>Postings (8 bytes each) that are sorted at once, unless one label name alone has more.</summary>
    private const int BatchPostings = 500_000;

    private readonly FileWriter _file;
    private readonly ByteWriter _entry = new(1024);
    private readonly List<uint> _symbolOffsets = [];
    private readonly List<uint> _series = [];
    private readonly SortedDictionary<uint, int> _nameCounts = [];

    /// <summary>The postings table until it is written: per list the ordinals of name and value, and how far it lies behind the one before, in words.</summary>
    private readonly ByteWriter _table = new(4096);
    private uint _tableEntries;
    private long _lastPostings;
    private long _symbolsStart;
    private long _seriesStart;
    private uint _symbolsExpected;

    public IndexWriter(FileLayer files, string path)
    {
        _file = new FileWriter(files, path);
        _file.Be32(IndexFormat.Magic);
        _file.Write([IndexFormat.Version]);
    }

    public int SeriesCount => _series.Count;

    /// <summary>Announces how many symbols follow.</summary>
    public void BeginSymbols(uint count)
    {
        _symbolsExpected = count;
        _symbolsStart = _file.Position;
        _file.Be32(0);
        _file.StartChecksum();
        _file.Be32(count);
    }

    /// <summary>Adds the next symbol in bytewise order; its ordinal is the number of symbols before it.</summary>
    public void AddSymbol(ReadOnlySpan<byte> text)
    {
        _symbolOffsets.Add(checked((uint)(_file.Position - _symbolsStart)));
        _entry.Clear();
        _entry.Text(text);
        _file.Write(_entry.Written);
    }

    public void EndSymbols()
    {
        if (_symbolOffsets.Count != _symbolsExpected)
        {
            throw new InvalidOperationException($"BUG: got {_symbolOffsets.Count} symbols, want {_symbolsExpected}");
        }

        var length = checked((uint)(_file.Position - _symbolsStart - 4));
        _file.WriteChecksum();
        _file.PatchBe32(_symbolsStart, length);
        _seriesStart = _file.Position;
    }

    /// <summary>Adds the next series in label order.</summary>
    public void AddSeries(ReadOnlySpan<SymbolPair> labels, ReadOnlySpan<BlockChunk> chunks)
    {
        _file.Align(IndexFormat.SeriesAlignment);
        _series.Add(checked((uint)(_file.Position / IndexFormat.SeriesAlignment)));
        _entry.Clear();
        _entry.Uvarint((uint)labels.Length);
        foreach (var pair in labels)
        {
            _entry.Uvarint(pair.Name);
            _entry.Uvarint(pair.Value);
            CountName(pair.Name);
        }

        _entry.Uvarint((uint)chunks.Length);
        for (var i = 0; i < chunks.Length; i++)
        {
            ref readonly var chunk = ref chunks[i];
            if (i == 0)
            {
                _entry.Varint(chunk.MinTime);
                _entry.Uvarint((ulong)(chunk.MaxTime - chunk.MinTime));
                _entry.Uvarint(chunk.Reference);
            }
            else
            {
                _entry.Uvarint((ulong)(chunk.MinTime - chunks[i - 1].MaxTime));
                _entry.Uvarint((ulong)(chunk.MaxTime - chunk.MinTime));
                _entry.Varint((long)(chunk.Reference - chunks[i - 1].Reference));
            }
        }

        Span<byte> length = stackalloc byte[10];
        var lengthBytes = PutUvarint(length, (ulong)_entry.Length);
        _file.Write(length[..lengthBytes]);
        _file.StartChecksum();
        _file.Write(_entry.Written);
        _file.WriteChecksum();
    }

    /// <summary>Writes postings, their table and the table of contents, and makes the file durable.</summary>
    public void Finish(CancellationToken cancellation)
    {
        var seriesEnd = _file.Position;
        _file.Align(4);
        var postingsStart = _file.Position;
        WritePostings(default, CollectionsMarshal.AsSpan(_series));
        _file.Flush();
        using (var written = new MappedFile(_file.Path))
        {
            foreach (var names in Batches())
            {
                cancellation.ThrowIfCancellationRequested();
                WritePostings(written, names, seriesEnd);
            }

            _file.Align(4);
            var tableStart = _file.Position;
            WriteTable(written);
            WriteToc(postingsStart, tableStart);
        }

        _file.Sync();
    }

    public void Dispose() => _file.Dispose();

    private static int PutUvarint(Span<byte> into, ulong value)
    {
        var count = 0;
        while (value >= 0x80)
        {
            into[count++] = (byte)(value | 0x80);
            value >>= 7;
        }

        into[count++] = (byte)value;
        return count;
    }

    private void CountName(uint name) => _nameCounts[name] = _nameCounts.GetValueOrDefault(name) + 1;

    private IEnumerable<List<uint>> Batches()
    {
        var batch = new List<uint>();
        long size = 0;
        foreach (var (name, count) in _nameCounts)
        {
            if (batch.Count > 0 && size + count > BatchPostings)
            {
                yield return batch;
                batch = [];
                size = 0;
            }

            batch.Add(name);
            size += count;
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }

    private void WritePostings(MappedFile written, List<uint> names, long seriesEnd)
    {
        // Per name: value ordinal and series in one word, so that sorting gives the lists.
        var postings = names.ToDictionary(n => n, n => (Words: new ulong[_nameCounts[n]], Used: 0));
        foreach (var series in _series)
        {
            var offset = (long)series * IndexFormat.SeriesAlignment;
            var reader = new ByteReader(written.Span(offset, (int)Math.Min(int.MaxValue, seriesEnd - offset)));
            reader.Uvarint();
            for (var labels = reader.Uvarint(); labels > 0; labels--)
            {
                var name = (uint)reader.Uvarint();
                var value = reader.Uvarint();
                ref var list = ref CollectionsMarshal.GetValueRefOrNullRef(postings, name);
                if (!System.Runtime.CompilerServices.Unsafe.IsNullRef(ref list))
                {
                    list.Words[list.Used++] = (value << 32) | series;
                }
            }
        }

        var one = new List<uint>();
        foreach (var name in names)
        {
            var words = postings[name].Words;
            Array.Sort(words);
            for (var start = 0; start < words.Length;)
            {
                var value = (uint)(words[start] >> 32);
                one.Clear();
                for (; start < words.Length && (uint)(words[start] >> 32) == value; start++)
                {
                    one.Add((uint)words[start]);
                }

                WritePostings(new SymbolPair(name, value), CollectionsMarshal.AsSpan(one));
            }
        }
    }

    private void WritePostings(SymbolPair pair, ReadOnlySpan<uint> series)
    {
        _file.Align(4);
        _table.Uvarint(pair.Name);
        _table.Uvarint(pair.Value);
        _table.Uvarint((ulong)(_file.Position - _lastPostings) / 4);
        _lastPostings = _file.Position;
        _tableEntries++;
        _file.Be32(checked((uint)(4 + (series.Length * 4L))));
        _file.StartChecksum();
        _file.Be32((uint)series.Length);
        Span<byte> bytes = stackalloc byte[1024];
        while (!series.IsEmpty)
        {
            var part = series[..Math.Min(series.Length, bytes.Length / 4)];
            for (var i = 0; i < part.Length; i++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(bytes[(i * 4)..], part[i]);
            }

            _file.Write(bytes[..(part.Length * 4)]);
            series = series[part.Length..];
        }

        _file.WriteChecksum();
    }

    private void WriteTable(MappedFile written)
    {
        var start = _file.Position;
        _file.Be32(0);
        _file.StartChecksum();
        _file.Be32(_tableEntries);
        var entries = new ByteReader(_table.Written);
        long offset = 0;
        for (var i = 0; i < _tableEntries; i++)
        {
            var (name, value) = ((uint)entries.Uvarint(), (uint)entries.Uvarint());
            offset += (long)entries.Uvarint() * 4;
            _entry.Clear();
            _entry.U8(2);

            // The first list is that of all series, whose key is two empty texts.
            _entry.Text(i == 0 ? default : Symbol(written, name));
            _entry.Text(i == 0 ? default : Symbol(written, value));
            _entry.Uvarint((ulong)offset);
            _file.Write(_entry.Written);
        }

        var length = _file.Position - start - 4;
        if (length > uint.MaxValue)
        {
            throw new StorageException($"cannot write {_file.Path}: its postings table would have {length} bytes, want at most {uint.MaxValue}");
        }

        _file.WriteChecksum();
        _file.PatchBe32(start, (uint)length);
    }

    private ReadOnlySpan<byte> Symbol(MappedFile written, uint ordinal)
    {
        var reader = new ByteReader(written.Span(_symbolsStart + _symbolOffsets[(int)ordinal], int.MaxValue));
        return reader.Text();
    }

    private void WriteToc(long postingsStart, long tableStart)
    {
        _file.StartChecksum();
        _file.Be64((ulong)_symbolsStart);
        _file.Be64((ulong)_seriesStart);

        // Label indices and their table are sections that no reader needs; empty ones begin where their neighbours begin.
        _file.Be64((ulong)postingsStart);
        _file.Be64((ulong)tableStart);
        _file.Be64((ulong)postingsStart);
        _file.Be64((ulong)tableStart);
        _file.WriteChecksum();
    }
}
