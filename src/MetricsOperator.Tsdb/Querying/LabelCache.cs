using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>
/// Labels of series that were asked for lately, of the head and of blocks: dashboards ask for the same again and again, and putting labels together
/// takes longer than decoding a few samples. Bounded in bytes; what is in the way of something newer goes. Thread-safe; looking up takes no lock.
/// </summary>
internal sealed class LabelCache
{
    // A label set, its bytes' array, and the entry.
    private const int BytesPerEntry = 120;

    // What a usual series takes; decides only how many places there are.
    private const int UsualEntryBytes = 512;

    /// <summary>The source of the head's series; blocks have numbers above.</summary>
    public const int Head = 0;

    private readonly Lock _gate = new();
    private readonly Entry?[] _entries;
    private readonly long _maxBytes;
    private long _bytes;
    private int _hand;

    /// <param name="maxBytes">Most bytes; 0 keeps nothing.</param>
    public LabelCache(long maxBytes)
    {
        _maxBytes = maxBytes;
        _entries = maxBytes < UsualEntryBytes ? [] : new Entry?[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(maxBytes / UsualEntryBytes, 1 << 20))];
    }

    /// <summary>Bytes of what is kept.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>True if so many series at once leave room for others: keeping more would only push out what is of use.</summary>
    public bool Takes(int series) => series <= _entries.Length / 2;

    /// <summary>The labels of a series, or null.</summary>
    /// <param name="source"><see cref="Head"/>, or the number of the block in this process.</param>
    /// <param name="series">What names the series there, and never another one.</param>
    public LabelSet? Find(int source, ulong series) =>
        _entries.Length > 0 && Volatile.Read(ref _entries[PlaceOf(source, series)]) is { } entry && entry.Series == series && entry.Source == source ? entry.Labels : null;

    /// <summary>Keeps the labels of a series.</summary>
    public void Keep(int source, ulong series, LabelSet labels)
    {
        var entry = new Entry(source, series, labels);
        if (_entries.Length == 0 || entry.Bytes > _maxBytes / 16)
        {
            return;
        }

        lock (_gate)
        {
            Put(PlaceOf(source, series), entry);
            while (_bytes > _maxBytes)
            {
                Put(_hand, null);
                _hand = (_hand + 1) & (_entries.Length - 1);
            }
        }
    }

    private void Put(int place, Entry? entry)
    {
        Interlocked.Add(ref _bytes, (entry?.Bytes ?? 0) - (_entries[place]?.Bytes ?? 0));
        Volatile.Write(ref _entries[place], entry);
    }

    private int PlaceOf(int source, ulong series)
    {
        var hash = (((ulong)(uint)source << 40) ^ series) * 0x9E3779B97F4A7C15;
        return (int)(hash >> 32) & (_entries.Length - 1);
    }

    private sealed class Entry(int source, ulong series, LabelSet labels)
    {
        public int Source { get; } = source;

        public ulong Series { get; } = series;

        public LabelSet Labels { get; } = labels;

        public int Bytes => BytesPerEntry + Labels.Encoded.Length;
    }
}
