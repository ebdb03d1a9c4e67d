namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Enters series that come with their label symbols into the index by label, and counts the uses of the symbols. Not thread-safe.
/// </summary>
internal sealed unsafe class LabelRestorer(SymbolTable symbols, PostingsIndex postings)
{
    private const int Positions = 32;

    /// <summary>By position in a label list: series that follow one another share most labels, which are entered together.</summary>
    private readonly Run[] _runs = Nothing();

    private readonly LabelOrder _order = new(symbols);

    /// <summary>Labels of the newest series.</summary>
    private int _count;

    /// <summary>Adds a series, whose number must be above all that were added.</summary>
    /// <returns>False when a symbol of this series or of one before it has no text, or names are not in order; nothing is of use then.</returns>
    public bool Add(int series, ReadOnlySpan<byte> labelSymbols)
    {
        var areKnown = true;
        var position = 0;
        var previous = LabelOrder.NoName;
        fixed (byte* start = labelSymbols)
        {
            var at = start;
            var end = start + labelSymbols.Length;
            while (at < end)
            {
                if (!LabelOrder.Read(ref at, end, out var name) || !LabelOrder.Read(ref at, end, out var value))
                {
                    return false;
                }

                ref var run = ref _runs[position & (Positions - 1)];
                position++;
                if (run.Name == name && run.Value == value && run.Previous == previous && run.First + run.Count == series)
                {
                    run.Count++;
                }
                else
                {
                    if (!_order.MayFollow(previous, name))
                    {
                        return false;
                    }

                    areKnown &= End(ref run);
                    run = new Run { Name = name, Value = value, Previous = previous, First = series, Count = 1 };
                }

                previous = name;
            }
        }

        // A pair may come back at another position, and must not before the series here are entered.
        for (var left = position; left < Math.Min(_count, Positions); left++)
        {
            areKnown &= End(ref _runs[left]);
        }

        _count = position;
        return areKnown && position > 0;
    }

    /// <summary>Enters what is not entered yet.</summary>
    /// <returns>False when a symbol has no text.</returns>
    public bool Finish()
    {
        var areKnown = true;
        for (var position = 0; position < Positions; position++)
        {
            areKnown &= End(ref _runs[position]);
        }

        return areKnown;
    }

    private static Run[] Nothing()
    {
        var runs = new Run[Positions];
        Array.Fill(runs, new Run { Name = LabelOrder.NoName, Previous = LabelOrder.NoName });
        return runs;
    }

    private bool End(ref Run run)
    {
        var count = run.Count;
        run.Count = 0;
        if (count == 0)
        {
            return true;
        }

        if (!symbols.TryAcquire(run.Name, count) || !symbols.TryAcquire(run.Value, count))
        {
            return false;
        }

        postings.Add(run.Name, run.Value, run.First, count);
        return true;
    }

    /// <summary>Series one after another that have a pair.</summary>
    private struct Run
    {
        public int Name;
        public int Value;

        /// <summary>Name of the label in front of this one.</summary>
        public int Previous;
        public int First;
        public int Count;
    }
}
