using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Labels;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Scraping;

/// <summary>The targets of one job and their loops. Used under the lock of its <see cref="TargetManager"/>; readers take the snapshots.</summary>
internal sealed class ScrapePool(ScrapeEnvironment environment, ulong seed, CancellationToken shutdown)
{
    private readonly Dictionary<ulong, ScrapeLoop> _loops = [];
    private readonly List<Task> _ending = [];
    private ScrapeConfig? _job;
    private HttpMessageInvoker? _client;
    private IReadOnlyList<LabelSet> _discovered = [];
    private volatile string? _refusal;
    private volatile IReadOnlyList<Target> _active = [];
    private volatile IReadOnlyList<LabelSet> _dropped = [];
    private int _droppedCount;

    public IReadOnlyList<Target> Active => _active;

    /// <summary>Labels of dropped targets before relabeling, as many as the job keeps.</summary>
    public IReadOnlyList<LabelSet> Dropped => _dropped;

    public int DroppedCount => Volatile.Read(ref _droppedCount);

    /// <summary>Takes a new configuration; when it differs, every loop is replaced by one that continues its series.</summary>
    public void Configure(ScrapeConfig job)
    {
        if (_job?.Fingerprint == job.Fingerprint)
        {
            return;
        }

        var oldClient = _client;
        _job = job;
        _client = ScrapeHttpClient.Create(job.Http);
        if (oldClient is null)
        {
            environment.Metrics.PoolCreated();
            return;
        }

        environment.Metrics.PoolReloaded();
        var oldLoops = _loops.Values.ToList();
        Synchronize(_discovered, replaceAll: true);
        _ending.Add(DisposeWhenDone(oldClient, oldLoops));
    }

    /// <summary>Takes what discovery found.</summary>
    public void Discovered(IReadOnlyList<LabelSet> discovered) => Synchronize(discovered, replaceAll: false);

    /// <summary>Ends all loops because the job is gone.</summary>
    public void End()
    {
        Synchronize([], replaceAll: false);
        _ending.Add(DisposeWhenDone(_client!, []));
    }

    /// <summary>Completes when every loop, old and new, has ended.</summary>
    public Task Completion() => Task.WhenAll([.. _ending, .. _loops.Values.Select(l => l.Completion)]);

    private void Synchronize(IReadOnlyList<LabelSet> discovered, bool replaceAll)
    {
        _discovered = discovered;
        _ending.RemoveAll(t => t.IsCompleted);
        var (targets, dropped) = Resolve(discovered);
        _refusal = _job!.Limits.Targets > 0 && targets.Count > _job.Limits.Targets
            ? $"target_limit exceeded (number of targets: {targets.Count}, limit: {_job.Limits.Targets})"
            : null;
        foreach (var (key, loop) in _loops.Where(l => !targets.ContainsKey(l.Key)).ToList())
        {
            _loops.Remove(key);
            loop.Stop(endSeries: true);
            _ending.Add(DisposeWhenDone(loop));
        }

        foreach (var (key, target) in targets)
        {
            if (!_loops.TryGetValue(key, out var current))
            {
                Start(target, null);
            }
            else if (replaceAll)
            {
                current.Stop(endSeries: false);
                _ending.Add(DisposeWhenDone(current));
                Start(target, current);
            }
            else
            {
                current.Target.DiscoveredLabels = target.DiscoveredLabels;
            }
        }

        _active = [.. _loops.Values.Select(l => l.Target)];
        Volatile.Write(ref _droppedCount, dropped.Count);
        var keep = _job.Limits.KeepDroppedTargets;
        _dropped = keep > 0 && dropped.Count > keep ? dropped[..(int)keep] : dropped;
    }

    private (Dictionary<ulong, Target> Targets, List<LabelSet> Dropped) Resolve(IReadOnlyList<LabelSet> discovered)
    {
        var targets = new Dictionary<ulong, Target>();
        var dropped = new List<LabelSet>();
        foreach (var labels in discovered)
        {
            var target = TargetLabels.Build(labels, _job!, out var problem);
            if (target is not null)
            {
                targets.TryAdd(target.Key, target);
            }
            else if (problem is not null)
            {
                environment.Logger.LogError("Cannot use a target of {Job}: {Problem}; discovered labels {Labels}", _job!.JobName, problem, labels);
            }
            else
            {
                dropped.Add(TargetLabels.WithJobDefaults(labels, _job!));
            }
        }

        return (targets, dropped);
    }

    private void Start(Target target, ScrapeLoop? predecessor)
    {
        var loop = new ScrapeLoop(target, _client!, environment, predecessor, () => _refusal);
        _loops[target.Key] = loop;
        loop.Start(seed, shutdown);
    }

    private static async Task DisposeWhenDone(ScrapeLoop loop)
    {
        await loop.Completion;
        loop.Dispose();
    }

    private static async Task DisposeWhenDone(HttpMessageInvoker client, List<ScrapeLoop> users)
    {
        await Task.WhenAll(users.Select(l => l.Completion));
        client.Dispose();
    }
}
