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
internal sealed partial class IndexScan : IDisposable
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
