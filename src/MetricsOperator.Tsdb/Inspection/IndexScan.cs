using System.Buffers.Binary;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>Told of every place of an index that is damaged.</summary>
internal delegate void IndexDamage(long offset, string what, string affects, string consequence);

/// <summary>Visits a series of an index.</summary>
internal delegate void SeriesVisitor(uint series, long offset, List<SymbolPair> labels, List<BlockChunk> chunks);

/// <summary>
/// Reads an index section by section whatever is damaged in it, and misses no byte: what lies between sections must be zero. Memory is
/// eight bytes per symbol and four per series.
/// </summary>
internal sealed class IndexScan : IDisposable
{
    private const string LeftOut = "a server leaves the block out of answers and says so in a warning; ";
    private const string Rewritten = "repair writes the block anew";
    private const string Unused = "none: no reader needs it; repair writes the block anew";

    private readonly MappedFile _file;
    private readonly IndexDamage _damage;
    private readonly List<long> _symbols = [];
    private readonly List<uint> _series = [];
    private Toc _toc;
    private long _symbolsEnd;
    private long _pairs;

    public IndexScan(string path, IndexDamage damage)
    {
        _file = new MappedFile(path);
        _damage = damage;
    }

    public long Length => _file.Length;

    public int SeriesCount => _series.Count;

    /// <summary>True if every label text can be trusted.</summary>
    public bool HasSymbols { get; private set; }

    /// <summary>True if a series could not be read, so that its chunks are known to nobody.</summary>
    public bool HasLostSeries { get; private set; }

    private bool IsV1 { get; set; }

    /// <summary>Reads header, table of contents and symbols.</summary>
    public void Begin()
    {
        var header = new ByteReader(_file.Span(0, IndexFormat.HeaderBytes));
        var magic = header.Be32();
        var version = header.U8();
        if (magic != IndexFormat.Magic)
        {
            _damage(0, $"got magic 0x{magic:x8}, want 0x{IndexFormat.Magic:x8}", "the whole block", LeftOut + Rewritten);
        }

        if (version is < 1 or > 3)
        {
            _damage(4, $"got version {version}, want 1 to 3", "the whole block", LeftOut + Rewritten);
        }

        IsV1 = version == 1;
        ReadToc();
        HasSymbols = ReadSymbols();
    }

    /// <summary>Visits every series that can be read, in file order.</summary>
    public void WalkSeries(SeriesVisitor visit, CancellationToken cancellation)
    {
        var labels = new List<SymbolPair>();
        var chunks = new List<BlockChunk>();
        var position = _symbolsEnd;
        var end = _toc.SeriesEnd;
        var last = new List<SymbolPair>();
        while (position < end)
        {
            if (_series.Count % 1024 == 0)
            {
                cancellation.ThrowIfCancellationRequested();
            }

            var start = IsV1 ? position : Align(position, IndexFormat.SeriesAlignment);
            if (start >= end)
            {
                break;
            }

            if (!TryReadSeries(start, end, labels, chunks, out var next, out var why))
            {
                if (!_toc.IsKnown || IsPadding(position, end))
                {
                    // Without a table of contents the end of the series is where nothing looks like one any more.
                    break;
                }

                HasLostSeries = true;
                next = FindSeries(start, end);
                var behind = last.Count == 0 ? "the first series" : $"the series behind {Describe(last)}";
                var affects = next < end ? $"{behind}, up to the one at offset {next}" : $"{behind} to the last one";
                _damage(start, why, affects, "queries that select it leave out the rest of the block with a warning; repair writes the block without it");
                position = next;
                continue;
            }

            CheckPadding(position, start, "in front of a series");
            if (IsDamagedOrder(last, labels))
            {
                _damage(start, "a series is not behind the one before it in label order", Describe(labels), "merged answers may hold it twice; repair cannot help");
            }

            _series.Add((uint)(IsV1 ? start : start / IndexFormat.SeriesAlignment));
            _pairs += labels.Count;
            visit(_series[^1], start, labels, chunks);
            (last, labels) = (labels, last);
            position = next;
        }

        if (_toc.IsKnown)
        {
            CheckPadding(position, _toc.SeriesEnd, "behind the last series");
        }
    }

