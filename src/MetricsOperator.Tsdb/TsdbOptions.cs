using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Tsdb;

/// <summary>How a data directory is opened and kept. Durations are milliseconds; the defaults are Prometheus'.</summary>
public sealed record TsdbOptions
{
    /// <summary>The data directory; created when it does not exist.</summary>
    public required string Path { get; init; }

    /// <summary>Time range of the blocks that the head is cut into, and twice the window in which late samples are accepted.</summary>
    public long MinBlockDurationMs { get; init; } = 2 * 60 * 60 * 1000L;

    /// <summary>Longest time range that compaction merges blocks to; 0 means a tenth of the retention, at most 31 days.</summary>
    public long MaxBlockDurationMs { get; init; }

    /// <summary>How long samples are kept; 0 keeps them forever.</summary>
    public long RetentionMs { get; init; } = 15 * 24 * 60 * 60 * 1000L;

    /// <summary>How many bytes blocks, WAL and head chunks may use together; 0 means no limit.</summary>
    public long RetentionBytes { get; init; }

    /// <summary>How much of the volume blocks, WAL and head chunks may use together, in percent; 0 means no limit. The lower of two limits counts.</summary>
    public int RetentionPercentage { get; init; }

    /// <summary>Bytes of the volume that a directory is on; null asks the operating system.</summary>
    public Func<string, long>? VolumeBytes { get; init; }

    /// <summary>How many exemplars are kept in memory at most; 0 keeps none and does not log them.</summary>
    public int MaxExemplars { get; init; } = 10_000;

    /// <summary>Most bytes of memory for exemplars.</summary>
    public long MaxExemplarBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Most bytes of memory for labels of series that were asked for lately; 0 keeps none.</summary>
    public long LabelCacheBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>How much older than the newest sample of its series a sample may be; 0 refuses out-of-order samples.</summary>
    public long OutOfOrderWindowMs { get; init; }

    /// <summary>Size at which a WAL segment is closed; a multiple of 32 KiB.</summary>
    public int WalSegmentBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>
    /// Bytes that the log must have grown by before the state of the head is written again, so that the next start reads the log from there only;
    /// <see cref="long.MaxValue"/> writes none, and every start reads the whole log.
    /// </summary>
    public long HeadStateMinLogBytes { get; init; } = 1024 * 1024;

    /// <summary>Compress WAL records with snappy.</summary>
    public bool WalCompression { get; init; } = true;

    /// <summary>
    /// Asked for every series of the log at start; a series it refuses is not created and its samples are not loaded. They stay in the
    /// log files until truncation removes them. Null keeps all.
    /// </summary>
    public Func<LabelSet, bool>? KeepOnReplay { get; init; }

    /// <summary>Names this life of the process in the boot journal.</summary>
    public string BootId { get; init; } = Guid.NewGuid().ToString("N");

    /// <summary>Bytes that the head may use; new series are refused there, existing ones go on. 0 means no limit.</summary>
    public long HeadCapBytes { get; init; }

    /// <summary>Only count the series that the cap and the admission level would refuse.</summary>
    public bool AdmitsAboveCap { get; init; }

    /// <summary>True for metrics of which new series are accepted as long as there is any memory. Null means none.</summary>
    public Func<string, bool>? IsProtectedMetric { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>The way to the disk; tests put one here that fails.</summary>
    internal FileLayer Files { get; init; } = DiskFiles.Instance;
}
