using System.Diagnostics.Metrics;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb.Compaction;
using MetricsOperator.Tsdb.Exemplars;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using MetricsOperator.Tsdb.Querying;
using MetricsOperator.Tsdb.Recovery;

namespace MetricsOperator.Tsdb;

/// <summary>The metrics of the storage engine, named as Prometheus names them.</summary>
internal sealed class TsdbMeter : IDisposable
{
    private readonly Meter _meter = new("MetricsOperator.Tsdb");

    public TsdbMeter(TsdbOptions options, MemoryHead head, HeadStateKeeper headState, BlockSet blocks, Maintenance maintenance, LabelCache labels, bool wasLeftBehind)
    {
        HeadGauges(head);
        HeadCounters(head);
        Log(options.Path, head);
        HeadState(headState);
        Blocks(blocks, maintenance);
        Retention(options, maintenance.Retention);
        Exemplars(head.Exemplars);
        Gauge("metricsoperator_tsdb_label_cache_bytes", () => labels.Bytes, "Bytes of labels of series that are kept for the next query.");
        _meter.CreateObservableGauge("prometheus_tsdb_clean_start", () => wasLeftBehind ? 0 : 1, null, "1 if the last stop was clean.");
        maintenance.CompactionSeconds = _meter.CreateHistogram(
            "prometheus_tsdb_compaction_duration_seconds",
            null,
            "Duration of compaction runs.",
            null,
            new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192] });
    }

    public void Dispose() => _meter.Dispose();

    private void HeadGauges(MemoryHead head)
    {
        Gauge("prometheus_tsdb_head_series", () => head.SeriesCount, "Series in the head.");
        Gauge("prometheus_tsdb_head_chunks", () => head.Samples.OpenChunks + head.Samples.SealedChunks, "Chunks in the head.");
        Gauge("prometheus_tsdb_head_min_time", () => head.MinTime == long.MaxValue ? 0 : head.MinTime, "Oldest time of the head in ms.");
        Gauge("prometheus_tsdb_head_max_time", () => head.MaxTime == long.MinValue ? 0 : head.MaxTime, "Newest sample of the head in ms.");
        Gauge("prometheus_tsdb_head_min_time_seconds", () => head.MinTime == long.MaxValue ? 0 : head.MinTime / 1000.0, "Oldest time of the head.");
        Gauge("prometheus_tsdb_head_max_time_seconds", () => head.MaxTime == long.MinValue ? 0 : head.MaxTime / 1000.0, "Newest sample of the head.");
        Gauge("prometheus_tsdb_head_bytes", () => head.Bytes, "Bytes of memory of series, labels, index and open chunks.");
        Gauge("prometheus_tsdb_lowest_timestamp", () => head.MinTime == long.MaxValue ? 0 : head.MinTime, "Oldest time of the database in ms.");
    }

    private void HeadCounters(MemoryHead head)
    {
        var counters = head.Counters;
        _meter.CreateObservableCounter(
            "prometheus_tsdb_head_samples_appended_total",
            () => new[]
            {
                new Measurement<long>(counters.FloatsAppended, new KeyValuePair<string, object?>("type", "float")),
                new Measurement<long>(counters.HistogramsAppended, new KeyValuePair<string, object?>("type", "histogram")),
            },
            null,
            "Samples appended.");
        Counter("prometheus_tsdb_head_out_of_order_samples_appended_total", () => counters.LateAppended, "Late samples appended.");
        Counter("prometheus_tsdb_head_series_created_total", () => counters.SeriesCreated, "Series created in the head.");
        Counter("prometheus_tsdb_head_series_removed_total", () => counters.SeriesRemoved, "Series removed from the head.");
        Counter("prometheus_tsdb_head_series_not_found_total", () => counters.SeriesNotFound, "Samples of series that were gone at commit.");
        Counter("prometheus_tsdb_head_chunks_created_total", () => counters.ChunksCreated, "Chunks created in the head.");
        Counter("prometheus_tsdb_head_chunks_removed_total", () => counters.ChunksRemoved, "Chunks removed from the head.");
        Counter("prometheus_tsdb_head_truncations_total", () => counters.Truncations, "Head truncations.");
        Rejected("prometheus_tsdb_out_of_order_samples_total", AppendOutcome.OutOfOrder, "Samples refused because a newer one of the series exists.");
        Rejected("prometheus_tsdb_out_of_bound_samples_total", AppendOutcome.OutOfBounds, "Samples refused because they are older than the head accepts.");
        Rejected("prometheus_tsdb_too_old_samples_total", AppendOutcome.TooOld, "Samples refused because they are older than the out-of-order window.");

        void Rejected(string name, AppendOutcome outcome, string help) => Counter(name, () => counters.Rejected(outcome), help);
    }

    private void Log(string path, MemoryHead head)
    {
        var counters = head.Counters;
        var wal = Path.Combine(path, "wal");
        Gauge("prometheus_tsdb_wal_segment_current", () => head.Log.Wal.Segment, "Number of the log segment that is written to.");
        Gauge("prometheus_tsdb_wal_storage_size_bytes", () => DataFiles.SizeOf(wal), "Bytes of the log directory.");
        Counter("prometheus_tsdb_wal_completed_pages_total", () => head.Log.Wal.PagesCompleted, "Pages completed in the log.");
        Counter("prometheus_tsdb_wal_page_flushes_total", () => counters.CommitsDone, "Writes to the log.");
        Counter("prometheus_tsdb_wal_record_bytes_saved_total", () => head.Log.Wal.BytesSaved, "Bytes that compression saved in the log.");
        Counter("prometheus_tsdb_wal_writes_failed_total", () => counters.WalWritesFailed, "Writes to the log that failed.");
        Counter("prometheus_tsdb_wal_truncations_total", () => counters.WalTruncations, "Log truncations.");
        Counter("prometheus_tsdb_wal_truncations_failed_total", () => counters.WalTruncationsFailed, "Log truncations that failed.");
        Counter("prometheus_tsdb_wal_corruptions_total", () => counters.WalCorruptions, "Damaged places found in the log.");
        Counter("prometheus_tsdb_checkpoint_creations_total", () => counters.CheckpointsCreated, "Checkpoints written.");
        Counter("prometheus_tsdb_checkpoint_creations_failed_total", () => counters.CheckpointsFailed, "Checkpoints that could not be written.");
    }

    private void HeadState(HeadStateKeeper state)
    {
        Gauge("metricsoperator_tsdb_head_state_bytes", () => state.Bytes, "Bytes of the state of the head that the next start begins with; 0 without one.");
        Gauge("metricsoperator_tsdb_head_state_log_bytes", () => state.LogBytesBehind, "Bytes of the log that the next start reads besides.");
        Counter("metricsoperator_tsdb_head_state_writes_total", () => state.Writes, "States of the head written.");
        Counter("metricsoperator_tsdb_head_state_writes_failed_total", () => state.WritesFailed, "States of the head that could not be written.");
    }

    private void Blocks(BlockSet blocks, Maintenance maintenance)
    {
        Gauge("prometheus_tsdb_blocks_loaded", () => blocks.Metas.Count, "Blocks that are open.");
        Gauge("prometheus_tsdb_blocks_broken", () => blocks.BrokenCount, "Blocks that could not be opened.");
        Gauge("metricsoperator_tsdb_damaged_blocks", () => blocks.DamagedCount, "Blocks that could not be opened or in which a query met damage.");
        Gauge("prometheus_tsdb_storage_blocks_bytes", () => blocks.Bytes, "Bytes of all open blocks.");
        Counter("prometheus_tsdb_compactions_total", () => maintenance.Compactions, "Blocks written from the head or by merging.");
        Counter("prometheus_tsdb_compactions_failed_total", () => maintenance.CompactionsFailed, "Blocks that could not be written.");
    }

    private void Retention(TsdbOptions options, Retention retention)
    {
        Gauge("prometheus_tsdb_retention_limit_seconds", () => options.RetentionMs / 1000.0, "How long samples are kept; 0 is forever.");
        Gauge("prometheus_tsdb_retention_limit_bytes", () => options.RetentionBytes, "Most bytes that are kept; 0 is no limit.");
        Gauge("prometheus_tsdb_retention_limit_percentage", () => options.RetentionPercentage, "Largest share of the volume that is used, in percent; 0 is no limit.");
        Counter("prometheus_tsdb_time_retentions_total", () => retention.TimeRetentions, "Times that blocks were deleted because of their age.");
        Counter("prometheus_tsdb_size_retentions_total", () => retention.SizeRetentions, "Times that blocks were deleted because of the size limits.");
    }

    private void Exemplars(ExemplarStore exemplars)
    {
        Gauge("prometheus_tsdb_exemplar_max_exemplars", () => exemplars.MaxCount, "Most exemplars that are kept.");
        Gauge("prometheus_tsdb_exemplar_exemplars_in_storage", () => exemplars.Count, "Exemplars in memory.");
        Gauge("prometheus_tsdb_exemplar_series_with_exemplars_in_storage", () => exemplars.SeriesCount, "Series with exemplars.");
        Gauge("prometheus_tsdb_exemplar_last_exemplars_timestamp_seconds", () => exemplars.OldestTime / 1000.0, "Time of the oldest exemplar in memory.");
        Gauge("prometheus_tsdb_exemplar_bytes", () => exemplars.Bytes, "Bytes of memory of exemplars.");
        Counter("prometheus_tsdb_exemplar_exemplars_appended_total", () => exemplars.Appended, "Exemplars appended.");
        Counter("prometheus_tsdb_exemplar_out_of_order_exemplars_total", () => exemplars.OutOfOrder, "Exemplars refused because a newer one of the series exists.");
        Counter("prometheus_tsdb_exemplar_too_long_exemplars_total", () => exemplars.Refused, "Exemplars refused because of the length of their labels.");
    }

    private void Gauge<T>(string name, Func<T> value, string help)
        where T : struct => _meter.CreateObservableGauge(name, value, null, help);

    private void Counter(string name, Func<long> value, string help) => _meter.CreateObservableCounter(name, value, null, help);
}
