using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Tsdb.Head;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>A file of <c>chunks_head</c>: the scan at start, then every chunk it has found.</summary>
public sealed class HeadChunkTarget : FuzzTarget
{
    private readonly byte[] _window = new byte[1024];
    private readonly List<(long Offset, int Samples)> _found = new(1024);

    public override string Name => "head-chunk";

    public override AllocationBound Bound => new(8 * 1024, 16);

    public override bool HasChecksums => true;

    public override IReadOnlyList<byte[]> Seeds() => ChunkSeeds.HeadFiles();

    public override void FixChecksums(Span<byte> input) => Checksums.FixHeadChunks(input);

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var outcome = new Outcome();
        _found.Clear();
        var scan = new HeadChunkScan(1, input.Length, ReadAt);
        var encodings = 0UL;
        var error = scan.Run(_window, (series, chunk, encoding, _, samples) =>
        {
            encodings |= 1UL << Math.Min(7, (int)encoding);
            _found.Add(((uint)chunk.DiskRef, samples));
        });
        outcome.Add(encodings);
        outcome.AddCount(_found.Count);
        outcome.AddMessage(error ?? string.Empty);
        foreach (var (offset, samples) in _found)
        {
            var bytes = input.Span[(int)offset..];
            var length = HeadChunkFiles.LengthAt(bytes);
            if (length <= 0 || length > bytes.Length)
            {
                throw new InvariantException($"a chunk that the scan has found at {offset} has length {length} when it is read");
            }

            if (HeadChunkFiles.DataRange(bytes[..length], "000001", offset, out _).IsEmptyRange() && samples >= 0)
            {
                throw new InvariantException($"the chunk at {offset} has {samples} samples in no bytes");
            }
        }

        return outcome.Value;

        int ReadAt(Span<byte> into, long offset)
        {
            var rest = input.Span[(int)Math.Min(offset, input.Length)..];
            var length = Math.Min(rest.Length, into.Length);
            rest[..length].CopyTo(into);
            return length;
        }
    }
}

internal static class Ranges
{
    public static bool IsEmptyRange(this Range range) => range.Start.Value == range.End.Value;
}