    /// <summary>Checks everything behind the series against them; nothing when the table of contents is lost.</summary>
    public void Finish(CancellationToken cancellation)
    {
        if (!_toc.IsKnown)
        {
            return;
        }

        var lists = new Dictionary<long, long>();
        var position = _toc.SeriesEnd;

        // Label indices stand between series and postings; the table of their offsets stands in front of the table of postings.
        var isPostings = false;
        while (position + 8 <= _toc.PostingsTable)
        {
            cancellation.ThrowIfCancellationRequested();
            var start = position == _toc.LabelTable ? position : Align(position, 4);
            if (start + 8 > _toc.PostingsTable)
            {
                break;
            }

            CheckPadding(position, start, "between sections");
            isPostings |= start >= _toc.Postings;
            var isLabelTable = start == _toc.LabelTable && _toc.LabelTable != _toc.PostingsTable;
            var length = BinaryPrimitives.ReadUInt32BigEndian(_file.Span(start, 4));
            var name = isLabelTable ? "the label index table" : isPostings ? "a postings list" : "a label index";
            if (start + 8 + length > _toc.PostingsTable)
            {
                Broken(start, $"{name} of {length} bytes does not end before the postings table");
                return;
            }

            if (!ChecksumMatches(start + 4, length))
            {
                Broken(start, $"{name} does not match its checksum");
            }
            else if (isPostings && !isLabelTable)
            {
                lists[start] = CheckList(start, length);
            }

            position = start + 8 + length;

            void Broken(long offset, string what)
            {
                if (isPostings && !isLabelTable)
                {
                    _damage(offset, what, "the label pair of the list", "queries that use it leave out the block with a warning; " + Rewritten);
                    lists[offset] = -1;
                }
                else
                {
                    _damage(offset, what, "nothing", Unused);
                }
            }
        }

        CheckPadding(position, _toc.PostingsTable, "in front of the postings table");
        CheckTable(lists, cancellation);
    }

    /// <summary>Text of a symbol by what series name it by; empty when there is none.</summary>
    public ReadOnlySpan<byte> Symbol(uint reference)
    {
        var position = IsV1 ? reference : reference < _symbols.Count ? _symbols[(int)reference] : -1;
        return position < 0 ? default : new ByteReader(Rest(position, _symbolsEnd)).Text();
    }

    /// <summary>Label pairs as text.</summary>
    public string Describe(List<SymbolPair> labels)
    {
        var encoded = new ByteWriter(256);
        foreach (var pair in labels)
        {
            encoded.Text(Symbol(pair.Name));
            encoded.Text(Symbol(pair.Value));
        }

        return InspectionText.Labels(encoded.Written);
    }

    public void Dispose() => _file.Dispose();

    private static long Align(long position, int alignment) => (position + alignment - 1) / alignment * alignment;

    private static bool IsDamagedOrder(List<SymbolPair> last, List<SymbolPair> labels)
    {
        for (var i = 0; i < Math.Min(last.Count, labels.Count); i++)
        {
            var order = last[i].Name != labels[i].Name ? last[i].Name.CompareTo(labels[i].Name) : last[i].Value.CompareTo(labels[i].Value);
            if (order != 0)
            {
                return order > 0;
            }
        }

        return last.Count > 0 && last.Count >= labels.Count;
    }

