using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Tsdb.Querying;

/// <summary>A view over the head and the blocks of one time range. A block that cannot be read is a warning; the rest is answered.</summary>
internal sealed class DbQuerier(
    HeadView? head, IReadOnlyList<Block> blocks, LabelCache labels, IReadOnlyList<string> warnings, long minTime, long maxTime) : ISeriesQuerier
{
    private bool _isDisposed;

    public ISeriesSet Select(bool sorted, SelectHints hints, IReadOnlyList<LabelMatcher> matchers, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var from = Math.Max(minTime, hints.StartMs);
        var to = Math.Min(maxTime, hints.EndMs);
        var remarks = new List<string>(warnings);
        var inputs = new List<SeriesCursor>();
        HeadSeriesCursor? headSeries = null;
        if (head is not null && from <= to)
        {
            headSeries = new HeadSeriesCursor(head.Select(matchers, from, to, cancellation), Math.Max(from, head.MinTime), labels);
        }

        foreach (var block in blocks)
        {
            if (block.Overlaps(from, to))
            {
                try
                {
                    inputs.Add(new BlockSeriesCursor(block, PostingsSelector.Select(block.Postings, matchers, cancellation), from, to, labels));
                }
                catch (StorageException e)
                {
                    block.NoteDamage();
                    remarks.Add($"block {block.Meta.Ulid} is left out: {e.Message}");
                }
            }
        }

        if (headSeries is not null && sorted)
        {
            headSeries.Sort();
            inputs.Insert(0, headSeries);
            headSeries = null;
        }

        return new MergedSeriesSet(inputs, headSeries, remarks, hints.Limit, cancellation);
    }

    public IReadOnlyList<string> LabelValues(string name, IReadOnlyList<LabelMatcher> matchers, int limit, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var nameUtf8 = Encoding.UTF8.GetBytes(name);
        var values = new HashSet<string>(StringComparer.Ordinal);
        head?.Head.Read(h =>
        {
            AddHeadValues(h, nameUtf8, matchers, values, cancellation);
            return 0;
        });
        foreach (var block in blocks)
        {
            AddBlockValues(block, nameUtf8, matchers, values, cancellation);
        }

        return Sorted(values, limit);
    }

    public IReadOnlyList<string> LabelNames(IReadOnlyList<LabelMatcher> matchers, int limit, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var names = new HashSet<string>(StringComparer.Ordinal);
        head?.Head.Read(h =>
        {
            AddHeadNames(h, matchers, names, cancellation);
            return 0;
        });
        foreach (var block in blocks)
        {
            AddBlockNames(block, matchers, names, cancellation);
        }

        return Sorted(names, limit);
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        head?.Dispose();
        foreach (var block in blocks)
        {
            block.Release();
        }
    }

    private static void AddHeadValues(
        MemoryHead head, byte[] name, IReadOnlyList<LabelMatcher> matchers, HashSet<string> values, CancellationToken cancellation)
    {
        var store = head.Store;
        var nameSymbol = store.Symbols.Find(name);
        if (nameSymbol < 0)
        {
            return;
        }

        if (matchers.Count == 0)
        {
            for (var all = store.Postings.ValuesOf(nameSymbol); all.MoveNext();)
            {
                values.Add(Encoding.UTF8.GetString(store.Symbols.Text(all.Value)));
            }

            return;
        }

        var seen = new HashSet<int>();
        foreach (var number in PostingsSelector.Select(head.Postings, matchers, cancellation))
        {
            for (var labels = store.LabelsOf((int)number); labels.MoveNext();)
            {
                if (labels.Name == nameSymbol && seen.Add(labels.Value))
                {
                    values.Add(Encoding.UTF8.GetString(store.Symbols.Text(labels.Value)));
                }
            }
        }
    }

    private static void AddHeadNames(MemoryHead head, IReadOnlyList<LabelMatcher> matchers, HashSet<string> names, CancellationToken cancellation)
    {
        var store = head.Store;
        if (matchers.Count == 0)
        {
            foreach (var name in store.Postings.Names)
            {
                names.Add(Encoding.UTF8.GetString(store.Symbols.Text(name)));
            }

            return;
        }

        var seen = new HashSet<int>();
        foreach (var number in PostingsSelector.Select(head.Postings, matchers, cancellation))
        {
            for (var labels = store.LabelsOf((int)number); labels.MoveNext();)
            {
                if (seen.Add(labels.Name))
                {
                    names.Add(Encoding.UTF8.GetString(store.Symbols.Text(labels.Name)));
                }
            }
        }
    }

    private static void AddBlockValues(
        Block block, byte[] name, IReadOnlyList<LabelMatcher> matchers, HashSet<string> values, CancellationToken cancellation)
    {
        if (matchers.Count == 0)
        {
            block.Index.Postings.ForEachValue(name, (value, _) =>
            {
                values.Add(Encoding.UTF8.GetString(value));
                return true;
            });
            return;
        }

        foreach (var series in PostingsSelector.Select(block.Postings, matchers, cancellation))
        {
            var value = block.Index.ValueOf(series, name);
            if (!value.IsEmpty)
            {
                values.Add(Encoding.UTF8.GetString(value));
            }
        }
    }

    private static void AddBlockNames(Block block, IReadOnlyList<LabelMatcher> matchers, HashSet<string> names, CancellationToken cancellation)
    {
        if (matchers.Count == 0)
        {
            foreach (var name in block.Index.Postings.Names)
            {
                names.Add(Encoding.UTF8.GetString(name));
            }

            return;
        }

        var seen = new HashSet<uint>();
        var labels = new List<SymbolPair>();
        var chunks = new List<BlockChunk>();
        foreach (var series in PostingsSelector.Select(block.Postings, matchers, cancellation))
        {
            block.Index.ReadSeries(series, labels, chunks);
            foreach (var pair in labels)
            {
                if (seen.Add(pair.Name))
                {
                    names.Add(Encoding.UTF8.GetString(block.Index.Symbol(pair.Name)));
                }
            }
        }
    }

    private static List<string> Sorted(HashSet<string> texts, int limit)
    {
        var sorted = new List<string>(texts);
        sorted.Sort(CompareUtf8);
        if (limit > 0 && sorted.Count > limit)
        {
            sorted.RemoveRange(limit, sorted.Count - limit);
        }

        return sorted;
    }

    // Bytewise order of UTF-8 is the order of code points, which UTF-16 does not follow for characters beyond the basic plane.
    private static int CompareUtf8(string left, string right)
    {
        var length = Math.Min(left.Length, right.Length);
        for (var i = 0; i < length; i++)
        {
            if (left[i] != right[i])
            {
                var (l, r) = (char.IsSurrogate(left[i]), char.IsSurrogate(right[i]));
                return l == r ? left[i].CompareTo(right[i]) : l.CompareTo(r);
            }
        }

        return left.Length.CompareTo(right.Length);
    }
}
