using System.Buffers.Binary;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Tsdb.Inspection;

/// <content>Everything behind the series: label indices, postings lists and their table.</content>
internal sealed partial class IndexScan
{
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
}
