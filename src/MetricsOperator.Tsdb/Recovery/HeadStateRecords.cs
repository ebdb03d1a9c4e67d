using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Recovery;

/// <summary>What a state of the head keeps as records of the log: deletions, metadata and exemplars, of which there are few.</summary>
internal static class HeadStateRecords
{
    private const int MaxRecordBytes = 256 * 1024;

    /// <summary>Deletions; to be called while nothing is committed.</summary>
    public static List<byte[]> Tombstones(MemoryHead head) =>
        Records(WalRecordType.Tombstones, head.Tombstones.All(), (record, stone) => record.Tombstone(stone.Series, stone.Range.MinTime, stone.Range.MaxTime));

    /// <summary>Metadata of all metrics that have a series.</summary>
    public static List<byte[]> Metadata(MemoryHead head) => Records(
        WalRecordType.Metadata,
        head.MetadataBySeries(),
        (record, entry) => HeadLog.Add(record, entry.Series, entry.Metadata));

    /// <summary>Exemplars, oldest first.</summary>
    public static List<byte[]> Exemplars(MemoryHead head) =>
        Records(WalRecordType.Exemplars, head.Exemplars.All(), (record, entry) => record.Exemplar(entry.Series, entry.Exemplar));

    private static List<byte[]> Records<T>(WalRecordType type, IEnumerable<T> entries, Action<WalRecordWriter, T> add)
    {
        var records = new List<byte[]>();
        var record = new WalRecordWriter();
        record.Start(type);
        foreach (var entry in entries)
        {
            add(record, entry);
            if (record.Length > MaxRecordBytes)
            {
                records.Add(record.Record.ToArray());
                record.Start(type);
            }
        }

        if (record.Entries > 0)
        {
            records.Add(record.Record.ToArray());
        }

        return records;
    }
}
