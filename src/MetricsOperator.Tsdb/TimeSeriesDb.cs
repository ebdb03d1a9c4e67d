using MetricsOperator.Timeseries.Contracts;
using IQueryable = MetricsOperator.Timeseries.Contracts.IQueryable;

namespace MetricsOperator.Tsdb;

/// <summary>A data directory in Prometheus' format: head, write-ahead log and blocks. One process at a time; thread-safe.</summary>
public sealed class TimeSeriesDb : IAppendable, IQueryable, IDisposable
{
    /// <summary>Figures of the head; cheap.</summary>
    public HeadStats HeadStats => throw new NotSupportedException("head");

    /// <summary>Blocks that are open, oldest first.</summary>
    public IReadOnlyList<BlockMeta> Blocks => throw new NotSupportedException("blocks");

    /// <summary>Opens the directory and replays its log.</summary>
    /// <param name="options">The directory and how to keep it.</param>
    /// <param name="progress">Called on this thread a few times a second while replaying.</param>
    /// <param name="cancellation">Stops the replay; the directory stays as it was.</param>
    /// <exception cref="StorageException">The directory is in use, or a file in it cannot be read or repaired.</exception>
    public static TimeSeriesDb Open(TsdbOptions options, Action<ReplayProgress>? progress, CancellationToken cancellation) =>
        throw new NotSupportedException("open");

    public IAppender CreateAppender() => throw new NotSupportedException("append");

    public ISeriesQuerier OpenQuerier(long minMs, long maxMs) => throw new NotSupportedException("query");

    /// <summary>What uses the head: the <paramref name="limit"/> largest of each table. Walks the index; not for every request.</summary>
    public HeadCardinality Cardinality(int limit) => throw new NotSupportedException("cardinality");

    /// <summary>Newest metadata of a metric that an appender has set, or null.</summary>
    public MetricMetadata? Metadata(string metricName) => throw new NotSupportedException("metadata");

    /// <summary>Metadata of all metrics that appenders have set, by metric name.</summary>
    public IReadOnlyDictionary<string, MetricMetadata> AllMetadata() => throw new NotSupportedException("metadata");

    /// <summary>
    /// One pass of housekeeping: writes complete time ranges of the head into blocks, truncates the log, merges blocks, deletes what
    /// retention no longer keeps. To be called about once a minute by one thread; appends and queries go on meanwhile.
    /// </summary>
    /// <exception cref="StorageException">The disk refuses; what was not finished is tried again in the next pass.</exception>
    public void RunMaintenance(CancellationToken cancellation) => throw new NotSupportedException("maintenance");

    /// <summary>Clean stop: closes chunks and log and releases the directory.</summary>
    public void Dispose()
    {
    }
}
