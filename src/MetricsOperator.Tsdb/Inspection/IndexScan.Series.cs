using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Tsdb.Inspection;

/// <content>The series.</content>
internal sealed partial class IndexScan
{
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
}
