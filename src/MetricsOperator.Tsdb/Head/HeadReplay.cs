using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Histograms;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Timeseries.Samples;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Chunks;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Recovery;
using MetricsOperator.Tsdb.Wal;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Tsdb.Head;

/// <summary>
/// Rebuilds the head from its files, reading the log twice: first the series, so that chunks_head can be attached to them, then the
/// samples. One record is in memory at a time, so a replay needs no more than the head it builds.
/// </summary>
internal sealed partial class HeadReplay(MemoryHead head, TsdbOptions options, long minValidTime, Action<ReplayProgress>? progress, CancellationToken cancellation)
{
    /// <summary>Share of the first pass in the progress shown.</summary>
    private const double SeriesShare = 40;
    private const long ReportEvery = 5000;

    /// <summary>A segment with less to read is not what a start dies of, and telling the journal takes longer than reading it.</summary>
    private const long NoteworthyBytes = 16 * 1024;

    /// <summary>Bytes of head at which the replay is given up; 0 for no limit.</summary>
    public long MaxHeadBytes { get; init; }

    /// <summary>True when the series that are not kept are replayed another time.</summary>
    public bool IsPartial { get; init; }

    /// <summary>State of the head to begin with; the log is read from its place on. Null reads all of the log.</summary>
    public LogPosition? Start { get; init; }

    /// <summary>Told which segment is read; null for nobody.</summary>
    public BootJournal? Journal { get; init; }

    private readonly ILogger _logger = options.Logger;
    private readonly LateReplay _late = new(head, options.Logger);
    private string? _startPath;
    private long _bytesTotal;
    private long _bytesDone;
    private long _segmentsTotal;
    private long _segmentsDone;
    private long _records;
    private long _unknownSamples;

    /// <summary>Series of which a chunk could not be attached: the log has its samples, and so it must give those after it too.</summary>
    private readonly HashSet<ulong> _rebuilt = [];
    private long _refusedSeries;
    private long _malformed;

    /// <summary>Reads everything; afterwards the log directory is intact.</summary>
    /// <exception cref="StorageException">A checkpoint is damaged or a segment missing.</exception>
    public void Run(string walDirectory, string lateDirectory)
    {
        WalDirectory.DeleteTemporary(options.Files, walDirectory);
        _startPath = Start is { } start ? Path.Combine(walDirectory, WalFormat.SegmentName(start.Segment)) : null;
        var log = FromStart(WalDirectory.List(walDirectory));
        Measure(log);
        log = FromStart(ReadSegments(walDirectory, log, "checkpoint", ReadSeriesRecord));
        Report("chunks_head", SeriesShare);
        if (Start is null)
        {
            head.ChunkFiles.Load(AttachChunk, cancellation);
        }

        Measure(log);
        ReadSegments(walDirectory, log, "wal", ReadSampleRecord);
        if (log.Obsolete.Count > 0)
        {
            // The process that wrote the checkpoint may have ended before its name was durable.
            options.Files.SyncDirectory(walDirectory);
        }

        foreach (var segment in log.Obsolete)
        {
            options.Files.DeleteFile(segment.Path);
        }

        var late = WalDirectory.List(lateDirectory);
        Measure(late);
        ReadSegments(lateDirectory, late, "wbl", ReadLateRecord);
        _unknownSamples += _late.UnknownSamples;
        _malformed += _late.MalformedChunks;
        if (_unknownSamples + _malformed > 0 && !IsPartial)
        {
            _logger.LogWarning(
                "Replay skipped {Samples} samples of series that are not in the log and {Malformed} malformed records", _unknownSamples, _malformed);
        }

        if (_refusedSeries > 0 && !IsPartial)
        {
            _logger.LogInformation("Replay left out {Series} series that the rules in force drop", _refusedSeries);
        }

        Report("done", 100);
    }

    private WalDirectory FromStart(WalDirectory log) => Start is not { } start
        ? log
        : log with { CheckpointSegments = [], Segments = [.. log.Segments.Where(s => s.Number >= start.Segment)] };

    /// <summary>Reads a record that is kept outside of the log, in a state of the head.</summary>
    public bool ReadRecord(ReadOnlySpan<byte> record) => ReadSeriesRecord(record) && ReadSampleRecord(record);

    private void Measure(WalDirectory log)
    {
        _bytesTotal = log.CheckpointSegments.Concat(log.Segments).Sum(s => new FileInfo(s.Path).Length);
        _bytesDone = 0;
        _segmentsTotal = log.CheckpointSegments.Count + log.Segments.Count;
        _segmentsDone = 0;
    }

