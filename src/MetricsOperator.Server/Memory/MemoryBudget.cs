namespace MetricsOperator.Server.Memory;

/// <summary>What the guard does about memory.</summary>
internal enum MemoryGuardMode
{
    /// <summary>Keeps the process inside its budget.</summary>
    Enforce,

    /// <summary>Measures and counts what it would refuse, and lets everything happen.</summary>
    Observe,
}

/// <summary>
/// How the bytes of one process are divided. Head and heap have caps of their own, so that neither takes what the other was promised; what
/// scales with series is in the head, what scales with requests in the heap.
/// </summary>
/// <param name="TotalBytes">All that the process may use.</param>
/// <param name="RuntimeBytes">The runtime itself: its code, compiled methods, stacks.</param>
/// <param name="HeapBytes">Hard limit of the garbage-collected heap: requests, scrapes, queries, discovery.</param>
/// <param name="HeadBytes">Cap of the head: series, labels, index, chunks.</param>
/// <param name="BufferBytes">Pages of files that are being written.</param>
/// <param name="ReserveBytes">Promised to nobody.</param>
internal sealed record MemoryBudget(long TotalBytes, long RuntimeBytes, long HeapBytes, long HeadBytes, long BufferBytes, long ReserveBytes)
{
    /// <summary>Most bytes for labels of series that were asked for lately, whatever the budget.</summary>
    public const long MaxLabelCacheBytes = 8 * Mebibyte;

    private const long Mebibyte = 1024 * 1024;

    /// <summary>Divides a total. Measured with the programs of this project, see docs/decisions/0007.</summary>
    public static MemoryBudget Split(long totalBytes)
    {
        var runtime = Math.Min(48 * Mebibyte, totalBytes * 3 / 8);
        var heap = Math.Max(totalBytes * 22 / 100, Math.Min(32 * Mebibyte, totalBytes / 4));
        var buffers = totalBytes * 4 / 100;
        var reserve = totalBytes * 6 / 100;
        return new MemoryBudget(totalBytes, runtime, heap, totalBytes - runtime - heap - buffers - reserve, buffers, reserve);
    }

    /// <summary>Gives the garbage collector its limit, for this process and from here on.</summary>
    public void LimitHeap()
    {
        AppContext.SetData("GCHeapHardLimit", (ulong)HeapBytes);
        GC.RefreshMemoryLimit();
    }

    /// <summary>Samples that one query may load: half of the heap's limit, 16 bytes each.</summary>
    public long MaxQuerySamples => HeapBytes / 2 / 16;

    /// <summary>Bytes that one query may hold.</summary>
    public long MaxQueryBytes => HeapBytes / 2;

    /// <summary>Bytes that all queries together may hold.</summary>
    public long MaxQueriesBytes => HeapBytes * 3 / 4;

    /// <summary>Bytes in which remote write remembers series; growing needs up to twice as much for a moment.</summary>
    public long MaxKnownSeriesBytes => HeapBytes / 8;

    /// <summary>Bytes for labels of series that were asked for lately.</summary>
    public long LabelCacheBytes => Math.Min(HeapBytes / 16, MaxLabelCacheBytes);

    /// <summary>Bytes of the body of one scrape.</summary>
    public long MaxScrapeBody => HeapBytes / 4;
}
