using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.Server.RemoteWrite;

/// <summary>
/// Remembers which series the encoded labels of write requests became, so that a series seen before costs a hash and a look-up instead of a
/// label set. Belongs to one storage. What is not written to for a while is forgotten, and beyond its memory it learns nothing new. A series
/// that the storage has let go of stays known: the storage answers for it with <see cref="AppendOutcome.UnknownSeries"/>. Thread-safe.
/// </summary>
/// <remarks>
/// Labels are known by a hash instead of their bytes: 24 bytes per series whatever its labels. 127 bits of it are kept, so that among ten million
/// series the chance that any two are taken for one is below one in 10^24.
/// </remarks>
internal sealed class KnownSeries(TimeProvider time, long maxBytes = KnownSeries.DefaultMaxBytes)
{
    /// <summary>Room for about 1.6 million series.</summary>
    public const long DefaultMaxBytes = 48 * 1024 * 1024;

    private const int EntryBytes = 24;
    private const int MinCapacity = 1024;

    /// <summary>At the end of each of these, what was not seen in it is forgotten.</summary>
    private static readonly TimeSpan EpochLength = TimeSpan.FromMinutes(10);

    /// <summary>When the memory is used up, an epoch may end this early.</summary>
    private static readonly TimeSpan MinEpochLength = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly int _maxCapacity = (int)Math.Clamp(maxBytes / EntryBytes, MinCapacity, Array.MaxLength);
    private Entry[] _entries = new Entry[MinCapacity];
    private long _epochStart = time.GetTimestamp();

    /// <summary>Series that are remembered.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of memory.</summary>
    public long Bytes => (long)Volatile.Read(ref _entries).Length * EntryBytes;

    /// <summary>Looks up several series.</summary>
    /// <param name="keys">Their labels.</param>
    /// <param name="series">Gets the series; none for what is not known. As long as <paramref name="keys"/>.</param>
    public void Find(ReadOnlySpan<LabelsKey> keys, Span<SeriesRef> series)
    {
        lock (_gate)
        {
            if (time.GetElapsedTime(_epochStart) >= EpochLength)
            {
                EndEpoch();
            }

            for (var i = 0; i < keys.Length; i++)
            {
                ref var entry = ref Slot(_entries, keys[i]);
                series[i] = entry.Series;
                entry.See();
            }
        }
    }

    /// <summary>Remembers a series, or which other one its labels became.</summary>
    public void Remember(LabelsKey key, SeriesRef series)
    {
        lock (_gate)
        {
            if (!TryReserve())
            {
                return;
            }

            ref var entry = ref Slot(_entries, key);
            Count += entry.Series.IsNone ? 1 : 0;
            entry = new Entry(key, series);
        }
    }

    private static ref Entry Slot(Entry[] entries, LabelsKey key)
    {
        var index = (int)(((key.First >> 32) * (ulong)entries.Length) >> 32);
        while (true)
        {
            ref var entry = ref entries[index];
            if (entry.Series.IsNone || entry.Is(key))
            {
                return ref entry;
            }

            index = index + 1 == entries.Length ? 0 : index + 1;
        }
    }

    // A fifth stays free, so that walks are short.
    private static int RoomOf(int capacity) => (int)(capacity * 4L / 5);

    private bool TryReserve()
    {
        if (Count < RoomOf(_entries.Length))
        {
            return true;
        }

        if (_entries.Length < _maxCapacity)
        {
            Rebuild((int)Math.Min(_entries.Length * 3L / 2, _maxCapacity), onlySeen: false);
            return true;
        }

        if (time.GetElapsedTime(_epochStart) >= MinEpochLength)
        {
            EndEpoch();
        }

        return Count < RoomOf(_entries.Length);
    }

    private void EndEpoch()
    {
        var seen = 0;
        foreach (ref var entry in _entries.AsSpan())
        {
            seen += entry.IsSeen ? 1 : 0;
        }

        // As much as growing gives at most.
        Rebuild((int)Math.Clamp(seen * 15L / 8, MinCapacity, _entries.Length), onlySeen: true);
        _epochStart = time.GetTimestamp();
    }

    private void Rebuild(int capacity, bool onlySeen)
    {
        var entries = new Entry[capacity];
        var count = 0;
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry.Series.IsNone || (onlySeen && !entry.IsSeen))
            {
                continue;
            }

            ref var target = ref Slot(entries, entry.Key);
            target = entry;
            count++;
            if (onlySeen)
            {
                target.Unsee();
            }
        }

        Volatile.Write(ref _entries, entries);
        Count = count;
    }

    private struct Entry(LabelsKey key, SeriesRef series)
    {
        public readonly SeriesRef Series = series;
        private readonly ulong _first = key.First;

        // The lowest bit is not of the key: it says whether the series was seen in this epoch.
        private ulong _second = key.Second | 1;

        public readonly LabelsKey Key => new(_first, _second);

        public readonly bool IsSeen => (_second & 1) != 0;

        public readonly bool Is(LabelsKey key) => _first == key.First && (_second | 1) == (key.Second | 1);

        public void See() => _second |= 1;

        public void Unsee() => _second &= ~1UL;
    }
}
