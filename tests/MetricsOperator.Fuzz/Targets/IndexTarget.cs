using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Index;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>The index reader, opened and asked everything.</summary>
public sealed class IndexTarget : FuzzTarget
{
    private const int MaxLists = 64;

    private readonly List<uint> _ids = new(64 * 1024);
    private readonly List<SymbolPair> _labels = new(16 * 1024);
    private readonly List<BlockChunk> _chunks = new(16 * 1024);
    private readonly ByteWriter _scratch = new(64 * 1024);

    public override string Name => "index";

    /// <summary>An entry of the postings table of 4 bytes may begin a name, which is a tree node with two arrays and a list.</summary>
    public override AllocationBound Bound => new(64 * 1024, 128);

    public override int MaxInputBytes => 16 * 1024;

    public override bool HasChecksums => true;

    public override IReadOnlyList<byte[]> Seeds() => IndexSeeds.All();

    public override void FixChecksums(Span<byte> input) => Checksums.FixIndex(input);

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var outcome = new Outcome();
        using var index = new IndexReader(new MappedFile("index", input));
        outcome.AddCount(index.SymbolCount);
        var symbols = index.SymbolsFrom(0);
        while (symbols.MoveNext())
        {
            if (!index.Symbol(symbols.Reference).SequenceEqual(symbols.Current))
            {
                throw new InvariantException("a symbol is another one when it is looked up");
            }
        }

        _ids.Clear();
        var problem = Guarded(() =>
        {
            if (index.Postings.Find(default, default) is > 0 and var all)
            {
                index.ReadPostings(all, _ids);
            }
        });
        var lists = 0;
        foreach (var name in index.Postings.Names.Take(MaxLists))
        {
            problem ??= Guarded(() => index.Postings.ForEachValue(name, (value, postings) =>
            {
                index.PostingsCount(postings);
                index.ReadPostings(postings, _ids);
                return ++lists < MaxLists && _ids.Count < 16 * 1024;
            }));
        }

        outcome.AddCount(_ids.Count);
        for (var i = 0; i < Math.Min(_ids.Count, MaxLists); i++)
        {
            var series = _ids[i];
            problem ??= Guarded(() =>
            {
                index.ReadSeries(series, _labels, _chunks);
                _ = index.ValueOf(series, "job"u8);
                if (_labels.Count <= MaxLists)
                {
                    _scratch.Clear();
                    foreach (var pair in _labels)
                    {
                        _ = index.Symbol(pair.Name);
                        _ = index.Symbol(pair.Value);
                    }

                    if (lists++ < 2 * MaxLists)
                    {
                        index.LabelSetOf(_labels, _scratch);
                    }
                }
            });
        }

        outcome.AddMessage(problem?.Message ?? string.Empty);
        return outcome.Value;
    }

    // A query ends with the first damage; here only the rest of one kind of question does.
    private static StorageException? Guarded(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (StorageException e)
        {
            return e;
        }
    }
}
