using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>Walks the selected series of the head or of one block.</summary>
internal abstract class SeriesCursor
{
    /// <summary>True while there is a current series.</summary>
    public bool HasSeries { get; protected set; }

    /// <summary>Labels of the current series in the encoding of <see cref="LabelSet"/>.</summary>
    public abstract ReadOnlySpan<byte> Encoded { get; }

    /// <summary>Labels of the current series.</summary>
    public abstract LabelSet Labels { get; }

    /// <summary>Time range of the current series' chunks.</summary>
    public abstract TimeRange Range { get; }

    /// <summary>Goes to the next series with chunks in the range.</summary>
    /// <exception cref="StorageException">The index is damaged.</exception>
    public abstract void MoveNext();

    /// <summary>A reader over the current series.</summary>
    public abstract SampleReader Open();

    /// <summary>Tells the labels of the current series, for one that has not put them together yet.</summary>
    public virtual void Adopt(LabelSet labels)
    {
    }
}

/// <summary>Walks series of the head, in the order of their creation or of their labels; or jumps to series by their labels.</summary>
internal sealed class HeadSeriesCursor(HeadSelection selection, long minTime, LabelCache cache) : SeriesCursor
{
    private const int LabelBatch = 64;

    // Labels are fetched for some series at a time, because each time takes the head's lock.
    private readonly LabelSet?[] _batch = new LabelSet?[Math.Min(LabelBatch, selection.Count)];
    private (LabelSet Labels, int Index)[]? _sorted;
    private LabelSet? _labels;
    private int _next;
    private int _current = -1;
    private int _batchStart;
    private int _batchCount;

    // For jumps: series by the hash of their labels, chained; and which of them have been jumped to.
    private int[]? _buckets;
    private int[] _chain = [];
    private bool[] _found = [];

    public override ReadOnlySpan<byte> Encoded => _labels!.Encoded;

    public override LabelSet Labels => _labels!;

    public override TimeRange Range
    {
        get
        {
            var chunks = selection.ChunksOf(_current);
            var late = selection.LateOf(_current)?.Times;
            var minTime = chunks.Count > 0 ? chunks[0].MinTime : late![0];
            var maxTime = chunks.Count > 0 ? chunks[^1].MaxTime : late![^1];
            return late is null ? new TimeRange(minTime, maxTime) : new TimeRange(Math.Min(minTime, late[0]), Math.Max(maxTime, late[^1]));
        }
    }

    /// <summary>Makes the walk go in label order.</summary>
    public void Sort()
    {
        _sorted = new (LabelSet, int)[selection.Count];
        for (var i = 0; i < _sorted.Length; i++)
        {
            _sorted[i] = (LabelsOf(i), i);
        }

        Array.Sort(_sorted, static (a, b) => a.Labels.CompareTo(b.Labels));
    }

    /// <summary>Goes to the series with these labels; false when there is none. <see cref="MoveNext"/> leaves it out from now on.</summary>
    public bool TryMoveTo(LabelSet labels)
    {
        if (_buckets is null)
        {
            IndexByHash();
        }

        var hash = (uint)labels.Hash;
        for (var i = _buckets![hash & (uint)(_buckets.Length - 1)] - 1; i >= 0; i = _chain[i])
        {
            if (selection.LabelHashOf(i) == hash && selection.HasLabels(i, labels, cache))
            {
                (_labels, _current, _found[i]) = (labels, i, true);
                return true;
            }
        }

        return false;
    }

    public override void MoveNext()
    {
        while (_found.Length > 0 && _next < selection.Count && _found[_next])
        {
            _next++;
        }

        HasSeries = _next < selection.Count;
        if (HasSeries)
        {
            (_labels, _current) = _sorted is null ? (LabelsOf(_next), _next) : _sorted[_next];
            _next++;
        }
    }

