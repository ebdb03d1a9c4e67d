using MetricsOperator.Fuzz.Corpus;
using MetricsOperator.Fuzz.Engine;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Fuzz.Targets;

/// <summary>The framing of log segments.</summary>
public sealed class WalSegmentTarget : FuzzTarget
{
    public override string Name => "wal-segment";

    /// <summary>A page and two buffers; a compressed byte stands for at most 64, and the buffer for them grows by doubling.</summary>
    public override AllocationBound Bound => new(64 * 1024, 192);

    /// <summary>A zstd block of four bytes may stand for 128 KiB; a frame is given room up to that, in a buffer that doubles.</summary>
    public override long AllowedFor(ReadOnlySpan<byte> input) =>
        base.AllowedFor(input) + (input.IndexOf((ReadOnlySpan<byte>)[0x28, 0xB5, 0x2F, 0xFD]) >= 0 ? ((input.Length / 4) + 1L) * 512 * 1024 : 0);

    public override int MaxInputBytes => 3 * WalFormat.PageSize;

    public override bool HasChecksums => true;

    public override IReadOnlyList<byte[]> Seeds() => WalSeeds.Segments();

    public override void FixChecksums(Span<byte> input) => Checksums.FixSegment(input);

    public override ulong Run(ReadOnlyMemory<byte> input)
    {
        var outcome = new Outcome();
        using var reader = new WalSegmentReader("segment", input);
        var records = 0;
        var longest = 0;
        long end = 0;
        while (reader.Next(out var record))
        {
            records++;
            longest = Math.Max(longest, record.Length);
            if (reader.GoodLength <= end || reader.GoodLength > reader.Length + WalFormat.PageSize)
            {
                throw new InvariantException("the good length does not grow with every record, or passes the end");
            }

            end = reader.GoodLength;
        }

        outcome.AddCount(records);
        outcome.AddCount(longest);
        outcome.AddMessage(reader.Error ?? string.Empty);
        return outcome.Value;
    }
}
