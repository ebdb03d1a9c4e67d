using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Files;

namespace MetricsOperator.Tsdb.Wal;

/// <summary>
/// Replaces the old part of a log by a checkpoint that holds only what is still needed. In an order that replays to the same state
/// whenever a crash comes: write and sync a temporary directory, rename, then delete segments oldest first, then older checkpoints.
/// </summary>
internal sealed class CheckpointWriter(FileLayer files, string directory, int segmentBytes, bool compress)
{
    private readonly WalRecordWriter _record = new();
    private readonly Dictionary<ulong, byte[]> _metadata = [];

    /// <summary>Writes <c>checkpoint.(cut)</c> from the previous checkpoint and the segments up to <paramref name="cut"/>, and deletes those.</summary>
    /// <param name="log">The directory as it is.</param>
    /// <param name="cut">Last segment to replace.</param>
    /// <param name="minTime">Samples before this time are left out.</param>
    /// <param name="keepSeries">Whether a series record may still be needed.</param>
    /// <param name="cancellation">Stops the writing; nothing is changed then.</param>
    public void Replace(WalDirectory log, int cut, long minTime, Func<ulong, bool> keepSeries, CancellationToken cancellation)
    {
        var final = Path.Combine(directory, WalFormat.CheckpointName(cut));
        var temporary = final + ".tmp";
        WalDirectory.DeleteTemporary(files, directory);
        using (var writer = new WalWriter(files, temporary, 0, segmentBytes, compress))
        {
            foreach (var segment in log.CheckpointSegments)
            {
                Filter(segment.Path, writer, minTime, keepSeries, cancellation);
            }

            foreach (var segment in log.Segments)
            {
                if (segment.Number <= cut)
                {
                    Filter(segment.Path, writer, minTime, keepSeries, cancellation);
                }
            }

            WriteMetadata(writer, keepSeries);
            writer.Write();
        }

        files.SyncDirectory(temporary);
        files.MoveDirectory(temporary, final);
        files.SyncDirectory(directory);
        DeleteReplaced(cut);
    }

    /// <summary>Deletes the segments and checkpoints that checkpoint <paramref name="cut"/> replaces.</summary>
    public void DeleteReplaced(int cut)
    {
        foreach (var segment in DataFiles.Numbered(directory))
        {
            if (segment.Number <= cut)
            {
                files.DeleteFile(segment.Path);
            }
        }

        foreach (var (number, path) in WalDirectory.Checkpoints(directory).ToList())
        {
            if (number < cut)
            {
                files.DeleteDirectory(path);
            }
        }

        files.SyncDirectory(directory);
    }

    private void Filter(string path, WalWriter writer, long minTime, Func<ulong, bool> keepSeries, CancellationToken cancellation)
    {
        using var segment = new WalSegmentReader(path);
        while (segment.Next(out var record))
        {
            cancellation.ThrowIfCancellationRequested();
            if (record.IsEmpty)
            {
                continue;
            }

            var type = (WalRecordType)record[0];
            _record.Start(type);
            var complete = type switch
            {
                WalRecordType.Series => FilterSeries(record, keepSeries),
                WalRecordType.Tombstones => FilterTombstones(record, minTime, keepSeries),
                WalRecordType.Metadata => CollectMetadata(record),
                WalRecordType.Samples or WalRecordType.Exemplars or WalRecordType.Histograms or WalRecordType.FloatHistograms
                    or WalRecordType.CustomHistograms or WalRecordType.CustomFloatHistograms => FilterSamples(record, minTime, type),
                WalRecordType.SamplesV2 => FilterSamples(record, minTime, WalRecordType.Samples),
                WalRecordType.HistogramsV2 =>
                    FilterHistograms(record, minTime, WalRecordType.Histograms, WalRecordType.CustomHistograms, writer),
                WalRecordType.FloatHistogramsV2 =>
                    FilterHistograms(record, minTime, WalRecordType.FloatHistograms, WalRecordType.CustomFloatHistograms, writer),
                _ => true,
            };
            if (!complete)
            {
                throw new StorageException($"cannot write a checkpoint: {path} has a malformed record of type {(byte)type} before offset {segment.GoodLength}");
            }

            AddFiltered(writer);
        }

        if (segment.Error is not null)
        {
            throw new StorageException($"cannot write a checkpoint: {path} is damaged at offset {segment.GoodLength}: {segment.Error}");
        }
    }

    private void AddFiltered(WalWriter writer)
    {
        if (_record.Entries > 0)
        {
            writer.Add(_record.Record);
            writer.Write();
        }
    }

    private bool FilterSeries(ReadOnlySpan<byte> record, Func<ulong, bool> keepSeries)
    {
        var series = new SeriesRecord(record);
        while (series.Next())
        {
            if (keepSeries(series.Reference))
            {
                _record.Series(series.Reference, series.LabelCount, series.EncodedLabels);
            }
        }

        return !series.Failed;
    }

    // A record with start timestamps becomes one without, which every reader of the checkpoint knows.
    private bool FilterSamples(ReadOnlySpan<byte> record, long minTime, WalRecordType into, bool? custom = null)
    {
        _record.Start(into);
        var samples = new SampleRecord(record);
        while (samples.Next())
        {
            if (samples.Timestamp >= minTime && (custom is null || custom == samples.IsCustom))
            {
                _record.Copied(samples.Reference, samples.Timestamp, samples.Rest);
            }
        }

        return !samples.Failed;
    }

    // Records with start timestamps mix histograms that have records of their own otherwise.
    private bool FilterHistograms(ReadOnlySpan<byte> record, long minTime, WalRecordType into, WalRecordType customInto, WalWriter writer)
    {
        if (!FilterSamples(record, minTime, customInto, custom: true))
        {
            return false;
        }

        AddFiltered(writer);
        return FilterSamples(record, minTime, into, custom: false);
    }

    private bool FilterTombstones(ReadOnlySpan<byte> record, long minTime, Func<ulong, bool> keepSeries)
    {
        var tombstones = new TombstoneRecord(record);
        while (tombstones.Next())
        {
            if (tombstones.MaxTime >= minTime && keepSeries(tombstones.Reference))
            {
                _record.Tombstone(tombstones.Reference, tombstones.MinTime, tombstones.MaxTime);
            }
        }

        return !tombstones.Failed;
    }

    // Only the newest metadata of a series is worth keeping; it is written once everything has been read.
    private bool CollectMetadata(ReadOnlySpan<byte> record)
    {
        var metadata = new MetadataRecord(record);
        while (metadata.Next())
        {
            _record.Start(WalRecordType.Metadata);
            _record.Metadata(metadata.Reference, metadata.Type, metadata.Unit, metadata.Help);
            _metadata[metadata.Reference] = _record.Record.ToArray();
        }

        _record.Start(WalRecordType.Metadata);
        return !metadata.Failed;
    }

    private void WriteMetadata(WalWriter writer, Func<ulong, bool> keepSeries)
    {
        foreach (var (reference, record) in _metadata)
        {
            if (keepSeries(reference))
            {
                writer.Add(record);
            }
        }

        _metadata.Clear();
    }
}
