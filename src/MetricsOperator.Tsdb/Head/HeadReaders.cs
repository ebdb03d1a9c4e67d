namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// The open readers of the head, and what was committed since the oldest of them started: that is how a reader that selects twice sees
/// the same commits both times. Guarded by the head's lock, except where said.
/// </summary>
internal sealed class HeadReaders
{
    /// <summary>Entries of traces kept at most; a reader that stays open longer than that loses exactness, not memory.</summary>
    private const int MaxTraced = 4_000_000;

    private readonly List<HeadView> _open = [];
    private readonly Queue<Trace> _traces = new();
    private long _traced;

    /// <summary>Commits so far.</summary>
    public long Sequence { get; private set; }

    public bool IsAnyOpen => _open.Count > 0;

    public void Add(HeadView reader) => _open.Add(reader);

    public void Remove(HeadView reader)
    {
        _open.Remove(reader);
        var oldest = _open.Count == 0 ? long.MaxValue : _open.Min(r => r.Sequence);
        while (_traces.TryPeek(out var trace) && trace.Sequence <= oldest)
        {
            _traced -= _traces.Dequeue().Series.Length;
        }
    }

    /// <summary>True if a reader may look at samples before a time.</summary>
    public bool AnyBefore(long time) => _open.Exists(r => r.MinTime < time);

    /// <summary>The open readers.</summary>
    public List<HeadView> Open() => [.. _open];

    /// <summary>True while one of some readers is open.</summary>
    public bool AnyOf(List<HeadView> readers) => _open.Exists(readers.Contains);

    /// <summary>Counts a commit and, when somebody reads, remembers from which time on each of its series is new.</summary>
    public void Committed(ReadOnlySpan<PendingSample> samples, List<PendingHistogram> histograms)
    {
        Sequence++;
        if (_open.Count == 0 || samples.Length + histograms.Count == 0)
        {
            return;
        }

        var series = new (ulong Series, long MinTime)[samples.Length + histograms.Count];
        for (var i = 0; i < samples.Length; i++)
        {
            series[i] = (samples[i].Series, samples[i].Timestamp);
        }

        for (var i = 0; i < histograms.Count; i++)
        {
            series[samples.Length + i] = (histograms[i].Series, histograms[i].Timestamp);
        }

        _traces.Enqueue(new Trace(Sequence, series));
        _traced += series.Length;
        while (_traced > MaxTraced)
        {
            _traced -= _traces.Dequeue().Series.Length;
        }
    }

    /// <summary>First time of each series that a reader of this sequence must not see; null when nothing was committed since.</summary>
    public Dictionary<ulong, long>? NewSince(long sequence)
    {
        if (Sequence == sequence)
        {
            return null;
        }

        var newSince = new Dictionary<ulong, long>();
        foreach (var trace in _traces)
        {
            if (trace.Sequence <= sequence)
            {
                continue;
            }

            foreach (var (series, minTime) in trace.Series)
            {
                if (!newSince.TryGetValue(series, out var known) || minTime < known)
                {
                    newSince[series] = minTime;
                }
            }
        }

        return newSince;
    }

    private sealed record Trace(long Sequence, (ulong Series, long MinTime)[] Series);
}