    private void ReadToc()
    {
        var start = _file.Length - IndexFormat.TocBytes;
        var reader = new ByteReader(_file.Span(start, IndexFormat.TocBytes));
        var symbols = (long)reader.Be64();
        var series = (long)reader.Be64();
        var labelIndices = (long)reader.Be64();
        var labelTable = (long)reader.Be64();
        var postings = (long)reader.Be64();
        var table = (long)reader.Be64();
        var checksum = reader.Be32();
        if (reader.Failed || Crc32C.Of(_file.Span(start, 48)) != checksum)
        {
            _damage(Math.Max(0, start), "the table of contents does not match its checksum", "the whole block", LeftOut + Rewritten);
            _toc = new Toc(false, IndexFormat.HeaderBytes, Math.Max(0, start), 0, 0, 0);
            return;
        }

        var seriesEnd = labelIndices > series ? Math.Min(labelIndices, postings) : postings;
        if (symbols < IndexFormat.HeaderBytes || series < symbols || seriesEnd < series || table < postings || table > start)
        {
            _damage(start, "sections of the table of contents are not in order", "the whole block", LeftOut + Rewritten);
            _toc = new Toc(false, IndexFormat.HeaderBytes, start, 0, 0, 0);
            return;
        }

        _toc = new Toc(true, symbols, seriesEnd, postings, labelTable, table);
    }

    private bool ReadSymbols()
    {
        const string Affects = "the labels of all series";
        var start = _toc.Symbols;
        var length = _file.Span(start, 4).Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(_file.Span(start, 4)) : uint.MaxValue;
        var end = start + 4 + (long)length;
        if (end + 4 > _file.Length || length < 4)
        {
            _damage(start, $"symbols of {length} bytes do not fit into the file", Affects, LeftOut + "repair cannot help");
            _symbolsEnd = _toc.SeriesEnd;
            return false;
        }

        _symbolsEnd = end;
        var isIntact = ChecksumMatches(start + 4, length);
        if (!isIntact)
        {
            _damage(start, "symbols do not match their checksum", Affects, LeftOut + "repair cannot help");
        }

        var count = BinaryPrimitives.ReadUInt32BigEndian(_file.Span(start + 4, 4));
        var position = start + 8;
        ReadOnlySpan<byte> last = default;
        for (uint i = 0; i < count; i++)
        {
            var reader = new ByteReader(Rest(position, end));
            var text = reader.Text();
            if (reader.Failed)
            {
                break;
            }

            if (isIntact && i > 0 && last.SequenceCompareTo(text) >= 0)
            {
                _damage(position, "symbols are not sorted", Affects, "queries may miss series; repair cannot help");
                isIntact = false;
            }

            last = text;
            _symbols.Add(position);
            position += reader.Position;
        }

        if (isIntact && (_symbols.Count != count || position != end))
        {
            _damage(start, $"got {_symbols.Count} symbols in {position - start - 4} bytes, want {count} in {length}", Affects, LeftOut + "repair cannot help");
            isIntact = false;
        }

        // Behind the checksum.
        _symbolsEnd = end + 4;
        return isIntact;
    }

    private bool TryReadSeries(long start, long end, List<SymbolPair> labels, List<BlockChunk> chunks, out long next, out string why)
    {
        next = start;
        why = "there is no series";
        var head = new ByteReader(Rest(start, end));
        var length = head.Uvarint();
        if (head.Failed || length == 0 || length > (ulong)(end - start - head.Position - 4))
        {
            return false;
        }

        var body = start + head.Position;
        if (!ChecksumMatches(body, (long)length))
        {
            why = "a series does not match its checksum";
            return false;
        }

        next = body + (long)length + 4;
        var reader = new ByteReader(_file.Span(body, (int)length));
        why = ParseSeries(ref reader, labels, chunks);
        return why.Length == 0;
    }

