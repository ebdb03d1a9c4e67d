using System.Text;
using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Tsdb.Blocks;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>The meta.json of a block, and what is asked of it later.</summary>
public sealed class BlockMetaTarget : FuzzTarget
{
    public override string Name => "meta-json";

    public override AllocationBound Bound => new(16 * 1024, 64);

    public override IReadOnlyList<byte[]> Dictionary { get; } =
    [
        .. new[] { "null", "[]", "{}", "[null]", "-1", "1e400", "\"\"", "\\ud800", "\"compaction\":null,", "\"stats\":null,", "\"ulid\":null,", ",", "true" }
            .Select(Encoding.UTF8.GetBytes),
    ];

    public override IReadOnlyList<byte[]> Seeds() => BlockSeeds.Metas();

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var outcome = new Outcome();
        var meta = BlockMetaFile.Parse(input.Span, "meta.json");
        outcome.Add(meta.CoversAllSeries ? 1UL : 0);
        outcome.AddCount(meta.Ulid.Length);
        outcome.AddCount(meta.Stats.NumSamples);
        foreach (var source in meta.Compaction.Sources ?? [])
        {
            outcome.AddCount(source.Length);
        }

        foreach (var parent in meta.Compaction.Parents ?? [])
        {
            outcome.AddCount(parent.Ulid.Length);
        }

        return outcome.Value;
    }
}
