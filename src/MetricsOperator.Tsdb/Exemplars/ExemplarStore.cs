using System.Runtime.CompilerServices;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;

namespace MetricsOperator.Tsdb.Exemplars;

/// <summary>
/// The newest exemplars of all series, in a ring bounded by number and by bytes of memory: the oldest make room for new ones. A series is
/// remembered, with its labels, as long as it has exemplars here. Thread-safe.
/// </summary>
internal sealed class ExemplarStore(int maxCount, long maxBytes)
{
    /// <summary>OpenMetrics allows an exemplar so many characters of label names and values together.</summary>
    private const int MaxLabelCharacters = 128;
    private const int MinCapacity = 64;

    /// <summary>Objects behind a label set beside its text.</summary>
    private const int LabelSetBytes = 72;

    /// <summary>A series' place in the table.</summary>
    private const int SeriesBytes = 64;

    private static readonly int EntryBytes = Unsafe.SizeOf<Entry>();

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Series> _series = [];
    private Entry[] _ring = [];
    private int _maxCount = maxCount;
    private long _textBytes;

    /// <summary>Entries have ascending numbers from 1 on; those from <see cref="_first"/> to before <see cref="_next"/> are kept.</summary>
    private long _first = 1;
    private long _next = 1;

    private long _appended;
    private long _outOfOrder;
    private long _refused;

    /// <summary>Most exemplars kept; 0 keeps none.</summary>
    public int MaxCount => Locked(() => _maxCount);

    /// <summary>Exemplars kept.</summary>
    public int Count => Locked(() => (int)(_next - _first));

    /// <summary>Series with exemplars.</summary>
    public int SeriesCount => Locked(() => _series.Count);

    /// <summary>Bytes of memory used; at most what the constructor was told.</summary>
    public long Bytes => Locked(() => _textBytes + ((long)_ring.Length * EntryBytes));

    /// <summary>Time of the oldest exemplar in ms; 0 without any.</summary>
    public long OldestTime => Locked(() => _next == _first ? 0 : At(_first).Timestamp);

    public long Appended => Locked(() => _appended);

    /// <summary>Exemplars that came after newer ones of their series.</summary>
    public long OutOfOrder => Locked(() => _outOfOrder);

    /// <summary>Exemplars with more label text than is allowed.</summary>
    public long Refused => Locked(() => _refused);

    public bool Has(ulong series)
    {
        lock (_gate)
        {
            return _series.ContainsKey(series);
        }
    }

    /// <summary>True if an exemplar would be kept: no repetition of the newest one of its series, nor before it. Refusals are counted.</summary>
    public bool Check(ulong series, Exemplar exemplar)
    {
        lock (_gate)
        {
            return IsAcceptable(series, exemplar);
        }
    }

    /// <summary>Adds an exemplar; one that <see cref="Check"/> refuses is left out.</summary>
    /// <param name="series">Reference of the series.</param>
    /// <param name="labels">Its labels; may be null while the series has exemplars here.</param>
    /// <param name="exemplar">The exemplar.</param>
    public void Add(ulong series, LabelSet? labels, Exemplar exemplar)
    {
        lock (_gate)
        {
            if (!IsAcceptable(series, exemplar))
            {
                return;
            }

            // Its own last exemplar may be the one that goes, and with it the labels.
            labels ??= _series.TryGetValue(series, out var known) ? known.Labels : null;
            if (labels is null || !MakeRoom(series, labels, exemplar))
            {
                return;
            }

            var number = _next++;
            At(number) = new Entry(series, exemplar.TimestampMs, exemplar.Value, exemplar.Labels, exemplar.HasOwnTime);
            _textBytes += BytesOf(exemplar.Labels);
            if (_series.TryGetValue(series, out var entries))
            {
                At(entries.Newest).Next = number;
                entries.Newest = number;
            }
            else
            {
                _series.Add(series, new Series(labels, number));
                _textBytes += BytesOf(labels) + SeriesBytes;
            }

            _appended++;
        }
    }

    /// <summary>All exemplars with the references of their series, oldest first.</summary>
    public List<(ulong Series, Exemplar Exemplar)> All() => Locked(() =>
    {
        var all = new List<(ulong Series, Exemplar Exemplar)>();
        for (var number = _first; number < _next; number++)
        {
            var entry = At(number);
            all.Add((entry.Series, new Exemplar(entry.Labels, entry.Value, entry.Timestamp) { HasOwnTime = entry.HasOwnTime }));
        }

        return all;
    });

    /// <summary>Changes how many are kept at most; the oldest go when there are more.</summary>
    public void Resize(int count)
    {
        lock (_gate)
        {
            _maxCount = Math.Max(0, count);
            while (_next - _first > _maxCount)
            {
                DropOldest();
            }

            if (_ring.Length > _maxCount)
            {
                Reallocate(_maxCount);
            }
        }
    }

