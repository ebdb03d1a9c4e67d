using System.Diagnostics.Metrics;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Contracts;
using MetricsOperator.Timeseries.Hashing;
using MetricsOperator.Timeseries.Labels;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Scraping;

/// <summary>The targets of one job at one moment.</summary>
/// <param name="Job">Name of the job.</param>
/// <param name="Active">Targets that are scraped.</param>
/// <param name="Dropped">Labels of the dropped ones before relabeling, as many as the job keeps.</param>
/// <param name="DroppedCount">How many were dropped.</param>
public sealed record JobTargets(string Job, IReadOnlyList<Target> Active, IReadOnlyList<LabelSet> Dropped, int DroppedCount);

/// <summary>How targets are scraped, whatever the configuration file says.</summary>
public sealed record ScrapingOptions
{
    /// <summary>Largest alignment of a scrape timestamp; zero for none.</summary>
    public TimeSpan TimestampTolerance { get; init; } = TimeSpan.FromMilliseconds(2);

    /// <summary>Name that moves this server's scrapes against those of its twins.</summary>
    public string HostName { get; init; } = string.Empty;

    /// <summary>Bytes of the largest body that the memory budget allows; 0 for no limit besides that of the job.</summary>
    public long MaxBodyBytes { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Told when a loop ends by an exception, which only a defect of the program does.</summary>
    public Action<Exception> OnDefect { get; init; } = static _ => { };
}

/// <summary>
/// Scrapes the targets that configuration and discovery name. Both may change at any time, in any order; a loop goes on undisturbed as long as
/// its target and job stay what they are.
/// </summary>
public sealed class TargetManager : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ScrapePool> _pools = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<LabelSet>> _discovered = new(StringComparer.Ordinal);
    private readonly List<Task> _endedJobs = [];
    private readonly CancellationTokenSource _shutdown = new();
    private readonly ScrapeEnvironment _environment;
    private readonly ScrapingOptions _options;
    private readonly Meter _meter = new("MetricsOperator.Server");
    private long _shortestIntervalTicks;

    public TargetManager(IAppendable storage, ScrapeMetrics metrics, ScrapingOptions options, ILogger logger)
    {
        _options = options;
        _environment = new ScrapeEnvironment(storage, metrics, new MetadataPool(), options.TimestampTolerance, options.OnDefect, options.Time, logger) { MaxBodyBytes = options.MaxBodyBytes };
        _meter.CreateObservableGauge(
            "prometheus_target_scrape_pool_targets",
            () => Jobs().Select(j => new Measurement<int>(j.Active.Count, new KeyValuePair<string, object?>("scrape_job", j.Job))),
            description: "Current number of targets in this scrape pool.");
    }

    /// <summary>Takes a configuration: jobs appear, change and disappear; their targets come with <see cref="SetTargets"/>.</summary>
    public void Apply(ServerConfig config)
    {
        var seed = StableHash.Hash64(System.Text.Encoding.UTF8.GetBytes(_options.HostName)) ^ config.Global.ExternalLabels.Hash;
        lock (_gate)
        {
            if (_shutdown.IsCancellationRequested)
            {
                return;
            }

            _endedJobs.RemoveAll(t => t.IsCompletedSuccessfully);
            var names = config.ScrapeConfigs.Select(j => j.JobName).ToHashSet(StringComparer.Ordinal);
            foreach (var (name, pool) in _pools.Where(p => !names.Contains(p.Key)).ToList())
            {
                _pools.Remove(name);
                _discovered.Remove(name);
                pool.End();
                _endedJobs.Add(pool.Completion());
            }

            foreach (var job in config.ScrapeConfigs)
            {
                if (!_pools.TryGetValue(job.JobName, out var pool))
                {
                    pool = new ScrapePool(_environment, seed, _shutdown.Token);
                    _pools.Add(job.JobName, pool);
                    pool.Configure(job);
                    pool.Discovered(_discovered.GetValueOrDefault(job.JobName, []));
                }
                else
                {
                    pool.Configure(job);
                }
            }

            ObserveIntervals();
        }
    }

    /// <summary>Takes the whole list of what discovery knows for a job: labels before relabeling.</summary>
    public void SetTargets(string job, IReadOnlyList<LabelSet> discovered)
    {
        lock (_gate)
        {
            if (_shutdown.IsCancellationRequested)
            {
                return;
            }

            _discovered[job] = discovered;
            if (_pools.TryGetValue(job, out var pool))
            {
                pool.Discovered(discovered);
            }

            ObserveIntervals();
        }
    }

    /// <summary>Shortest interval of a target: some scrape begins within it; null without targets. Takes no lock.</summary>
    public TimeSpan? ShortestInterval => Interlocked.Read(ref _shortestIntervalTicks) is > 0 and var ticks ? TimeSpan.FromTicks(ticks) : null;

    /// <summary>All jobs with their targets, sorted by name.</summary>
    public IReadOnlyList<JobTargets> Jobs()
    {
        lock (_gate)
        {
            return
            [
                .. _pools.OrderBy(p => p.Key, StringComparer.Ordinal)
                    .Select(p => new JobTargets(p.Key, p.Value.Active, p.Value.Dropped, p.Value.DroppedCount)),
            ];
        }
    }

    /// <summary>What targets say about their metrics: family, metadata and target.</summary>
    public IEnumerable<(Target Target, string Family, MetricMetadata Metadata)> Metadata() =>
        from job in Jobs()
        from target in job.Active
        where target.Metadata is not null
        from family in target.Metadata!.Families
        select (target, family.Key, family.Value);

    /// <summary>Ends all scraping without stale markers and waits until nothing is written any more.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] completions;
        lock (_gate)
        {
            _shutdown.Cancel();
            completions = [.. _endedJobs, .. _pools.Values.Select(p => p.Completion())];
        }

        await Task.WhenAll(completions);
        _meter.Dispose();
        _shutdown.Dispose();
    }

    private void ObserveIntervals() => Interlocked.Exchange(
        ref _shortestIntervalTicks, _pools.Values.SelectMany(p => p.Active).Select(t => t.Interval.Ticks).DefaultIfEmpty(0).Min());
}
