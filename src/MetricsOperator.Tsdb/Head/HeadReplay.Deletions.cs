using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Head;

/// <content>Deletions.</content>
internal sealed partial class HeadReplay
{
    /// <summary>References whose samples were all moved into blocks; the same labels may have come back under another reference.</summary>
    private readonly HashSet<ulong> _moved = [];

    // The whole of time is not a deletion that somebody asked for: those end with the newest sample.
    private void AddTombstone(ulong reference, TimeRange range)
    {
        head.Store.ObserveReference(reference);
        if (range is { MinTime: long.MinValue, MaxTime: long.MaxValue })
        {
            _moved.Add(reference);
        }
        else if (range.MaxTime >= minValidTime && head.Store.Find(reference) is >= 0 and var number)
        {
            head.Tombstones.Add(head.Store[number].Reference, range);
        }
    }

    private bool ReadLateRecord(ReadOnlySpan<byte> record) =>
        record[0] == (byte)WalRecordType.Tombstones ? DeleteLate(record) : _late.ReadRecord(record);

    private bool DeleteLate(ReadOnlySpan<byte> record)
    {
        var tombstones = new TombstoneRecord(record);
        while (tombstones.Next())
        {
            if (head.Store.Find(tombstones.Reference) is >= 0 and var number)
            {
                head.OutOfOrder.Delete(head.Store[number].Reference, tombstones.MinTime, tombstones.MaxTime);
            }
        }

        return !tombstones.Failed;
    }
}
