using System.Text.Json;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Tsdb;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Queries;

/// <summary>
/// Keeps the use of metrics in <c>metric-usage.json</c> beside the data, so that a restart does not make everything look unused. Written as a whole
/// every few minutes and at a clean stop; a kill loses what was counted since. What earlier runs have counted is taken up after the start, which does
/// not wait for it, and before anything is written.
/// </summary>
internal sealed class MetricUsageKeeper(MetricUsage usage, CompanionFiles files, ILogger logger)
{
    public const string FileName = "metric-usage.json";

    /// <summary>How often it is written when it changed.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMinutes(5);

    private const int MaxFileBytes = 32 * 1024 * 1024;

    private readonly Lock _restoring = new();
    private bool _isRestored;
    private bool _isFailing;

    /// <summary>Takes up what earlier runs have counted, once. A file that cannot be read is told to the logger: the time before is unknown then.</summary>
    public void Restore()
    {
        lock (_restoring)
        {
            if (!_isRestored)
            {
                _isRestored = true;
                Read();
            }
        }
    }

    /// <summary>Writes what changed.</summary>
    public void Save()
    {
        Restore();
        if (usage.TakeChanges() is not { } report)
        {
            return;
        }

        try
        {
            files.Write(FileName, JsonSerializer.SerializeToUtf8Bytes(report, MetricUsageJson.Default.MetricUsageReport));
            _isFailing = false;
        }
        catch (StorageException e)
        {
            usage.KeepFailed();
            if (!_isFailing)
            {
                _isFailing = true;
                logger.LogWarning("The use of metrics is not kept: {Error}", e.Message);
            }
        }
    }

    /// <summary>Takes up what earlier runs have counted, then writes what changed, every few minutes until cancelled.</summary>
    public async Task RunAsync(TimeProvider time, CancellationToken cancellation)
    {
        await Task.Run(Restore, cancellation);
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            await Task.Run(Save, cancellation);
        }
    }

    private void Read()
    {
        try
        {
            if (files.Read(FileName, MaxFileBytes) is { } content)
            {
                var report = JsonSerializer.Deserialize(content, MetricUsageJson.Default.MetricUsageReport) ?? throw new JsonException("want an object, got null");
                if (report.Metrics.Any(m => m is null))
                {
                    throw new JsonException("want metrics, got null");
                }

                usage.Restore(report.Version == MetricUsageReport.CurrentVersion
                    ? report
                    : throw new JsonException($"version is {report.Version}, want {MetricUsageReport.CurrentVersion}"));
            }
        }
        catch (Exception e) when (e is StorageException or JsonException)
        {
            logger.LogWarning("{File}: which metrics were asked for before this start is not known: {Error}", FileName, e.Message);
        }
    }
}