    private WalDirectory ReadSegments(string directory, WalDirectory log, string phase, RecordHandler handle)
    {
        var isFirstPass = phase == "checkpoint";
        foreach (var segment in log.CheckpointSegments)
        {
            using var reader = ReadSegment(segment, isFirstPass ? phase : "wal", isFirstPass, handle);
            if (reader.Error is not null)
            {
                // What follows the damage in this segment is lost to everyone; what is before and behind it is not.
                head.Counters.WalCorruptions++;
                _logger.LogError(
                    "Checkpoint segment {Segment} is damaged at offset {Offset} ({Why}); the original is kept in quarantine/, the rest is read",
                    segment.Path, reader.GoodLength, reader.Error);
                WalRepair.CutOne(options.Files, directory, segment.Path, reader.GoodLength);
            }
        }

        foreach (var segment in log.Segments)
        {
            string? error;
            long goodLength;
            using (var reader = ReadSegment(segment, "wal", isFirstPass, handle))
            {
                error = reader.Error;
                goodLength = reader.GoodLength;
            }

            if (error is not null)
            {
                head.Counters.WalCorruptions++;
                WalRepair.Cut(options.Files, directory, segment, goodLength, error, _logger);
                return WalDirectory.List(directory);
            }
        }

        return log;
    }

