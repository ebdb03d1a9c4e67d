using System.Buffers;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// The head as it was when the view was opened, for a time range. A selection copies the few bytes of open chunks under the head's
/// lock; everything else is read later. Used by one thread.
/// </summary>
internal sealed class HeadView(MemoryHead head, long requestedMinTime, long minTime, long maxTime, long sequence) : IDisposable
{
    private bool _isClosed;

    /// <summary>Oldest time of what came in order; late samples may be older.</summary>
    public long MinTime { get; } = minTime;

    public long MaxTime { get; } = maxTime;

    /// <summary>Commits that the view sees.</summary>
    public long Sequence { get; } = sequence;

    public MemoryHead Head => head;

    /// <summary>Selects series that have chunks in a time range.</summary>
    public HeadSelection Select(IReadOnlyList<LabelMatcher> matchers, long fromTime, long toTime, CancellationToken cancellation)
    {
        var from = Math.Max(MinTime, fromTime);
        var lateFrom = Math.Max(requestedMinTime, fromTime);
        var to = Math.Min(MaxTime, toTime);
        return head.Read(_ =>
        {
            var selection = new HeadSelection(head);
            var newSince = head.Readers.NewSince(Sequence);
            foreach (var number in PostingsSelector.Select(head.Postings, matchers, cancellation))
            {
                cancellation.ThrowIfCancellationRequested();
                ref var series = ref head.Store[(int)number];
                var seriesTo = newSince is not null && newSince.TryGetValue(series.Reference, out var newFrom) ? Math.Min(to, newFrom - 1) : to;
                selection.Add(in series, from, seriesTo, lateFrom);
            }

            return selection;
        });
    }

    public void Dispose()
    {
        if (!_isClosed)
        {
            _isClosed = true;
            head.Close(this);
        }
    }
}

/// <summary>Series selected from the head, with their chunks. Valid while its view is open.</summary>
internal sealed class HeadSelection(MemoryHead head) : ChunkSource
{
    private const ulong CopiedFlag = 1UL << 63;
    private const int PageBytes = 64 * 1024;

    /// <summary>Most chunks with their headers are smaller than this.</summary>
    private const int UsualChunkBytes = 1024;

    private readonly List<byte[]> _pages = [];
    private ChunkRef[] _chunks = [];
    private int _chunkCount;
    private readonly List<SelectedSeries> _series = [];
    private int _pageUsed = PageBytes;

    public int Count => _series.Count;

    /// <summary>Adds a series if it has samples in the range; called under the head's lock.</summary>
    /// <param name="series">The series.</param>
    /// <param name="from">First time wanted.</param>
    /// <param name="to">Last time wanted.</param>
    /// <param name="lateFrom">First time wanted of samples that came late.</param>
    public void Add(in MemSeries series, long from, long to, long lateFrom)
    {
        var first = _chunkCount;
        var deleted = head.Tombstones.Of(series.Reference);
        foreach (var chunk in head.Samples.SealedOf(in series))
        {
            if (chunk.MaxTime >= from && chunk.MinTime <= to && !Tombstones.Covers(deleted, chunk.MinTime, chunk.MaxTime))
            {
                AddChunk(new ChunkRef(chunk.MinTime, chunk.MaxTime, chunk.DiskRef));
            }
        }

        if (series.Encoding != ChunkEncoding.None && series.LastTime >= from && series.ChunkMinTime <= to
            && !Tombstones.Covers(deleted, series.ChunkMinTime, series.LastTime))
        {
            AddChunk(new ChunkRef(series.ChunkMinTime, series.LastTime, Copy(in series)));
        }

        var late = head.OutOfOrder.Copy(series.Reference, lateFrom, to);
        if (_chunkCount > first || late is not null)
        {
            _series.Add(new SelectedSeries(series.Reference, series.Labels, series.LabelHash, first, to, deleted, late));
        }
    }

    /// <summary>Labels of successive series.</summary>
    public void ReadLabels(int first, int count, LabelSet?[] into, LabelCache cache)
    {
        var missing = false;
        for (var i = 0; i < count; i++)
        {
            into[i] = cache.Find(LabelCache.Head, _series[first + i].Reference);
            missing |= into[i] is null;
        }

        if (missing)
        {
            head.Read(h =>
            {
                for (var i = 0; i < count; i++)
                {
                    into[i] ??= Keep(_series[first + i].Reference, h.Store.LabelSetAt(_series[first + i].Labels), cache);
                }

                return count;
            });
        }
    }

