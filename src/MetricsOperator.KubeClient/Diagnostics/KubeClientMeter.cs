using System.Diagnostics.Metrics;

namespace MetricsOperator.KubeClient.Diagnostics;

/// <summary>The meter of this library. Instruments carry the names that dashboards for client-go and controller-runtime expect.</summary>
public static class KubeClientMeter
{
    /// <summary>Meter name for listeners.</summary>
    public const string Name = "MetricsOperator.KubeClient";

    internal static readonly Meter Meter = new(Name);

    private static readonly double[] RequestSeconds = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];
    private static readonly double[] QueueSeconds = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000];
    private static readonly double[] ReconcileSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

    internal static readonly Counter<long> RestRequests = Meter.CreateCounter<long>(
        "rest_client_requests_total", description: "HTTP requests to the API server by status code, method and host.");

    internal static readonly Histogram<double> RestDuration = Histogram(
        "rest_client_request_duration_seconds", "Time from sending a request to its answer, by verb and host.", RequestSeconds);

    internal static readonly Histogram<double> RateLimiterDuration = Histogram(
        "rest_client_rate_limiter_duration_seconds", "Time a request waited for the client-side rate limiter.", RequestSeconds);

    internal static readonly Counter<long> Lists = Meter.CreateCounter<long>(
        "reflector_lists_total", description: "Complete lists by an informer, by resource.");

    internal static readonly Counter<long> Watches = Meter.CreateCounter<long>(
        "reflector_watches_total", description: "Watches started by an informer, by resource.");

    internal static readonly Counter<long> WatchFailures = Meter.CreateCounter<long>(
        "reflector_watch_failures_total", description: "Lists and watches that ended with an error, by resource and reason.");

    internal static readonly UpDownCounter<long> QueueDepth = Meter.CreateUpDownCounter<long>(
        "workqueue_depth", description: "Keys that wait to be worked on.");

    internal static readonly Counter<long> QueueAdds = Meter.CreateCounter<long>(
        "workqueue_adds_total", description: "Keys that became ready.");

    internal static readonly Counter<long> QueueRetries = Meter.CreateCounter<long>(
        "workqueue_retries_total", description: "Keys added with back-off.");

    internal static readonly Histogram<double> QueueDuration = Histogram(
        "workqueue_queue_duration_seconds", "Time a key waited until work on it began.", QueueSeconds);

    internal static readonly Histogram<double> WorkDuration = Histogram(
        "workqueue_work_duration_seconds", "Time work on a key took.", QueueSeconds);

    internal static readonly Counter<long> Reconciles = Meter.CreateCounter<long>(
        "controller_runtime_reconcile_total", description: "Reconciles by controller and result (success, requeue_after, error, terminal_error).");

    internal static readonly Counter<long> ReconcileErrors = Meter.CreateCounter<long>(
        "controller_runtime_reconcile_errors_total", description: "Reconciles that failed and are tried again.");

    internal static readonly Counter<long> TerminalErrors = Meter.CreateCounter<long>(
        "controller_runtime_terminal_reconcile_errors_total", description: "Reconciles that failed for good until something changes.");

    internal static readonly Counter<long> ReconcilePanics = Meter.CreateCounter<long>(
        "controller_runtime_reconcile_panics_total", description: "Reconciles that ended with an unexpected exception.");

    internal static readonly Counter<long> ReconcileTimeouts = Meter.CreateCounter<long>(
        "controller_runtime_reconcile_timeouts_total", description: "Reconciles cancelled at their time limit.");

    internal static readonly Histogram<double> ReconcileDuration = Histogram(
        "controller_runtime_reconcile_time_seconds", "Time one reconcile took.", ReconcileSeconds);

    internal static readonly UpDownCounter<long> ActiveWorkers = Meter.CreateUpDownCounter<long>(
        "controller_runtime_active_workers", description: "Reconciles running now.");

    internal static readonly UpDownCounter<long> MaxConcurrent = Meter.CreateUpDownCounter<long>(
        "controller_runtime_max_concurrent_reconciles", description: "Workers of a controller.");

    internal static readonly UpDownCounter<long> LeaderStatus = Meter.CreateUpDownCounter<long>(
        "leader_election_master_status", description: "1 while this process holds the lease.");

    private static Histogram<double> Histogram(string name, string description, double[] buckets)
        => Meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });
}