    private string ParseSeries(ref ByteReader reader, List<SymbolPair> labels, List<BlockChunk> chunks)
    {
        labels.Clear();
        chunks.Clear();
        for (var count = reader.Count(2); count > 0; count--)
        {
            labels.Add(new SymbolPair((uint)reader.Uvarint(), (uint)reader.Uvarint()));
            var isKnown = IsV1 || (labels[^1].Name < _symbols.Count && labels[^1].Value < _symbols.Count);
            if (HasSymbols && !isKnown)
            {
                return $"a series names symbol {Math.Max(labels[^1].Name, labels[^1].Value)}, want below {_symbols.Count}";
            }

            if (labels.Count > 1 && labels[^1].Name <= labels[^2].Name)
            {
                return "labels of a series are not sorted";
            }
        }

        BlockChunk last = default;
        var chunkCount = reader.Count(3);
        for (var i = 0; i < chunkCount; i++)
        {
            var minTime = i == 0 ? reader.Varint() : last.MaxTime + (long)reader.Uvarint();
            var maxTime = minTime + (long)reader.Uvarint();
            var reference = i == 0 ? reader.Uvarint() : last.Reference + (ulong)reader.Varint();
            if (maxTime < minTime || (i > 0 && minTime <= last.MaxTime))
            {
                return "chunks of a series are not in order";
            }

            last = new BlockChunk(minTime, maxTime, reference);
            chunks.Add(last);
        }

        return reader.Failed || reader.Remaining > 0 ? "a series is malformed" : string.Empty;
    }

    // The next place where something stands that can only be a series.
    private long FindSeries(long start, long end)
    {
        var labels = new List<SymbolPair>();
        var chunks = new List<BlockChunk>();
        var step = IsV1 ? 1 : IndexFormat.SeriesAlignment;
        for (var position = start + step; position < end; position += step)
        {
            if (TryReadSeries(position, end, labels, chunks, out _, out _))
            {
                return position;
            }
        }

        return end;
    }

    private long CheckList(long start, long length)
    {
        const string Affects = "the label pair of the list";
        const string Consequence = "queries may miss series; repair writes the block anew";
        var ids = Rest(start + 8, start + 4 + length);
        var count = BinaryPrimitives.ReadUInt32BigEndian(_file.Span(start + 4, 4));
        if (length < 4 || count * 4L != length - 4)
        {
            _damage(start, $"got {count} postings in {length} bytes", Affects, Consequence);
            return -1;
        }

        uint last = 0;
        for (var i = 0; i < count; i++)
        {
            var id = BinaryPrimitives.ReadUInt32BigEndian(ids[(i * 4)..]);
            if ((i > 0 && id <= last) || (_series.BinarySearch(id) < 0 && !HasLostSeries))
            {
                _damage(start + 8 + (i * 4L), $"posting {id} is not in order or names no series", Affects, Consequence);
                return -1;
            }

            last = id;
        }

        return count;
    }

    private void CheckTable(Dictionary<long, long> lists, CancellationToken cancellation)
    {
        const string Affects = "the whole block";
        var start = _toc.PostingsTable;
        var tocStart = _file.Length - IndexFormat.TocBytes;
        var length = BinaryPrimitives.ReadUInt32BigEndian(_file.Span(start, 4));
        var end = start + 4 + length;
        if (end + 4 > tocStart || length < 4 || !ChecksumMatches(start + 4, length))
        {
            _damage(start, "the postings table does not match its checksum", Affects, LeftOut + Rewritten);
            return;
        }

        CheckPadding(end + 4, tocStart, "behind the postings table");
        var count = BinaryPrimitives.ReadUInt32BigEndian(_file.Span(start + 4, 4));
        var position = start + 8;
        long postings = 0;
        var isSound = true;
        ReadOnlySpan<byte> lastName = default;
        ReadOnlySpan<byte> lastValue = default;
        var seen = new HashSet<long>();
        for (uint i = 0; i < count; i++)
        {
            if (i % 1024 == 0)
            {
                cancellation.ThrowIfCancellationRequested();
            }

            var reader = new ByteReader(Rest(position, end));
            var keys = reader.Uvarint();
            var name = reader.Text();
            var value = reader.Text();
            var offset = (long)reader.Uvarint();
            if (reader.Failed || keys != 2)
            {
                _damage(position, "an entry of the postings table is malformed", Affects, LeftOut + Rewritten);
                return;
            }

            var order = lastName.SequenceCompareTo(name);
            if (!IsV1 && i > 0 && (order > 0 || (order == 0 && lastValue.SequenceCompareTo(value) >= 0)))
            {
                _damage(position, "the postings table is not sorted", Affects, "queries may miss series; " + Rewritten);
                isSound = false;
            }

            if (!lists.TryGetValue(offset, out var listed) || !seen.Add(offset))
            {
                _damage(position, $"an entry of the postings table points to offset {offset}, where no list of its own begins", Affects, "queries may miss series; " + Rewritten);
                isSound = false;
            }
            else if (listed >= 0)
            {
                postings += name.IsEmpty ? 0 : listed;
                isSound &= CheckMembers(offset, listed, name, value);
            }
            else
            {
                isSound = false;
            }

            lastName = name;
            lastValue = value;
            position += reader.Position;
        }

        if (position != end)
        {
            _damage(position, "bytes behind the last entry of the postings table", Affects, Rewritten);
        }

        if (isSound && !HasLostSeries && postings != _pairs)
        {
            _damage(start, $"the postings lists hold {postings} entries, want one for each of the {_pairs} labels of all series", Affects, "queries may miss series; " + Rewritten);
        }
    }

