using System.Text;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Blocks;
using MetricsOperator.Tsdb.Wal;

namespace MetricsOperator.Tsdb.Head;

/// <summary>Turns transactions into log records: series, metadata, floats, histograms, exemplars, in Prometheus' order. Used by one thread at a time.</summary>
internal sealed class HeadLog(WalWriter wal, Func<WalWriter> openLateLog) : IDisposable
{
    /// <summary>A commit larger than this becomes several records, so that a reader needs little memory for each.</summary>
    private const int MaxRecordBytes = 1 << 20;

    private static readonly string[] MetadataTypes = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];

    private readonly WalRecordWriter _record = new();

    public WalWriter Wal => wal;

    /// <summary>The log of late samples; null until there is one to write.</summary>
    public WalWriter? Late { get; private set; }

    /// <summary>Name of a metadata type number; unknown for numbers that are not known.</summary>
    public static string TypeName(byte type) => type < MetadataTypes.Length ? MetadataTypes[type] : MetadataTypes[0];

    public void AddSeries(ulong reference, LabelSet labels)
    {
        _record.Start(WalRecordType.Series);
        _record.Series(reference, labels);
        wal.Add(_record.Record);
    }

    public void AddMetadata(ulong reference, MetricMetadata metadata)
    {
        _record.Start(WalRecordType.Metadata);
        Add(_record, reference, metadata);
        wal.Add(_record.Record);
    }

    /// <summary>Adds an entry to a record of metadata.</summary>
    public static void Add(WalRecordWriter record, ulong reference, MetricMetadata metadata) => record.Metadata(
        reference,
        (byte)Math.Max(0, Array.IndexOf(MetadataTypes, metadata.Type)),
        Encoding.UTF8.GetBytes(metadata.Unit),
        Encoding.UTF8.GetBytes(metadata.Help));

    public void AddSamples(ReadOnlySpan<PendingSample> samples)
    {
        _record.Start(WalRecordType.Samples);
        foreach (ref readonly var sample in samples)
        {
            _record.Sample(sample.Series, sample.Timestamp, sample.Value);
            FlushIfLong(WalRecordType.Samples);
        }

        Flush();
    }

    /// <summary>
    /// Writes what was added, and late samples to their own log: those first, because a short record is easier to take back than a long one,
    /// and without their series, should a kill come in between, the next start leaves them out.
    /// </summary>
    /// <exception cref="StorageException">The disk refused; neither log has anything of it.</exception>
    public void Write(List<PendingSample> late)
    {
        WriteLate(late);
        try
        {
            wal.Write();
        }
        catch (StorageException e) when (late.Count > 0)
        {
            throw new StorageException(e.Message + Late!.TakeBack(), e);
        }
    }

    /// <summary>Forgets what was added and not written.</summary>
    public void Discard()
    {
        wal.Discard();
        Late?.Discard();
    }

    public void AddHistograms(List<PendingHistogram> histograms)
    {
        AddHistograms(histograms, WalRecordType.FloatHistograms, custom: false);
        AddHistograms(histograms, WalRecordType.CustomFloatHistograms, custom: true);
    }

    public void AddExemplars(List<PendingExemplar> exemplars)
    {
        _record.Start(WalRecordType.Exemplars);
        foreach (var exemplar in exemplars)
        {
            _record.Exemplar(exemplar.Series, exemplar.Value);
            FlushIfLong(WalRecordType.Exemplars);
        }

        Flush();
    }

    public void AddTombstones(List<(ulong Series, TimeRange Range)> stones)
    {
        _record.Start(WalRecordType.Tombstones);
        foreach (var (series, range) in stones)
        {
            _record.Tombstone(series, range.MinTime, range.MaxTime);
            FlushIfLong(WalRecordType.Tombstones);
        }

        Flush();
    }

    /// <summary>Writes deletions of late samples to their own log, where they concern what was written before; other readers pass over them.</summary>
    /// <exception cref="StorageException">The disk refused.</exception>
    public void WriteLateTombstones(List<(ulong Series, TimeRange Range)> stones)
    {
        if (stones.Count == 0)
        {
            return;
        }

        Late ??= openLateLog();
        _record.Start(WalRecordType.Tombstones);
        foreach (var (series, range) in stones)
        {
            _record.Tombstone(series, range.MinTime, range.MaxTime);
        }

        Late.Add(_record.Record);
        Late.Write();
    }

    public void Dispose()
    {
        try
        {
            Late?.Dispose();
        }
        finally
        {
            wal.Dispose();
        }
    }

    private void WriteLate(List<PendingSample> samples)
    {
        if (samples.Count == 0)
        {
            return;
        }

        Late ??= openLateLog();
        _record.Start(WalRecordType.Samples);
        foreach (var sample in samples)
        {
            _record.Sample(sample.Series, sample.Timestamp, sample.Value);
        }

        Late.Add(_record.Record);
        Late.Write();
    }

    private void AddHistograms(List<PendingHistogram> histograms, WalRecordType type, bool custom)
    {
        _record.Start(type);
        foreach (var histogram in histograms)
        {
            if (histogram.Value.UsesCustomBuckets == custom)
            {
                _record.Histogram(histogram.Series, histogram.Timestamp, histogram.Value);
                FlushIfLong(type);
            }
        }

        Flush();
    }

    private void FlushIfLong(WalRecordType type)
    {
        if (_record.Length > MaxRecordBytes)
        {
            Flush();
            _record.Start(type);
        }
    }

    private void Flush()
    {
        if (_record.Entries > 0)
        {
            wal.Add(_record.Record);
        }
    }
}
