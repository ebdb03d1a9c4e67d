using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>Walks the selected series of the head or of one block.</summary>
internal abstract class SeriesCursor
{
    /// <summary>Labels of the current series; null at the end.</summary>
    public LabelSet? Labels { get; protected set; }

    /// <summary>Goes to the next series with chunks in the range.</summary>
    /// <exception cref="StorageException">The index is damaged.</exception>
    public abstract void MoveNext();

    /// <summary>Makes the walk go in label order.</summary>
    public abstract void Sort();

    /// <summary>Time range of the current series' chunks.</summary>
    public abstract TimeRange Range { get; }

    /// <summary>A reader over the current series.</summary>
    public abstract SampleReader Open();
}

/// <summary>Walks series of the head.</summary>
internal sealed class HeadSeriesCursor(HeadSelection selection, long minTime) : SeriesCursor
{
    private int _next;
    private int _current = -1;
    private (LabelSet Labels, int Index)[]? _sorted;

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

    public override void Sort()
    {
        _sorted = new (LabelSet, int)[selection.Count];
        for (var i = 0; i < _sorted.Length; i++)
        {
            _sorted[i] = (selection.LabelsOf(i), i);
        }

        Array.Sort(_sorted, static (a, b) => a.Labels.CompareTo(b.Labels));
    }

    public override void MoveNext()
    {
        if (_next == selection.Count)
        {
            Labels = null;
            return;
        }

        (Labels, _current) = _sorted is null ? (selection.LabelsOf(_next), _next) : _sorted[_next];
        _next++;
    }

    public override SampleReader Open()
    {
        var inOrder = new ChunkSampleReader(
            selection, selection.ChunksOf(_current), minTime, selection.MaxTimeOf(_current), selection.DeletedOf(_current));
        return selection.LateOf(_current) is { } late ? new MergingSampleReader([inOrder, late.Open()]) : inOrder;
    }
}

/// <summary>Walks series of a block, which are in label order.</summary>
internal sealed class BlockSeriesCursor(Block block, List<uint> series, long minTime, long maxTime) : SeriesCursor
{
    private readonly List<SymbolPair> _pairs = [];
    private readonly List<BlockChunk> _all = [];
    private readonly ByteWriter _scratch = new(512);
    private ChunkRef[] _chunks = [];
    private int _next;

    public override TimeRange Range => new(_chunks[0].MinTime, _chunks[^1].MaxTime);

    public override void Sort()
    {
    }

    public override void MoveNext()
    {
        while (_next < series.Count)
        {
            var deleted = block.Tombstones.Of(series[_next]);
            block.Index.ReadSeries(series[_next++], _pairs, _all);
            var wanted = _all.FindAll(c => c.MaxTime >= minTime && c.MinTime <= maxTime && !Tombstones.Covers(deleted, c.MinTime, c.MaxTime));
            if (wanted.Count > 0)
            {
                Labels = block.Index.LabelSetOf(_pairs, _scratch);
                _chunks = wanted.ConvertAll(c => new ChunkRef(c.MinTime, c.MaxTime, c.Reference)).ToArray();
                return;
            }
        }

        Labels = null;
    }

    public override SampleReader Open() => new ChunkSampleReader(
        block, _chunks, Math.Max(minTime, block.Meta.MinTime), Math.Min(maxTime, block.Meta.MaxTime - 1), block.Tombstones.Of(series[_next - 1]));
}