    private bool CheckMembers(long offset, long count, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.IsEmpty)
        {
            if (count != _series.Count && !HasLostSeries)
            {
                _damage(offset, $"the list of all series has {count}, want {_series.Count}", "the whole block", "queries may miss series; " + Rewritten);
                return false;
            }

            return true;
        }

        if (!HasSymbols)
        {
            return true;
        }

        var labels = new List<SymbolPair>();
        var chunks = new List<BlockChunk>();
        var ids = _file.Span(offset + 8, (int)(count * 4));
        for (var i = 0; i < count; i++)
        {
            var id = BinaryPrimitives.ReadUInt32BigEndian(ids[(i * 4)..]);
            if (!TryReadSeries(IsV1 ? id : (long)id * IndexFormat.SeriesAlignment, _toc.SeriesEnd, labels, chunks, out _, out _))
            {
                continue;
            }

            var isMember = false;
            foreach (var pair in labels)
            {
                isMember |= Symbol(pair.Name).SequenceEqual(name) && Symbol(pair.Value).SequenceEqual(value);
            }

            if (!isMember)
            {
                _damage(offset + 8 + (i * 4L), $"a postings list names series {id}, which does not have its label", Describe(labels), "queries may answer with a series that was not asked for; " + Rewritten);
                return false;
            }
        }

        return true;
    }

    private bool IsPadding(long start, long end) => end - start < IndexFormat.SeriesAlignment && !Rest(start, end).ContainsAnyExcept((byte)0);

    private void CheckPadding(long start, long end, string where)
    {
        if (end <= start)
        {
            return;
        }

        if (end - start >= IndexFormat.SeriesAlignment)
        {
            _damage(start, $"{end - start} bytes {where} belong to nothing", "nothing that is known", Unused);
            return;
        }

        var position = Rest(start, end).IndexOfAnyExcept((byte)0);
        if (position >= 0)
        {
            _damage(start + position, $"padding {where} is not zero", "nothing", Unused);
        }
    }

    private bool ChecksumMatches(long start, long length)
    {
        var state = Crc32C.Start;
        for (long done = 0; done < length;)
        {
            var part = _file.Span(start + done, (int)Math.Min(1 << 20, length - done));
            if (part.IsEmpty)
            {
                return false;
            }

            state = Crc32C.Update(state, part);
            done += part.Length;
        }

        var stored = _file.Span(start + length, 4);
        return stored.Length == 4 && Crc32C.Finish(state) == BinaryPrimitives.ReadUInt32BigEndian(stored);
    }

    private ReadOnlySpan<byte> Rest(long offset, long end) => _file.Span(offset, (int)Math.Min(int.MaxValue, end - offset));

    private readonly record struct Toc(bool IsKnown, long Symbols, long SeriesEnd, long Postings, long LabelTable, long PostingsTable);
}
