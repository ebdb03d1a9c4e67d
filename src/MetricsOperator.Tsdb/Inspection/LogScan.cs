using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Inspection;

/// <summary>Visits a readable record of a log segment.</summary>
internal delegate void RecordVisitor(ReadOnlySpan<byte> record);

/// <summary>Which log a segment belongs to; decides what records it may hold and what a server does about damage.</summary>
internal enum LogKind
{
    Wal,
    Checkpoint,
    Wbl,
    Snapshot,
}

/// <summary>Reads every record of a log segment, those behind damage too.</summary>
internal sealed class LogScan(string path, string name, LogKind kind)
{
    private const int MaxRereads = 5;

    private long _records;
    private long _series;
    private long _samples;
    private long _unknown;
    private long _firstTime;
    private long _lastTime;
    private bool _hasTime;

    /// <summary>Reads the segment.</summary>
    /// <param name="keep">Visits every readable record; null when nobody wants them.</param>
    /// <param name="cancellation">Stops.</param>
    public FileReport Run(RecordVisitor? keep, CancellationToken cancellation)
    {
        for (var attempt = 0; ; attempt++)
        {
            var damages = new DamageList(name);
            (_records, _series, _samples, _unknown) = (0, 0, 0, 0);
            using var reader = new WalSegmentReader(path);
            Read(reader, damages, keep, cancellation);

            // A server may be in the middle of a write; what it had not finished looks torn.
            if (damages.IsEmpty || keep is not null || attempt == MaxRereads || new FileInfo(path).Length == reader.Length)
            {
                var unknown = _unknown > 0 ? $", {_unknown} of unknown type" : string.Empty;
                var content = kind == LogKind.Snapshot ? $"{_records} records" : $"{_records} records, {_series} series, {_samples} samples{unknown}";
                return damages.Report(reader.Length, content);
            }
        }
    }

    private static bool LooksCompressed(ReadOnlySpan<byte> record)
    {
        ReadOnlySpan<byte> zstd = [0x28, 0xB5, 0x2F, 0xFD];
        if (record.StartsWith(zstd))
        {
            return true;
        }

        var decoded = new ByteWriter(record.Length * 4);
        return record.Length > 1 && SnappyDecoder.Decode(record, decoded, WalFormat.MaxRecordSize) && decoded.Length > 0;
    }

    private void Read(WalSegmentReader reader, DamageList damages, RecordVisitor? keep, CancellationToken cancellation)
    {
        var recordStart = reader.GoodLength;
        (long Offset, string What, bool HasTime, long Time)? open = null;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (TryNext(reader, out var record, out var problem))
            {
                _hasTime = false;
                problem = kind == LogKind.Snapshot || record.IsEmpty ? null : Check(record);
                var isReadable = problem is null;
                if (reader.Compression == (WalFormat.Snappy | WalFormat.Zstd))
                {
                    problem ??= "the record is said to be compressed in two ways; it is read as snappy";
                }

                _records++;
                if (open is { } before)
                {
                    Report(before, recordStart);
                    open = null;
                }

                if (problem is not null)
                {
                    damages.Add(recordStart, problem, "what the record says", Consequence());
                }

                if (isReadable)
                {
                    keep?.Invoke(record);
                }

                recordStart = reader.GoodLength;
                continue;
            }

            if (problem is null)
            {
                break;
            }

            if (open is { } earlier)
            {
                Report(earlier, reader.GoodLength);
            }

            open = (reader.GoodLength, problem, _records > 0, _lastTime);
            if (!reader.SkipDamage())
            {
                break;
            }

            recordStart = reader.GoodLength;
        }

        if (open is { } last)
        {
            Report(last, reader.GoodLength);
        }

        void Report((long Offset, string What, bool HasTime, long Time) damage, long end)
        {
            var after = _hasTime ? $" and before {InspectionText.Time(_firstTime)}" : string.Empty;
            var affects = damage.HasTime && damage.Time != 0 ? $"records up to offset {end}: samples after {InspectionText.Time(damage.Time)}{after}" : $"records up to offset {end}";
            damages.Add(damage.Offset, damage.What, affects, Consequence());
        }
    }

    private static bool TryNext(WalSegmentReader reader, out ReadOnlySpan<byte> record, out string? problem)
    {
        try
        {
            var isRecord = reader.Next(out record);
            problem = reader.Error;
            return isRecord;
        }
        catch (StorageException e)
        {
            record = default;
            problem = e.Message;
            return false;
        }
    }

    private string Consequence() => kind switch
    {
        LogKind.Checkpoint => "a server reads the segment up to here and goes on with the next one; repair keeps the records behind it",
        LogKind.Snapshot => "none: nothing is read from it here",
        _ => "a server cuts the log here when it starts and sets aside what follows; repair keeps the records behind it",
    };

    // Null when the record can be decoded.
    private string? Check(ReadOnlySpan<byte> record)
    {
        var type = (WalRecordType)record[0];
        switch (type)
        {
            case WalRecordType.Series:
                var series = new SeriesRecord(record);
                while (series.Next())
                {
                    _series++;
                }

                return series.Failed ? Malformed() : null;
            case WalRecordType.Tombstones:
                var tombstones = new TombstoneRecord(record);
                while (tombstones.Next())
                {
                }

                return tombstones.Failed ? Malformed() : null;
            case WalRecordType.MmapMarkers:
                var markers = new MmapMarkerRecord(record);
                while (markers.Next())
                {
                }

                return markers.Failed ? Malformed() : null;
            case WalRecordType.Metadata:
                var metadata = new MetadataRecord(record);
                while (metadata.Next())
                {
                }

                return metadata.Failed ? Malformed() : null;
            case WalRecordType.Samples or WalRecordType.Exemplars or (>= WalRecordType.Histograms and <= WalRecordType.FloatHistogramsV2):
                var samples = new SampleRecord(record);
                while (samples.Next())
                {
                    Observe(samples.Timestamp);
                    _samples++;
                }

                return samples.Failed ? Malformed() : null;
            default:
                if (LooksCompressed(record))
                {
                    return "the record is compressed, but its type does not say so";
                }

                _unknown++;
                return null;
        }

        string Malformed() => $"a record of type {(int)type} is malformed";
    }

    private void Observe(long timestamp)
    {
        _firstTime = _hasTime ? Math.Min(_firstTime, timestamp) : timestamp;
        _lastTime = timestamp;
        _hasTime = true;
    }
}