    public override SampleReader Open()
    {
        var inOrder = new ChunkSampleReader(
            selection, selection.ChunksOf(_current), minTime, selection.MaxTimeOf(_current), selection.DeletedOf(_current));
        return selection.LateOf(_current) is { } late ? new MergingSampleReader([inOrder, late.Open()]) : inOrder;
    }

    private LabelSet LabelsOf(int index)
    {
        if (index < _batchStart || index >= _batchStart + _batchCount)
        {
            (_batchStart, _batchCount) = (index, Math.Min(_batch.Length, selection.Count - index));
            selection.ReadLabels(index, _batchCount, _batch, cache);
        }

        return _batch[index - _batchStart]!;
    }

    private void IndexByHash()
    {
        _buckets = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(1, selection.Count))];
        _chain = new int[selection.Count];
        _found = new bool[selection.Count];
        for (var i = 0; i < selection.Count; i++)
        {
            ref var bucket = ref _buckets[selection.LabelHashOf(i) & (uint)(_buckets.Length - 1)];
            _chain[i] = bucket - 1;
            bucket = i + 1;
        }
    }
}

/// <summary>Walks series of a block, which are in label order.</summary>
internal sealed class BlockSeriesCursor(Block block, List<uint> series, long minTime, long maxTime, LabelCache cache) : SeriesCursor
{
    private const int PageChunks = 512;

    private readonly List<SymbolPair> _pairs = [];
    private readonly List<BlockChunk> _all = [];
    private readonly SeriesLabels _labels = new(block.Index);

    // Readers hold on to their part of a page; a full one is left to them.
    private ChunkRef[] _page = [];
    private ArraySegment<ChunkRef> _chunks;
    private int _next;
    private LabelSet? _known;

    public override ReadOnlySpan<byte> Encoded => _known is null ? _labels.Encoded : _known.Encoded;

    public override LabelSet Labels
    {
        get
        {
            if (_known is null)
            {
                Adopt(LabelSet.FromEncoded(_labels.Encoded)!);
            }

            return _known!;
        }
    }

    public override TimeRange Range => new(_chunks[0].MinTime, _chunks[^1].MaxTime);

    public override void MoveNext()
    {
        HasSeries = false;
        while (_next < series.Count)
        {
            var deleted = block.Tombstones.Of(series[_next]);
            block.Index.ReadSeries(series[_next++], _pairs, _all);
            if (KeepWanted(deleted))
            {
                _known = cache.Find(block.Number, series[_next - 1]);
                if (_known is null)
                {
                    _labels.Encode(_pairs);
                }

                HasSeries = true;
                return;
            }
        }
    }

    public override SampleReader Open() => new ChunkSampleReader(
        block, _chunks, Math.Max(minTime, block.Meta.MinTime), Math.Min(maxTime, block.Meta.MaxTime - 1), block.Tombstones.Of(series[_next - 1]));

    public override void Adopt(LabelSet labels)
    {
        if (_known is null)
        {
            _known = labels;
            if (cache.Takes(series.Count))
            {
                cache.Keep(block.Number, series[_next - 1], labels);
            }
        }
    }

    private bool KeepWanted(IReadOnlyList<TimeRange>? deleted)
    {
        var start = _chunks.Offset + _chunks.Count;
        if (_page.Length - start < _all.Count)
        {
            _page = new ChunkRef[Math.Max(Math.Min(PageChunks, series.Count * _all.Count), _all.Count)];
            start = 0;
        }

        var end = start;
        foreach (var chunk in _all)
        {
            if (chunk.MaxTime >= minTime && chunk.MinTime <= maxTime && !Tombstones.Covers(deleted, chunk.MinTime, chunk.MaxTime))
            {
                _page[end++] = new ChunkRef(chunk.MinTime, chunk.MaxTime, chunk.Reference);
            }
        }

        _chunks = new ArraySegment<ChunkRef>(_page, start, end - start);
        return _chunks.Count > 0;
    }
}
