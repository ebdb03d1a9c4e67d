using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Tsdb.Blocks;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>The tombstones file of a block.</summary>
public sealed class TombstonesTarget : FuzzTarget
{
    public override string Name => "tombstones";

    /// <summary>An entry of three bytes may be the first of a series: an array with one range, in a table that grows by doubling and is copied to drop old ranges.</summary>
    public override AllocationBound Bound => new(8 * 1024, 256);

    public override bool HasChecksums => true;

    public override IReadOnlyList<byte[]> Seeds() => BlockSeeds.Tombstones();

    public override void FixChecksums(Span<byte> input) => Checksums.FixTombstones(input);

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var outcome = new Outcome();
        var tombstones = Tombstones.Parse(input.Span, "tombstones");
        outcome.AddCount(tombstones.Count);
        tombstones.DropBefore(0);
        outcome.AddCount(tombstones.Count);
        return outcome.Value;
    }
}
