using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>
/// What makes a block or the head large, each table in descending order and cut to a limit. Churn is counted in series: one that covers
/// a quarter of the time range adds three quarters to each of its labels.
/// </summary>
/// <param name="Name">The block, or "head".</param>
/// <param name="MinTime">Start of the time range in ms.</param>
/// <param name="MaxTime">End of the time range in ms.</param>
/// <param name="Series">Series.</param>
/// <param name="LabelNames">Distinct label names.</param>
/// <param name="LabelPairs">Distinct label pairs.</param>
/// <param name="PairEntries">Labels of all series together.</param>
/// <param name="ChurningPairs">Series' worth of time not covered per label pair.</param>
/// <param name="ChurningNames">The same per label name.</param>
/// <param name="CommonPairs">Series per label pair.</param>
/// <param name="ValueBytes">Bytes of the distinct values per label name.</param>
/// <param name="Cardinality">Distinct values per label name.</param>
/// <param name="Metrics">Series per metric name.</param>
public sealed record CardinalityAnalysis(
    string Name,
    long MinTime,
    long MaxTime,
    long Series,
    long LabelNames,
    long LabelPairs,
    long PairEntries,
    IReadOnlyList<NamedCount> ChurningPairs,
    IReadOnlyList<NamedCount> ChurningNames,
    IReadOnlyList<NamedCount> CommonPairs,
    IReadOnlyList<NamedCount> ValueBytes,
    IReadOnlyList<NamedCount> Cardinality,
    IReadOnlyList<NamedCount> Metrics)
{
    /// <summary>Analyzes a block; memory is twelve bytes per series and one postings list.</summary>
    /// <param name="database">The directory, opened.</param>
    /// <param name="ulid">The block; null for the newest.</param>
    /// <param name="limit">Entries per table.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="StorageException">There is no such block, or it is damaged.</exception>
    public static CardinalityAnalysis OfBlock(ReadOnlyDatabase database, string? ulid, int limit, CancellationToken cancellation)
    {
        if (ulid is null && database.Blocks.Count == 0)
        {
            throw new StorageException($"cannot analyze {database.Path}: it has no block; give --head for what is in the log");
        }

        var block = database.Find(ulid ?? database.Blocks[^1].Ulid)
            ?? throw new StorageException($"cannot analyze {database.Path}: it has no readable block {ulid}{string.Concat(database.Problems.Select(p => "; " + p))}");
        var index = block.Index;
        var ids = new List<uint>();
        block.Postings.All(ids);
        var uncovered = new ulong[ids.Count];
        var range = (ulong)(block.Meta.MaxTime - block.Meta.MinTime);
        var labels = new List<SymbolPair>();
        var chunks = new List<BlockChunk>();
        for (var i = 0; i < uncovered.Length; i++)
        {
            index.ReadSeries(ids[i], labels, chunks);
            uncovered[i] = range - Math.Min(range, chunks.Count == 0 ? 0 : (ulong)(chunks[^1].MaxTime - chunks[0].MinTime));
        }

        var tables = new Tables(limit, range);
        var list = new List<uint>();
        foreach (var name in index.Postings.Names)
        {
            cancellation.ThrowIfCancellationRequested();
            tables.StartName(name);
            index.Postings.ForEachValue(name, (value, postings) =>
            {
                list.Clear();
                index.ReadPostings(postings, list);
                ulong sum = 0;
                foreach (var id in list)
                {
                    var position = ids.BinarySearch(id);
                    sum += position < 0 ? 0 : uncovered[position];
                }

                tables.Add(value, list.Count, sum);
                return true;
            });
            tables.EndName();
        }

        return tables.Result(block.Meta.Ulid, block.Meta.MinTime, block.Meta.MaxTime, ids.Count);
    }

    /// <summary>Analyzes what log and chunks_head hold; memory is that of the head.</summary>
    public static CardinalityAnalysis OfHead(ReadOnlyDatabase database, int limit, CancellationToken cancellation)
    {
        var head = database.Head ?? throw new InvalidOperationException("the directory was opened without its head");
        var isEmpty = head.MinTime == long.MaxValue;
        var (minTime, maxTime) = isEmpty ? (0, 0) : (head.MinTime, head.MaxTime);
        var range = (ulong)(maxTime - minTime);
        var store = head.Store;
        var tables = new Tables(limit, range);
        var list = new List<uint>();
        foreach (var name in store.Postings.Names.Select(n => (Symbol: n, Text: store.Symbols.Text(n).ToArray())).ToList())
        {
            cancellation.ThrowIfCancellationRequested();
            tables.StartName(name.Text);
            for (var value = store.Postings.ValuesOf(name.Symbol); value.MoveNext();)
            {
                list.Clear();
                store.Postings.Read(name.Symbol, value.Value, list);
                ulong sum = 0;
                foreach (var number in list)
                {
                    sum += range - Math.Min(range, Covered(head, in store[(int)number]));
                }

                tables.Add(store.Symbols.Text(value.Value), value.Count, sum);
            }

            tables.EndName();
        }

        return tables.Result("head", minTime, maxTime, store.Count);
    }

    private static ulong Covered(MemoryHead head, in MemSeries series) =>
        series.HasSamples && series.LastTime >= head.Samples.MinTimeOf(in series) ? (ulong)(series.LastTime - head.Samples.MinTimeOf(in series)) : 0;

    /// <summary>Fills the tables name by name.</summary>
    private sealed class Tables(int limit, ulong range)
    {
        private readonly Top _churningPairs = new(limit);
        private readonly Top _churningNames = new(limit);
        private readonly Top _commonPairs = new(limit);
        private readonly Top _valueBytes = new(limit);
        private readonly Top _cardinality = new(limit);
        private readonly Top _metrics = new(limit);
        private byte[] _name = [];
        private long _names;
        private long _pairs;
        private long _entries;
        private long _values;
        private long _bytes;
        private ulong _uncovered;

        public void StartName(byte[] name) => (_name, _values, _bytes, _uncovered) = (name, 0, 0, 0);

        public void Add(ReadOnlySpan<byte> value, int series, ulong uncovered)
        {
            _pairs++;
            _entries += series;
            _values++;
            _bytes += value.Length;
            _uncovered += uncovered;
            _churningPairs.Offer(_name, value, Share(uncovered));
            _commonPairs.Offer(_name, value, series);
            if (_name.AsSpan().SequenceEqual(Timeseries.Labels.LabelNames.MetricNameUtf8))
            {
                _metrics.Offer(default, value, series);
            }
        }

        public void EndName()
        {
            _names++;
            _churningNames.Offer(_name, default, Share(_uncovered));
            _valueBytes.Offer(_name, default, _bytes);
            _cardinality.Offer(_name, default, _values);
        }

        public CardinalityAnalysis Result(string name, long minTime, long maxTime, long series) => new(
            name,
            minTime,
            maxTime,
            series,
            _names,
            _pairs,
            _entries,
            _churningPairs.List(),
            _churningNames.List(),
            _commonPairs.List(),
            _valueBytes.List(),
            _cardinality.List(),
            _metrics.List());

        private long Share(ulong uncovered) => range == 0 ? 0 : (long)(uncovered / range);
    }

    /// <summary>Keeps the largest few of many; of equal ones those that sort first.</summary>
    private sealed class Top(int limit)
    {
        private readonly SortedSet<(long Negative, string Name)> _largest = new(Comparer<(long Negative, string Name)>.Create(
            (a, b) => a.Negative != b.Negative ? a.Negative.CompareTo(b.Negative) : string.CompareOrdinal(a.Name, b.Name)));

        public void Offer(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long count)
        {
            // Fast path: most entries are smaller than all that are kept.
            if (limit <= 0 || (_largest.Count >= limit && -count > _largest.Max.Negative))
            {
                return;
            }

            var text = name.IsEmpty ? Encoding.UTF8.GetString(value)
                : value.IsEmpty ? Encoding.UTF8.GetString(name)
                : $"{Encoding.UTF8.GetString(name)}={Encoding.UTF8.GetString(value)}";
            _largest.Add((-count, text));
            if (_largest.Count > limit)
            {
                _largest.Remove(_largest.Max);
            }
        }

        public List<NamedCount> List() => _largest.Select(e => new NamedCount(e.Name, -e.Negative)).ToList();
    }
}
