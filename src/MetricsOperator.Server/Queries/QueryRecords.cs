using System.Diagnostics.Metrics;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Hosting;
using MetricsOperator.Server.Memory;
using MetricsOperator.Tsdb;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Queries;

/// <summary>What the server keeps about queries: the ledger of those that ran and run, and the use of metrics. Made by the host, opened with the data.</summary>
internal sealed class QueryRecords : IDisposable
{
    /// <summary>A request with this header, of any value but 0 and false, is not counted as use: our own pages and programs send it.</summary>
    public const string IgnoreHeader = "X-MetricsOperator-Ignore-Usage";

    private const int MaxMetrics = 10_000;
    private const int MinMetrics = 1000;
    private const int BytesPerMetric = 1024;
    private static readonly TimeSpan MeasureInterval = TimeSpan.FromMilliseconds(250);

    private readonly ServerFlags _flags;
    private readonly MemoryGuard? _guard;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ProcessMemory _process = new();
    private readonly long _availableBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
    private readonly Meter _meter = new("MetricsOperator.Server");
    private volatile MetricUsageKeeper? _keeper;
    private volatile QueryLedger? _ledger;
    private long _measured;
    private long _usedBytes;

    /// <param name="flags">The command line.</param>
    /// <param name="guard">Keeps the memory budget; null without one.</param>
    /// <param name="syntax">What the parser accepts.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told what is found at the start and what cannot be kept.</param>
    public QueryRecords(ServerFlags flags, MemoryGuard? guard, ParserOptions syntax, TimeProvider time, ILogger logger)
    {
        _flags = flags;
        _guard = guard;
        _time = time;
        _logger = logger;
        Asked = new AskedQueries(syntax);

        // A sixteenth of the heap at most.
        Usage = new MetricUsage(guard is null ? MaxMetrics : (int)Math.Clamp(guard.Budget.HeapBytes / 16 / BytesPerMetric, MinMetrics, MaxMetrics), time);
        _meter.CreateObservableGauge("metricsoperator_usage_metrics", () => Usage.Counts.Metrics, description: "Metrics whose use is known.");
        _meter.CreateObservableCounter("metricsoperator_usage_forgotten_total", () => Usage.Counts.Forgotten, description: "Metrics and labels whose use was forgotten to make room.");
        _meter.CreateObservableGauge("metricsoperator_usage_tracking_since_seconds", () => Usage.TrackingSince / 1000, description: "Since when the use of metrics is counted, in seconds since 1970.");
        _meter.CreateObservableCounter("metricsoperator_usage_requests_total", Requests, description: "Requests that were counted as use, and that were not because they are marked.");
    }

    /// <summary>Reads queries.</summary>
    public AskedQueries Asked { get; }

    /// <summary>Which metrics are asked for.</summary>
    public MetricUsage Usage { get; }

    /// <summary>The queries that ran and run; null until the data directory is open.</summary>
    public QueryLedger? Ledger => _ledger;

    /// <summary>True if a request says that it is no use.</summary>
    public static bool IsMarked(HttpRequest request) => request.Headers.TryGetValue(IgnoreHeader, out var value) && value.ToString() is not ("" or "0" or "false");

    /// <summary>Takes up what earlier runs left beside the data.</summary>
    /// <param name="files">The files there.</param>
    /// <param name="bootId">Names this life of the process.</param>
    public void Open(CompanionFiles files, string bootId)
    {
        _keeper = new MetricUsageKeeper(Usage, files, _logger);

        // As many again that are evaluated and still being sent.
        _ledger = QueryLedger.Open(files, _flags.QueryConcurrency * 2, _flags.KillerRefusal, bootId, Memory, _time, _logger);
    }

    /// <summary>The use of metrics, with what earlier runs have counted.</summary>
    /// <param name="limit">Most metrics.</param>
    public MetricUsageReport ReportUsage(int limit)
    {
        _keeper?.Restore();
        return Usage.Report(limit);
    }

    /// <summary>Takes up what earlier runs know of the use of metrics and keeps it until cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) => _keeper?.RunAsync(_time, cancellation) ?? Task.CompletedTask;

    /// <summary>Writes what is not written yet; to be called before the data directory is closed.</summary>
    public void Close()
    {
        _keeper?.Save();
        _keeper = null;
        _ledger?.Dispose();
        _ledger = null;
    }

    public void Dispose()
    {
        Close();
        _meter.Dispose();
        _process.Dispose();
    }

    // The part whose lack ends the process: the heap at its own limit, or the process at that of the kernel.
    private (long Used, long Limit) Memory()
    {
        if (_guard is null)
        {
            // As often as a guard would; two threads that do it at once do no harm.
            if (_measured == 0 || _time.GetElapsedTime(Volatile.Read(ref _measured)) >= MeasureInterval)
            {
                Volatile.Write(ref _usedBytes, _process.AnonymousBytes());
                Volatile.Write(ref _measured, _time.GetTimestamp());
            }

            return (Volatile.Read(ref _usedBytes), _availableBytes);
        }

        var (reading, budget) = (_guard.Reading, _guard.Budget);
        return reading.HeapPressure(budget) > reading.ProcessPressure(budget)
            ? (reading.HeapBytes, budget.HeapBytes)
            : (reading.AnonymousBytes, budget.TotalBytes);
    }

    private IEnumerable<Measurement<long>> Requests()
    {
        var (counted, ignored) = Usage.Requests;
        yield return new Measurement<long>(counted, new KeyValuePair<string, object?>("counted", "true"));
        yield return new Measurement<long>(ignored, new KeyValuePair<string, object?>("counted", "false"));
    }
}
