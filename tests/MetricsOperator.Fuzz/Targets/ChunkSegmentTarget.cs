using System.Buffers.Binary;
using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>A chunk file of a block, and the references an index may hold to it; the last eight bytes of an input are one of them.</summary>
public sealed class ChunkSegmentTarget : FuzzTarget
{
    public override string Name => "chunk-segment";

    public override AllocationBound Bound => new(8 * 1024, 16);

    public override bool HasChecksums => true;

    public override IReadOnlyList<byte[]> Seeds() => ChunkSeeds.Segments();

    public override void FixChecksums(Span<byte> input) => Checksums.FixChunkSegment(input);

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var outcome = new Outcome();
        if (input.Length < 8)
        {
            return outcome.Value;
        }

        using var segments = new ChunkSegments(new MappedFile("000001", input));
        var reference = BinaryPrimitives.ReadUInt64BigEndian(input.Span[^8..]);
        var found = 0;
        var encodings = 0UL;
        for (var offset = 8UL; found < 16; found++)
        {
            try
            {
                var chunk = segments.Read(offset);
                encodings |= 1UL << Math.Min(4, (int)chunk.Encoding);
                offset += (chunk.Bytes.Length < 128 ? 1UL : 2) + 1 + (ulong)chunk.Bytes.Length + 4;
            }
            catch (StorageException e)
            {
                outcome.AddMessage(e.Message);
                break;
            }
        }

        outcome.Add(encodings);
        outcome.AddCount(segments.Read(reference).Bytes.Length);
        return outcome.Value;
    }
}
