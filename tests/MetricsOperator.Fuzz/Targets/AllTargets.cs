using MetricsOperator.Fuzz.Engine;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>Every reader that is fuzzed.</summary>
public static class AllTargets
{
    public static IReadOnlyList<FuzzTarget> Create() =>
    [
        new WalRecordTarget(),
        new WalSegmentTarget(),
        new SnappyTarget(),
        new IndexTarget(),
        new ChunkTarget(),
        new ChunkSegmentTarget(),
        new HeadChunkTarget(),
        new HeadStateTarget(),
        new TombstonesTarget(),
        new BlockMetaTarget(),
        new ExpositionTarget(),
        new WriteRequestTarget(),
        new PromQLTarget(),
        new DirectoryTarget(),
    ];
}