    /// <summary>Lower half of the hash of a series' labels.</summary>
    public uint LabelHashOf(int index) => _series[index].LabelHash;

    /// <summary>True if a series has exactly these labels.</summary>
    public bool HasLabels(int index, LabelSet labels, LabelCache cache)
    {
        var (handle, reference) = (_series[index].Labels, _series[index].Reference);
        if (cache.Find(LabelCache.Head, reference) is { } known)
        {
            return known == labels;
        }

        if (!head.Read(h => h.Store.HasLabelsAt(handle, labels)))
        {
            return false;
        }

        Keep(reference, labels, cache);
        return true;
    }

    /// <summary>Chunks of a series, in time order.</summary>
    public ArraySegment<ChunkRef> ChunksOf(int index)
    {
        var first = _series[index].FirstChunk;
        var end = index + 1 < _series.Count ? _series[index + 1].FirstChunk : _chunkCount;
        return new ArraySegment<ChunkRef>(_chunks, first, end - first);
    }

    /// <summary>Newest time of a series that belongs to the view.</summary>
    public long MaxTimeOf(int index) => _series[index].MaxTime;

    /// <summary>Deleted time ranges of a series; null when there are none.</summary>
    public IReadOnlyList<TimeRange>? DeletedOf(int index) => _series[index].Deleted;

    /// <summary>Samples of a series that came late; null when there are none.</summary>
    public LateSamples? LateOf(int index) => _series[index].Late;

    public override ChunkData Load(ChunkRef chunk, ref byte[] buffer)
    {
        ReadOnlyMemory<byte> data;
        ChunkEncoding encoding;
        if ((chunk.Location & CopiedFlag) == 0)
        {
            if (buffer.Length == 0)
            {
                buffer = ArrayPool<byte>.Shared.Rent(UsualChunkBytes);
            }

            data = head.ChunkFiles.Read(chunk.Location, ref buffer, out encoding);
        }
        else
        {
            var page = _pages[(int)((chunk.Location >> 32) & 0x7FFFFFFF)];
            var offset = (int)(uint)chunk.Location;
            encoding = (ChunkEncoding)page[offset];
            data = page.AsMemory(offset + 5, BitConverter.ToInt32(page, offset + 1));
        }

        return new ChunkData(data, encoding);
    }

    public override string Describe(ChunkRef chunk) => (chunk.Location & CopiedFlag) != 0
        ? $"open head chunk from {chunk.MinTime} to {chunk.MaxTime}"
        : $"head chunk {chunk.Location >> 32}:{(uint)chunk.Location}";

    private LabelSet Keep(ulong reference, LabelSet labels, LabelCache cache)
    {
        if (cache.Takes(_series.Count))
        {
            cache.Keep(LabelCache.Head, reference, labels);
        }

        return labels;
    }

    private void AddChunk(ChunkRef chunk)
    {
        if (_chunkCount == _chunks.Length)
        {
            Array.Resize(ref _chunks, Math.Max(8, _chunks.Length * 2));
        }

        _chunks[_chunkCount++] = chunk;
    }

    private ulong Copy(in MemSeries series)
    {
        var length = head.Samples.OpenLength(in series);
        var size = length + 5;
        if (_pageUsed + size > PageBytes)
        {
            _pages.Add(new byte[_pages.Count == 0 ? Math.Max(size, 1024) : Math.Max(size, PageBytes)]);
            _pageUsed = 0;
        }

        if (_pages[^1].Length - _pageUsed < size)
        {
            _pages.Add(new byte[Math.Max(size, PageBytes)]);
            _pageUsed = 0;
        }

        var page = _pages[^1];
        var offset = _pageUsed;
        page[offset] = (byte)series.Encoding;
        BitConverter.TryWriteBytes(page.AsSpan(offset + 1), length);
        head.Samples.CopyOpen(in series, page.AsSpan(offset + 5, length));
        _pageUsed += size;
        return CopiedFlag | ((ulong)(uint)(_pages.Count - 1) << 32) | (uint)offset;
    }

    private readonly record struct SelectedSeries(
        ulong Reference, int Labels, uint LabelHash, int FirstChunk, long MaxTime, IReadOnlyList<TimeRange>? Deleted, LateSamples? Late);
}
