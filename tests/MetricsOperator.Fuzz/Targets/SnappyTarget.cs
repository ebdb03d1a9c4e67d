using System.Text;
using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Timeseries.RemoteWrite;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>The snappy decoders of the log and of remote write, which must agree.</summary>
public sealed class SnappyTarget : FuzzTarget
{
    private const int Limit = 1 << 20;

    public override string Name => "snappy";

    /// <summary>Both decoders into fresh buffers, each of at most 64 bytes for one.</summary>
    public override AllocationBound Bound => new(4 * 1024, 136);

    public override IReadOnlyList<byte[]> Seeds()
    {
        var texts = new[]
        {
            string.Empty, "a", "abcabcabcabcabcabcabcabc", new string('x', 500), string.Join(',', Enumerable.Range(0, 200)), Guid.Empty.ToString(),
        };
        var seeds = texts.Select(t => SnappyBlock.Encode(Encoding.UTF8.GetBytes(t))).ToList();
        foreach (var record in WalSeeds.Records().Take(12))
        {
            var encoded = new ByteWriter();
            new SnappyEncoder().Encode(record, encoded);
            seeds.Add(encoded.Written.ToArray());
        }

        return seeds;
    }

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var outcome = new Outcome();
        var decoded = new ByteWriter(64);
        var isBlock = SnappyDecoder.Decode(input.Span, decoded, Limit);
        var isBlockToo = SnappyBlock.TryDecode(input.Span, Limit, out var other, out var error);

        // A length of more than five bytes is read by one and refused by the other; what both read must be the same.
        if (isBlock && isBlockToo && !decoded.Written.SequenceEqual(other))
        {
            throw new InvariantException("the two decoders give different bytes");
        }

        if (!isBlock && isBlockToo)
        {
            throw new InvariantException("the log's decoder refuses what remote write accepts");
        }

        outcome.AddCount(decoded.Length);
        outcome.AddMessage(error);
        outcome.Add(isBlock ? 1UL : 0);
        return outcome.Value;
    }
}
