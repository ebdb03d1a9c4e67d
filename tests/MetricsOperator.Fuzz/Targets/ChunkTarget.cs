using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Querying;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>The chunk decoders of all encodings; the first byte of an input is the encoding.</summary>
public sealed class ChunkTarget : FuzzTarget
{
    private readonly long[] _times = new long[128];
    private readonly double[] _values = new double[128];
    private readonly FloatHistogram?[] _histograms = new FloatHistogram?[8];

    public override string Name => "chunk";

    /// <summary>Samples are pulled one by one, so this is what passes, not what is held: a histogram without change takes four bits.</summary>
    public override AllocationBound Bound => new(8 * 1024, 384);

    public override IReadOnlyList<byte[]> Seeds() => ChunkSeeds.All();

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var outcome = new Outcome();
        if (input.IsEmpty)
        {
            return outcome.Value;
        }

        outcome.Add(input.Span[0]);
        var cut = (input.Length & 3) == 0;
        var chunk = new ChunkRef(long.MinValue, long.MaxValue, 0);
        var (min, max) = cut ? (1_600_000_010_000, 1_600_001_000_000) : (long.MinValue, long.MaxValue);
        TimeRange[]? deleted = cut ? [new(1_600_000_030_000, 1_600_000_050_000)] : null;
        using var reader = new ChunkSampleReader(new OneChunk(input), new ArraySegment<ChunkRef>([chunk]), min, max, deleted);
        var samples = 0L;
        for (var kind = reader.NextKind(); kind != SampleKind.None; kind = reader.NextKind())
        {
            var read = kind == SampleKind.Float ? reader.ReadFloats(_times, _values) : reader.ReadHistograms(_times, _histograms);
            if (read <= 0)
            {
                throw new InvariantException("the reader announces samples and gives none");
            }

            if (cut && samples == 0)
            {
                reader.SkipTo(1_600_000_100_000);
            }

            samples += read;
        }

        outcome.AddCount(samples);
        return outcome.Value;
    }

    private sealed class OneChunk(ReadOnlyMemory<byte> input) : ChunkSource
    {
        public override ChunkData Load(ChunkRef chunk, ref byte[] buffer) =>
            new(input[1..], (ChunkEncoding)input.Span[0]);

        public override string Describe(ChunkRef chunk) => "the chunk";
    }
}