    /// <summary>
    /// Exemplars in a closed time range of the series that satisfy all matchers of at least one selector, by labels. Taken series by series
    /// while the result is walked.
    /// </summary>
    public IEnumerable<SeriesExemplars> Select(
        long minTime, long maxTime, IReadOnlyList<IReadOnlyList<LabelMatcher>> selectors, CancellationToken cancellation)
    {
        var candidates = Locked(() => _series.Select(s => (s.Key, s.Value.Labels)).ToList());

        // A series that was forgotten and came back has several references.
        var found = new SortedDictionary<LabelSet, List<ulong>>();
        foreach (var (reference, labels) in candidates)
        {
            cancellation.ThrowIfCancellationRequested();
            if (selectors.Any(matchers => matchers.All(m => m.Matches(labels))))
            {
                if (!found.TryGetValue(labels, out var references))
                {
                    found.Add(labels, references = []);
                }

                references.Add(reference);
            }
        }

        foreach (var (labels, references) in found)
        {
            cancellation.ThrowIfCancellationRequested();
            var exemplars = Locked(() => references.SelectMany(r => Read(r, minTime, maxTime)).ToList());
            if (exemplars.Count > 0)
            {
                yield return new SeriesExemplars(labels, references.Count == 1 ? exemplars : [.. exemplars.OrderBy(e => e.TimestampMs)]);
            }
        }
    }

    private static long BytesOf(LabelSet labels) => LabelSetBytes + labels.Encoded.Length;

    private static int CharactersOf(LabelSet labels)
    {
        var count = 0;
        foreach (var label in labels)
        {
            count += CharactersOf(label.Name) + CharactersOf(label.Value);
        }

        return count;
    }

    // Every character has one byte that does not continue another.
    private static int CharactersOf(ReadOnlySpan<byte> utf8)
    {
        var count = 0;
        foreach (var b in utf8)
        {
            count += (b & 0xC0) != 0x80 ? 1 : 0;
        }

        return count;
    }

    private ref Entry At(long number) => ref _ring[number % _ring.Length];

    private bool IsAcceptable(ulong series, Exemplar exemplar)
    {
        if (_maxCount == 0)
        {
            return false;
        }

        if (CharactersOf(exemplar.Labels) > MaxLabelCharacters)
        {
            _refused++;
            return false;
        }

        if (!_series.TryGetValue(series, out var entries))
        {
            return true;
        }

        ref var newest = ref At(entries.Newest);
        if ((newest.Timestamp == exemplar.TimestampMs || !(newest.HasOwnTime || exemplar.HasOwnTime))
            && BitConverter.DoubleToUInt64Bits(newest.Value) == BitConverter.DoubleToUInt64Bits(exemplar.Value)
            && newest.Labels.Equals(exemplar.Labels))
        {
            return false;
        }

        // The exemplars of one scrape come in this order; those that do not are repetitions of others than the newest.
        var isOlder = exemplar.TimestampMs < newest.Timestamp
            || (exemplar.TimestampMs == newest.Timestamp
                && (exemplar.Value < newest.Value || (exemplar.Value.Equals(newest.Value) && exemplar.Labels.Hash < newest.Labels.Hash)));
        _outOfOrder += isOlder ? 1 : 0;
        return !isOlder;
    }

    private bool MakeRoom(ulong series, LabelSet labels, Exemplar exemplar)
    {
        if (_next - _first == _ring.Length && _ring.Length < _maxCount)
        {
            // At most half of the memory goes to the ring, or there would be none for the text.
            var capacity = Math.Min(_maxCount, Math.Max(MinCapacity, _ring.Length * 2));
            if ((long)capacity * EntryBytes <= maxBytes / 2)
            {
                Reallocate(capacity);
            }
        }

        while (true)
        {
            var text = BytesOf(exemplar.Labels) + (_series.ContainsKey(series) ? 0 : BytesOf(labels) + SeriesBytes);
            if (_next - _first < _ring.Length && _textBytes + text + ((long)_ring.Length * EntryBytes) <= maxBytes)
            {
                return true;
            }

            if (_next == _first)
            {
                return false;
            }

            DropOldest();
        }
    }

    private void DropOldest()
    {
        ref var oldest = ref At(_first);
        var entries = _series[oldest.Series];
        if (oldest.Next == 0)
        {
            _series.Remove(oldest.Series);
            _textBytes -= BytesOf(entries.Labels) + SeriesBytes;
        }
        else
        {
            entries.Oldest = oldest.Next;
        }

        _textBytes -= BytesOf(oldest.Labels);
        oldest = default;
        _first++;
    }

    private void Reallocate(int capacity)
    {
        var ring = new Entry[capacity];
        for (var number = _first; number < _next; number++)
        {
            ring[number % capacity] = At(number);
        }

        _ring = ring;
    }

    private IEnumerable<Exemplar> Read(ulong series, long minTime, long maxTime)
    {
        if (!_series.TryGetValue(series, out var entries))
        {
            yield break;
        }

        for (var number = entries.Oldest; number != 0;)
        {
            var entry = At(number);
            if (entry.Timestamp >= minTime && entry.Timestamp <= maxTime)
            {
                yield return new Exemplar(entry.Labels, entry.Value, entry.Timestamp) { HasOwnTime = entry.HasOwnTime };
            }

            number = entry.Next;
        }
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }

    /// <summary>One exemplar, and the number of the next one of its series, or 0.</summary>
    private record struct Entry(ulong Series, long Timestamp, double Value, LabelSet Labels, bool HasOwnTime)
    {
        public long Next;
    }

    private sealed class Series(LabelSet labels, long number)
    {
        public LabelSet Labels { get; } = labels;

        public long Oldest { get; set; } = number;

        public long Newest { get; set; } = number;
    }
}
