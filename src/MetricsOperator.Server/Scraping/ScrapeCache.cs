using System.Numerics;
using System.Runtime.InteropServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Hashing;

namespace MetricsOperator.Server.Scraping;

/// <summary>
/// Remembers for one target which series each raw <c>name{labels}</c> text became, or that it was dropped, so that a line seen before costs
/// a hash and a look-up. Knows which series are alive, so that those that disappear can be ended with a stale marker.
/// </summary>
/// <remarks>
/// Texts are known by a 128-bit hash instead of their bytes: 32 bytes per series whatever its labels. Two texts of one target with the same hash
/// would be taken for one series; the cache is per target, so a target can only confuse its own.
/// </remarks>
internal sealed class ScrapeCache
{
    private const int MinCapacity = 64;

    /// <summary>Texts that failing scrapes may add to twice those of the last good one before the unseen are forgotten.</summary>
    private const int FailedTexts = 1000;

    private Entry[] _entries = new Entry[MinCapacity];
    private int _count;
    private uint _epoch;

    // The epoch of the last scrape whose series are alive; 0 when none are.
    private uint _alive;

    // Texts of the last scrape that was accepted.
    private int _accepted;

    // Alive series of a loop that this one replaces, until the first successful scrape has told which go on.
    private HashSet<ulong>? _inherited;

    /// <summary>Texts that are remembered.</summary>
    public int Count => _count;

    /// <summary>Starts a scrape.</summary>
    public void BeginScrape() => _epoch++;

    /// <summary>
    /// Finds or adds the entry of a text and marks it as seen in this scrape. The reference is valid until the next call.
    /// </summary>
    /// <param name="series">Raw bytes of name and labels.</param>
    /// <param name="repeated">True if it was already seen in this scrape.</param>
    public ref Entry Touch(ReadOnlySpan<byte> series, out bool repeated)
    {
        Reserve();
        var first = StableHash.Hash64(series);
        var second = SecondHash(series);
        ref var entry = ref Slot(_entries, first, second);
        repeated = false;
        if (!entry.IsUsed)
        {
            entry = new Entry { First = first, Second = second };
            _count++;
        }
        else
        {
            repeated = entry.SeenEpoch == _epoch;
        }

        entry.See(_epoch);
        return ref entry;
    }

    /// <summary>Forgets the text that was touched last, if that has added it; the reference is empty then.</summary>
    public void ForgetNewest(ref Entry entry)
    {
        if (entry.PreviousEpoch == 0)
        {
            // Nothing was added since, so no other entry was placed behind this one because of it.
            entry = default;
            _count--;
        }
    }

    /// <summary>Ends a scrape that was accepted: reports the series that are gone and forgets the texts that were not seen.</summary>
    public void EndScrape(Action<SeriesRef> gone)
    {
        var kept = 0;
        foreach (ref var entry in _entries.AsSpan())
        {
            if (!entry.IsUsed)
            {
                continue;
            }

            if (entry.SeenEpoch == _epoch)
            {
                kept++;
                _inherited?.Remove(entry.Series.Value);
            }
            else if (IsAlive(entry))
            {
                gone(entry.Series);
            }
        }

        if (_inherited is not null)
        {
            foreach (var series in _inherited)
            {
                gone(new SeriesRef(series));
            }

            _inherited = null;
        }

        _alive = _epoch;
        _accepted = kept;
        if (kept != _count)
        {
            ForgetUnseen(kept);
        }
    }

