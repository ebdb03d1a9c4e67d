using System.Text;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Memory;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Hosting;

/// <summary>Opens the data directory from the moment it is made: that takes as long as making the rest of the server, which goes on meanwhile.</summary>
internal sealed class StorageOpening
{
    private readonly ILogger _logger;
    private readonly CancellationToken _stop;
    private readonly Task<TimeSeriesDb> _storage;

    /// <param name="flags">The command line.</param>
    /// <param name="config">The configuration whose rules and windows hold for the replay.</param>
    /// <param name="guard">Says what the head may use; null for no limit.</param>
    /// <param name="state">Told how far it has come.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Logger of the storage.</param>
    /// <param name="stop">Gives it up.</param>
    public StorageOpening(ServerFlags flags, ServerConfig config, MemoryGuard? guard, ServerState state, TimeProvider time, ILogger logger, CancellationToken stop)
    {
        (_logger, _stop) = (logger, stop);
        _storage = Task.Run(() => TimeSeriesDb.Open(Options(flags, config, guard, state, time, logger), p => state.Opening(p, time.GetUtcNow()), stop), stop);
    }

    /// <returns>The storage; null when it was given up.</returns>
    /// <exception cref="StorageException">The directory cannot be opened.</exception>
    public async Task<TimeSeriesDb?> FinishAsync()
    {
        try
        {
            return await _storage;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>Waits until the directory is closed again after the opening was given up. It is left as it was; what is wrong with it is told when it is opened the next time.</summary>
    public async Task AbandonAsync()
    {
        try
        {
            (await FinishAsync())?.Dispose();
        }
        catch (StorageException e)
        {
            _logger.LogError("{Error}", e.Message);
        }
    }

    private static TsdbOptions Options(ServerFlags flags, ServerConfig config, MemoryGuard? guard, ServerState state, TimeProvider time, ILogger logger)
    {
        var keep = new ReplayKeepRules(config);
        return new TsdbOptions
        {
            Path = flags.StoragePath,
            MinBlockDurationMs = (long)flags.MinBlockDuration.TotalMilliseconds,
            MaxBlockDurationMs = (long)flags.MaxBlockDuration.TotalMilliseconds,
            RetentionMs = (long)flags.RetentionTime.TotalMilliseconds,
            RetentionBytes = flags.RetentionBytes,
            RetentionPercentage = flags.RetentionPercentage,
            MaxExemplars = config.MaxExemplars,
            MaxExemplarBytes = flags.MaxExemplarBytes,
            OutOfOrderWindowMs = (long)config.OutOfOrderTimeWindow.TotalMilliseconds,
            WalSegmentBytes = (int)flags.WalSegmentBytes,
            WalCompression = flags.WalCompression,
            KeepOnReplay = keep.IsEmpty ? null : keep.Keep,
            BootId = state.BootId,
            LabelCacheBytes = guard?.Budget.LabelCacheBytes ?? MemoryBudget.MaxLabelCacheBytes,
            HeadCapBytes = guard?.Budget.HeadBytes ?? 0,
            AdmitsAboveCap = guard?.Mode == MemoryGuardMode.Observe,
            IsProtectedMetric = flags.ProtectedMetrics is { } metrics ? name => metrics.IsMatch(Encoding.UTF8.GetBytes(name)) : null,
            Time = time,
            Logger = logger,
        };
    }
}
