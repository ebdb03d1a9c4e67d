using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Index;

/// <summary>
/// Reads an index file, version 1 to 3, through a mapping; label index sections are ignored. Keeps every 32nd symbol's place and every
/// 32nd entry of the postings table in memory. Thread-safe; spans are valid until Dispose.
/// </summary>
internal sealed class IndexReader : IDisposable
{
    private const int SymbolSampling = 32;

    private readonly MappedFile _file;
    private readonly bool _isV1;
    private readonly long _symbolsStart;
    private readonly long _symbolsEnd;
    private readonly long _seriesStart;
    private readonly List<long> _symbolSamples = [];
    private readonly PostingsTable _table;

    /// <exception cref="StorageException">The file is not an index or is damaged.</exception>
    public IndexReader(string path)
        : this(new MappedFile(path))
    {
    }

    /// <summary>Takes the file over, also when it is refused.</summary>
    internal IndexReader(MappedFile file)
    {
        _file = file;
        try
        {
            var header = new ByteReader(_file.Span(0, IndexFormat.HeaderBytes));
            var magic = header.Be32();
            var version = header.U8();
            if (header.Failed || magic != IndexFormat.Magic || version is < 1 or > 3)
            {
                throw Corrupt(0, $"got magic 0x{magic:x8} version {version}, want 0x{IndexFormat.Magic:x8} version 1 to 3");
            }

            _isV1 = version == 1;
            var tocStart = _file.Length - IndexFormat.TocBytes;
            var toc = new ByteReader(_file.Span(tocStart, IndexFormat.TocBytes));
            var symbols = (long)toc.Be64();
            _seriesStart = (long)toc.Be64();
            toc.Be64();
            toc.Be64();
            toc.Be64();
            var table = (long)toc.Be64();
            var checksum = toc.Be32();
            if (toc.Failed || checksum != Crc32C.Of(_file.Span(tocStart, 48)))
            {
                throw Corrupt(tocStart, "the table of contents does not match its checksum");
            }

            (_symbolsStart, _symbolsEnd) = Section(symbols, "symbols");
            SymbolCount = SampleSymbols();
            var (tableStart, tableEnd) = Section(table, "postings table");
            _table = new PostingsTable(_file, tableStart, tableEnd, isSorted: !_isV1);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public string Path => _file.Path;

    public long Length => _file.Length;

    public int SymbolCount { get; }

    public PostingsTable Postings => _table;

    /// <summary>Text of a symbol by what series name it by: its ordinal, or its offset in version 1.</summary>
    public ReadOnlySpan<byte> Symbol(uint reference)
    {
        if (_isV1)
        {
            var v1 = new ByteReader(Rest(reference, _symbolsEnd));
            var v1Text = v1.Text();
            return v1.Failed ? throw Corrupt(reference, "there is no symbol") : v1Text;
        }

        var sample = (int)(reference / SymbolSampling);
        if (sample >= _symbolSamples.Count || reference >= SymbolCount)
        {
            throw Corrupt(_symbolsStart, $"got symbol {reference}, want below {SymbolCount}");
        }

        var symbols = Rest(_symbolSamples[sample], _symbolsEnd);
        var position = 0;
        var skip = reference % SymbolSampling;

        // Fast path: texts of less than 128 bytes have a length of one byte.
        for (; skip > 0 && (uint)position < (uint)symbols.Length && symbols[position] < 0x80; skip--)
        {
            position += 1 + symbols[position];
        }

        var reader = new ByteReader(symbols[Math.Min(position, symbols.Length)..]);
        for (; skip > 0; skip--)
        {
            reader.Text();
        }

        var text = reader.Text();
        return reader.Failed ? throw Corrupt(_symbolSamples[sample], "a symbol is malformed") : text;
    }

    /// <summary>Walks the symbols in order from the one at a position, which must be a multiple of 32.</summary>
    public SymbolEnumerator SymbolsFrom(int position) => new(this, position);

    /// <summary>How many series the list at an offset of the table has, unchecked; 0 for the offset 0.</summary>
    public int PostingsCount(long offset) => offset <= 0 ? 0 : (int)Math.Min(int.MaxValue, BinaryPrimitives.ReadUInt32BigEndian(Bytes(offset + 4, 4)));

    /// <summary>Adds the series of the list at an offset of the table.</summary>
    public void ReadPostings(long offset, List<uint> into)
    {
        var (start, end) = Section(offset, "postings");
        var count = BinaryPrimitives.ReadUInt32BigEndian(Bytes(start, 4));
        if (count * 4L != end - start - 4)
        {
            throw Corrupt(offset, $"got {count} postings in {end - start} bytes");
        }

        var ids = MemoryMarshal.Cast<byte, uint>(Bytes(start + 4, (int)(count * 4)));
        var before = into.Count;
        CollectionsMarshal.SetCount(into, before + ids.Length);
        var added = CollectionsMarshal.AsSpan(into)[before..];
        if (BitConverter.IsLittleEndian)
        {
            BinaryPrimitives.ReverseEndianness(ids, added);
        }
        else
        {
            ids.CopyTo(added);
        }
    }

    /// <summary>Where the list of all series stands, and how many it has; <see cref="SeriesAt"/> reads it without a copy.</summary>
    public (long Offset, int Count) AllSeries()
    {
        var offset = _table.Find(default, default);
        if (offset <= 0)
        {
            return (0, 0);
        }

        var (start, end) = Section(offset, "postings");
        var count = BinaryPrimitives.ReadUInt32BigEndian(Bytes(start, 4));
        return count * 4L == end - start - 4 ? (start + 4, (int)count) : throw Corrupt(offset, $"got {count} postings in {end - start} bytes");
    }

    /// <summary>A series of the list that <see cref="AllSeries"/> found.</summary>
    public uint SeriesAt(long offset, int index) => BinaryPrimitives.ReadUInt32BigEndian(Bytes(offset + (index * 4L), 4));

    /// <summary>Reads a series: its label pairs and chunks replace the lists' contents.</summary>
    public void ReadSeries(uint series, List<SymbolPair> labels, List<BlockChunk> chunks)
    {
        var reader = SeriesBody(series);
        labels.Clear();
        for (var count = reader.Count(2); count > 0; count--)
        {
            labels.Add(new SymbolPair((uint)reader.Uvarint(), (uint)reader.Uvarint()));
        }

        chunks.Clear();
        BlockChunk last = default;
        var chunkCount = reader.Count(3);
        for (var i = 0; i < chunkCount; i++)
        {
            var minTime = i == 0 ? reader.Varint() : last.MaxTime + (long)reader.Uvarint();
            var maxTime = minTime + (long)reader.Uvarint();
            var reference = i == 0 ? reader.Uvarint() : last.Reference + (ulong)reader.Varint();
            last = new BlockChunk(minTime, maxTime, reference);
            chunks.Add(last);
        }

        if (reader.Failed)
        {
            throw Corrupt(OffsetOf(series), "a series is malformed");
        }
    }

    /// <summary>Value of a label of a series, or empty.</summary>
    public ReadOnlySpan<byte> ValueOf(uint series, ReadOnlySpan<byte> name)
    {
        var reader = SeriesBody(series);
        for (var count = reader.Count(2); count > 0; count--)
        {
            var nameSymbol = (uint)reader.Uvarint();
            var valueSymbol = (uint)reader.Uvarint();
            if (Symbol(nameSymbol).SequenceEqual(name))
            {
                return Symbol(valueSymbol);
            }
        }

        return default;
    }

    /// <summary>Symbol of the value of a label of a series; null without the label.</summary>
    /// <param name="series">The series.</param>
    /// <param name="name">The name of the label.</param>
    /// <param name="nameSymbol">The symbol of the name once it is known; to be kept from series to series.</param>
    public uint? ValueSymbolOf(uint series, ReadOnlySpan<byte> name, ref uint? nameSymbol)
    {
        var reader = SeriesBody(series);
        for (var count = reader.Count(2); count > 0; count--)
        {
            var candidate = (uint)reader.Uvarint();
            var valueSymbol = (uint)reader.Uvarint();
            if (nameSymbol is { } known ? candidate == known : Symbol(candidate).SequenceEqual(name))
            {
                nameSymbol = candidate;
                return valueSymbol;
            }
        }

        return null;
    }

    /// <summary>Label pairs as a label set.</summary>
    public LabelSet LabelSetOf(List<SymbolPair> labels, ByteWriter scratch)
    {
        scratch.Clear();
        foreach (var pair in labels)
        {
            scratch.Text(Symbol(pair.Name));
            scratch.Text(Symbol(pair.Value));
        }

        return LabelSet.FromEncoded(scratch.Written) ?? throw CorruptLabels();
    }

    /// <summary>What to throw for labels that make no label set.</summary>
    public StorageException CorruptLabels() => Corrupt(_seriesStart, "labels of a series are not sorted or empty");

    public void Dispose() => _file.Dispose();

    private long OffsetOf(uint series) => _isV1 ? series : (long)series * IndexFormat.SeriesAlignment;

    private ByteReader SeriesBody(uint series)
    {
        var offset = OffsetOf(series);
        var head = new ByteReader(_file.Span(offset, 10));
        var length = head.Uvarint();
        if (head.Failed || length > (ulong)(_file.Length - offset))
        {
            throw Corrupt(offset, "there is no series");
        }

        var body = Bytes(offset + head.Position, (int)length);
        var checksum = BinaryPrimitives.ReadUInt32BigEndian(Bytes(offset + head.Position + (int)length, 4));
        return Crc32C.Of(body) == checksum ? new ByteReader(body) : throw Corrupt(offset, "a series does not match its checksum");
    }

    private (long Start, long End) Section(long offset, string name)
    {
        var length = BinaryPrimitives.ReadUInt32BigEndian(Bytes(offset, 4));
        var start = offset + 4;
        if (start + length + 4 > _file.Length)
        {
            throw Corrupt(offset, $"{name} of {length} bytes do not fit into the file");
        }

        var state = Crc32C.Start;
        for (long done = 0; done < length;)
        {
            var part = _file.Span(start + done, (int)Math.Min(1 << 20, length - done));
            state = Crc32C.Update(state, part);
            done += part.Length;
        }

        return Crc32C.Finish(state) == BinaryPrimitives.ReadUInt32BigEndian(Bytes(start + length, 4)) && length >= 4
            ? (start, start + length)
            : throw Corrupt(offset, $"{name} do not match their checksum");
    }

    private int SampleSymbols()
    {
        var count = BinaryPrimitives.ReadUInt32BigEndian(Bytes(_symbolsStart, 4));
        var position = _symbolsStart + 4;
        for (uint i = 0; i < count; i++)
        {
            if (i % SymbolSampling == 0)
            {
                _symbolSamples.Add(position);
            }

            var reader = new ByteReader(Rest(position, _symbolsEnd));
            reader.Text();
            if (reader.Failed)
            {
                throw Corrupt(position, $"got {i} symbols, want {count}");
            }

            position += reader.Position;
        }

        return checked((int)count);
    }

    private ReadOnlySpan<byte> Rest(long offset, long end) => _file.Span(offset, (int)Math.Min(int.MaxValue, end - offset));

    private ReadOnlySpan<byte> Bytes(long offset, int length)
    {
        var bytes = _file.Span(offset, length);
        return bytes.Length == length ? bytes : throw Corrupt(offset, $"want {length} bytes, the file ends before");
    }

    private StorageException Corrupt(long offset, string what) => new($"cannot read index {_file.Path} at offset {offset}: {what}");

    /// <summary>Walks the symbols of an index.</summary>
    public ref struct SymbolEnumerator
    {
        private readonly IndexReader _index;
        private int _left;
        private long _position;

        internal SymbolEnumerator(IndexReader index, int position)
        {
            _index = index;
            _left = index.SymbolCount - position;
            _position = _left > 0 ? index._symbolSamples[position / SymbolSampling] : 0;
        }

        public ReadOnlySpan<byte> Current { get; private set; }

        /// <summary>What series name the symbol by.</summary>
        public uint Reference { get; private set; }

        public bool MoveNext()
        {
            if (_left == 0)
            {
                return false;
            }

            Reference = _index._isV1 ? (uint)_position : (uint)(_index.SymbolCount - _left);
            var reader = new ByteReader(_index.Rest(_position, _index._symbolsEnd));
            Current = reader.Text();
            _position += reader.Position;
            _left--;
            return true;
        }
    }
}
