using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Index;

/// <summary>
/// Writes an index file: symbols, then series in label order, then <see cref="Finish"/>. Memory is about four bytes per label pair and a bounded
/// buffer, however many series and symbols there are: the postings are made by reading the written series back, some label names at a time, and of a
/// name with very many some values at a time.
/// </summary>
internal sealed class IndexWriter : IDisposable
{
    /// <summary>Symbols whose place is not kept, between two whose is.</summary>
    private const int Sampling = 32;

    private readonly FileWriter _file;
    private readonly ByteWriter _entry = new(1024);
    private readonly List<uint> _symbolSamples = [];
    private readonly SortedDictionary<uint, int> _nameCounts = [];
    private readonly PostingsTableSpool _table = new();
    private uint _symbols;
    private int _series;
    private long _symbolsStart;
    private long _seriesStart;
    private uint _symbolsExpected;

    public IndexWriter(FileLayer files, string path)
    {
        _file = new FileWriter(files, path);
        _file.Be32(IndexFormat.Magic);
        _file.Write([IndexFormat.Version]);
    }

    /// <summary>Postings that are sorted at once, in 8 bytes each.</summary>
    public int BatchPostings { get; init; } = 500_000;

    public int SeriesCount => _series;

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
        if (_symbols++ % Sampling == 0)
        {
            _symbolSamples.Add(checked((uint)(_file.Position - _symbolsStart)));
        }

        _entry.Clear();
        _entry.Text(text);
        _file.Write(_entry.Written);
    }

    public void EndSymbols()
    {
        if (_symbols != _symbolsExpected)
        {
            throw new InvalidOperationException($"BUG: got {_symbols} symbols, want {_symbolsExpected}");
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
        _ = checked((uint)(_file.Position / IndexFormat.SeriesAlignment));
        _series++;
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
        _file.Flush();
        using (var written = new MappedFile(_file.Path))
        {
            var series = new WrittenSeries(written, _seriesStart, seriesEnd);
            new PostingsWriter(_file, _table, series, _symbols, BatchPostings).Write(_nameCounts, _series, cancellation);
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

    private void WriteTable(MappedFile written)
    {
        var start = _file.Position;
        _file.Be32(0);
        _file.StartChecksum();
        _file.Be32(_table.Entries);
        var isFirst = true;
        foreach (var (pair, offset) in _table.Read())
        {
            _entry.Clear();
            _entry.U8(2);

            // The first list is that of all series, whose key is two empty texts.
            _entry.Text(isFirst ? default : Symbol(written, pair.Name));
            _entry.Text(isFirst ? default : Symbol(written, pair.Value));
            _entry.Uvarint((ulong)offset);
            _file.Write(_entry.Written);
            isFirst = false;
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
        var reader = new ByteReader(written.Span(_symbolsStart + _symbolSamples[(int)(ordinal / Sampling)], int.MaxValue));
        for (var skip = ordinal % Sampling; skip > 0; skip--)
        {
            reader.Text();
        }

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