    private WalSegmentReader ReadSegment(NumberedFile segment, string phase, bool isFirstPass, RecordHandler handle)
    {
        var reader = Start is { } start && segment.Path == _startPath
            ? new WalSegmentReader(segment.Path, start.Offset)
            : new WalSegmentReader(segment.Path);
        if (reader.Length - reader.GoodLength >= NoteworthyBytes)
        {
            Journal?.Reading(Path.GetRelativePath(options.Path, segment.Path));
        }

        try
        {
            while (reader.Next(out var record))
            {
                if (!record.IsEmpty && !handle(record))
                {
                    _malformed++;
                }

                cancellation.ThrowIfCancellationRequested();
                if (MaxHeadBytes > 0 && head.Bytes > MaxHeadBytes)
                {
                    throw new ReplayTooLargeException(head.Bytes, isFirstPass ? Math.Max(0.001, (double)(_bytesDone + reader.GoodLength) / Math.Max(1, _bytesTotal)) : 1);
                }

                if (++_records % ReportEvery == 0)
                {
                    Report(phase, PercentAt(reader.GoodLength, isFirstPass));
                }
            }

            _bytesDone += reader.Length;
            _segmentsDone++;
            Report(phase, PercentAt(0, isFirstPass));
            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    private double PercentAt(long inSegment, bool isFirstPass)
    {
        var share = _bytesTotal == 0 ? 1 : Math.Min(1, (_bytesDone + inSegment) / (double)_bytesTotal);
        return isFirstPass ? share * SeriesShare : SeriesShare + (share * (100 - SeriesShare));
    }

    private void Report(string phase, double percent) => progress?.Invoke(new ReplayProgress(phase, percent, _segmentsDone, _segmentsTotal, head.SeriesCount));

    private bool ReadSeriesRecord(ReadOnlySpan<byte> record)
    {
        switch ((WalRecordType)record[0])
        {
            case WalRecordType.Series:
                var series = new SeriesRecord(record);
                while (series.Next())
                {
                    AddSeries(series.Reference, series.EncodedLabels);
                }

                return !series.Failed;
            case WalRecordType.Tombstones:
                var tombstones = new TombstoneRecord(record);
                while (tombstones.Next())
                {
                    AddTombstone(tombstones.Reference, new TimeRange(tombstones.MinTime, tombstones.MaxTime));
                }

                return !tombstones.Failed;
            default:
                return true;
        }
    }

    private void AddSeries(ulong reference, ReadOnlySpan<byte> encodedLabels)
    {
        var store = head.Store;
        store.ObserveReference(reference);
        if (store.Find(reference) is >= 0 and var same)
        {
            // A state of the head may hold a series before its record was written.
            store[same].IsLogged = true;
            return;
        }

        var labels = store.Decode(encodedLabels);
        if (labels is null || labels.Count == 0)
        {
            _malformed++;
            return;
        }

        var known = store.Find(labels);
        if (known >= 0)
        {
            // The series was forgotten and came back under another reference; what the log has under either belongs to it.
            store.AddAlias(reference, store[known].Reference);
            return;
        }

        if (options.KeepOnReplay is not null && !options.KeepOnReplay(labels))
        {
            _refusedSeries++;
            return;
        }

        store[store.Create(labels, reference)].IsLogged = true;
    }

    private void AttachChunk(ulong reference, SealedChunk chunk, ChunkEncoding encoding, bool isLate, int samples)
    {
        head.Store.ObserveReference(reference);
        var number = head.Store.Find(reference);
        if (number < 0 || samples <= 0)
        {
            return;
        }

        if (isLate)
        {
            head.HasForeignLateChunks = true;
            _late.ReadChunk(head.Store[number].Reference, chunk);
            return;
        }

        if (chunk.MaxTime < minValidTime || _moved.Contains(reference))
        {
            return;
        }

        // Of chunks that overlap the first stays. The log gives samples only in order, so no chunk may be attached behind a gap.
        ref var series = ref head.Store[number];
        if (!encoding.IsKnown() || chunk.MinTime <= series.SealedMaxTime)
        {
            _rebuilt.Add(series.Reference);
        }
        else if (!_rebuilt.Contains(series.Reference))
        {
            head.Samples.AddSealed(ref series, chunk);
            head.ObserveTime(Math.Max(chunk.MinTime, minValidTime));
            head.ObserveTime(chunk.MaxTime);
        }
    }

    private bool ReadSampleRecord(ReadOnlySpan<byte> record)
    {
        if ((WalRecordType)record[0] == WalRecordType.Metadata)
        {
            return ReadMetadata(record);
        }

        if ((WalRecordType)record[0] == WalRecordType.Exemplars)
        {
            return ReadExemplars(record);
        }

        var kind = SampleRecord.KindOf(record);
        if (kind == SampleKind.None)
        {
            return true;
        }

        var samples = new SampleRecord(record);
        while (samples.Next())
        {
            if (samples.Timestamp < minValidTime)
            {
                // Retention may remove the block, and then a later replay reads the sample again.
                head.Store.ObserveReference(samples.Reference);
                continue;
            }

            if (kind == SampleKind.Float)
            {
                AddSample(samples.Reference, samples.Timestamp, samples.Value);
            }
            else
            {
                AddHistogram(samples.Reference, samples.Timestamp, samples.Histogram());
            }
        }

        return !samples.Failed;
    }

    private void AddSample(ulong reference, long timestamp, double value)
    {
        var number = head.Store.Find(reference);
        if (number < 0)
        {
            // A new series must not get the reference, or the next replay would give it these samples.
            head.Store.ObserveReference(reference);
            _unknownSamples++;
            return;
        }

        ref var series = ref head.Store[number];
        if (timestamp <= series.LastTime || _moved.Contains(reference))
        {
            return;
        }

        if (SampleWriter.IsHistogramMarker(in series, value))
        {
            head.Samples.Append(ref series, timestamp, new FloatHistogram { Sum = StaleMarker.Value });
        }
        else
        {
            head.Samples.Append(ref series, timestamp, value);
        }

        head.ObserveTime(timestamp);
    }

    private void AddHistogram(ulong reference, long timestamp, FloatHistogram histogram)
    {
        var number = head.Store.Find(reference);
        if (number < 0 || !HistogramPayload.IsConsistent(histogram))
        {
            head.Store.ObserveReference(reference);
            _unknownSamples++;
            return;
        }

        ref var series = ref head.Store[number];
        if (timestamp > series.LastTime && !_moved.Contains(reference))
        {
            head.Samples.Append(ref series, timestamp, histogram);
            head.ObserveTime(timestamp);
        }
    }

    private bool ReadMetadata(ReadOnlySpan<byte> record)
    {
        var metadata = new MetadataRecord(record);
        while (metadata.Next())
        {
            var number = head.Store.Find(metadata.Reference);
            if (number >= 0)
            {
                var name = Encoding.UTF8.GetString(head.Store.ValueOf(head.Store[number].Labels, LabelNames.MetricNameUtf8));
                head.SetMetadata(
                    name,
                    new MetricMetadata(HeadLog.TypeName(metadata.Type), Encoding.UTF8.GetString(metadata.Unit), Encoding.UTF8.GetString(metadata.Help)));
            }
        }

        return !metadata.Failed;
    }

    private delegate bool RecordHandler(ReadOnlySpan<byte> record);
}