    /// <summary>Ends a scrape that failed, and with it all series: reports those that were alive. Texts stay known for when the target is back.</summary>
    public void EndAll(Action<SeriesRef> gone)
    {
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry.IsUsed && IsAlive(entry))
            {
                gone(entry.Series);
            }
        }

        if (_inherited is not null)
        {
            foreach (var series in _inherited)
            {
                gone(new SeriesRef(series));
            }

            _inherited = null;
        }

        _alive = 0;
        if (_count > (2L * _accepted) + FailedTexts)
        {
            // A target over its limits with other series each time would fill the memory.
            ForgetUnseen(MinCapacity);
        }
    }

    /// <summary>Makes series be reported again as gone by the next end of a scrape that has not seen them.</summary>
    public void Owe(IReadOnlyList<SeriesRef> gone)
    {
        _inherited ??= [];
        foreach (var series in gone)
        {
            _inherited.Add(series.Value);
        }
    }

    /// <summary>Takes over the alive series of a cache whose decisions no longer hold.</summary>
    public void Inherit(ScrapeCache from)
    {
        _inherited = from._inherited ?? [];
        foreach (ref var entry in from._entries.AsSpan())
        {
            if (entry.IsUsed && from.IsAlive(entry))
            {
                _inherited.Add(entry.Series.Value);
            }
        }
    }

    // An entry seen in the scrape that is under way still counts by when it was seen before.
    private bool IsAlive(in Entry entry) =>
        _alive != 0 && !entry.Series.IsNone && entry.Tracked && (entry.SeenEpoch == _alive || entry.PreviousEpoch == _alive);

    private static int CapacityFor(int count) => Math.Max(MinCapacity, (int)BitOperations.RoundUpToPowerOf2((uint)count * 2));

    private static ref Entry Slot(Entry[] entries, ulong first, ulong second)
    {
        var mask = (uint)entries.Length - 1;
        var index = (uint)first & mask;
        while (true)
        {
            ref var entry = ref entries[index];
            if (!entry.IsUsed || (entry.First == first && entry.Second == second))
            {
                return ref entry;
            }

            index = (index + 1) & mask;
        }
    }

    private static ulong SecondHash(ReadOnlySpan<byte> data)
    {
        // An unrelated construction (FNV-1a over words, finished by a multiplication), so that the two hashes do not collide together.
        var hash = 0xCBF29CE484222325UL ^ (ulong)data.Length;
        foreach (var word in MemoryMarshal.Cast<byte, ulong>(data))
        {
            hash = BitOperations.RotateLeft((hash ^ word) * 0x100000001B3, 23);
        }

        foreach (var b in data[(data.Length & ~7)..])
        {
            hash = (hash ^ b) * 0x100000001B3;
        }

        return (hash ^ (hash >> 32)) * 0xD6E8FEB86659FD93;
    }

    private void ForgetUnseen(int expected)
    {
        var before = _entries;
        _entries = new Entry[CapacityFor(expected)];
        _count = 0;
        foreach (ref var entry in before.AsSpan())
        {
            if (entry.IsUsed && entry.SeenEpoch == _epoch)
            {
                Reserve();
                Slot(_entries, entry.First, entry.Second) = entry;
                _count++;
            }
        }
    }

    private void Reserve()
    {
        if ((_count + 1) * 4 <= _entries.Length * 3)
        {
            return;
        }

        var entries = new Entry[_entries.Length * 2];
        foreach (ref var entry in _entries.AsSpan())
        {
            if (entry.IsUsed)
            {
                Slot(entries, entry.First, entry.Second) = entry;
            }
        }

        _entries = entries;
    }

    /// <summary>What is known about one text.</summary>
    internal struct Entry
    {
        internal ulong First;
        internal ulong Second;

        /// <summary>The series; none when the text is dropped or was refused.</summary>
        internal SeriesRef Series;

        // Two epochs, each above a flag in the lowest bit: tracked in the newer one, dropped in the older one.
        private uint _seen;
        private uint _previous;

        internal readonly bool IsUsed => _seen != 0;

        internal readonly uint SeenEpoch => _seen >> 1;

        internal readonly uint PreviousEpoch => _previous >> 1;

        /// <summary>True if the series is ended by a stale marker when it disappears.</summary>
        internal bool Tracked
        {
            readonly get => (_seen & 1) != 0;
            set => _seen = (_seen & ~1u) | (value ? 1u : 0u);
        }

        /// <summary>True if metric relabeling does not want the series.</summary>
        internal bool Dropped
        {
            readonly get => (_previous & 1) != 0;
            set => _previous = (_previous & ~1u) | (value ? 1u : 0u);
        }

        internal void See(uint epoch)
        {
            if (SeenEpoch != epoch)
            {
                _previous = (SeenEpoch << 1) | (_previous & 1);
                _seen = (epoch << 1) | (_seen & 1);
            }
        }
    }
}
