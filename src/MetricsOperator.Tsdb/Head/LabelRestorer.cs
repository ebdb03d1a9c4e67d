namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Enters series that come with their label symbols into the index by label, and counts the uses of the symbols. Touches symbols and postings
/// only, so that another thread may create the series meanwhile. Not thread-safe.
/// </summary>
internal sealed unsafe class LabelRestorer(SymbolTable symbols, PostingsIndex postings)
{
    private const int Positions = 32;
    private const int OrderedNames = 256;

    /// <summary>In place of the name in front of the first label.</summary>
    private const int NoName = -1;

    /// <summary>By position in a label list: series that follow one another share most labels, which are entered together.</summary>
    private readonly Run[] _runs = Nothing(Positions);

    /// <summary>Names that are known to be in order.</summary>
    private readonly Run[] _ordered = Nothing(OrderedNames);

    /// <summary>Labels of the newest series.</summary>
    private int _count;

    /// <summary>Adds a series, whose number must be above all that were added.</summary>
    /// <returns>False when a symbol of this series or of one before it has no text, or names are not in order; nothing is of use then.</returns>
    public bool Add(int series, ReadOnlySpan<byte> labelSymbols)
    {
        var areKnown = true;
        var position = 0;
        var previous = NoName;
        fixed (byte* start = labelSymbols)
        {
            var at = start;
            var end = start + labelSymbols.Length;
            while (at < end)
            {
                if (!Read(ref at, end, out var name) || !Read(ref at, end, out var value))
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
                    if (!MayFollow(previous, name))
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

    private static Run[] Nothing(int count)
    {
        var runs = new Run[count];
        Array.Fill(runs, new Run { Name = NoName, Previous = NoName });
        return runs;
    }

    // Names of a series are in the order of their bytes; of the few names there are, each pair is compared once or a few times.
    private bool MayFollow(int previous, int name)
    {
        ref var known = ref _ordered[((previous * 31) + name) & (OrderedNames - 1)];
        if (known.Name == name && known.Previous == previous)
        {
            return true;
        }

        if (!symbols.HasText(name) || (previous != NoName && symbols.Text(previous).SequenceCompareTo(symbols.Text(name)) >= 0))
        {
            return false;
        }

        known = new Run { Name = name, Previous = previous };
        return true;
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

    // In place of a reader with its checks at every byte: this is most of what a start does.
    private static bool Read(ref byte* at, byte* end, out int symbol)
    {
        uint value = 0;
        for (var shift = 0; at < end && shift < 35; shift += 7)
        {
            var b = *at++;
            value |= (uint)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                symbol = (int)value;
                return true;
            }
        }

        symbol = -1;
        return false;
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
