using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Labels;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Discovery;

/// <summary>
/// Finds the targets of every job by what its configuration says and reports the whole list of a job whenever it changes. Sources that several jobs
/// ask for in the same words are watched once.
/// </summary>
public sealed class DiscoveryManager : IAsyncDisposable
{
    private readonly Action<string, IReadOnlyList<LabelSet>> _found;
    private readonly Action<Exception> _onDefect;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, KubernetesSource> _sources = new(StringComparer.Ordinal);
    private readonly List<Task> _ending = [];
    private ServerConfig? _config;
    private bool _stopped;

    /// <param name="found">Told a job's name and all its targets: labels before relabeling.</param>
    /// <param name="onDefect">Told when a source ends by an exception, which only a defect of the program does.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where trouble with sources is logged.</param>
    public DiscoveryManager(Action<string, IReadOnlyList<LabelSet>> found, Action<Exception> onDefect, TimeProvider time, ILogger logger)
    {
        _found = found;
        _onDefect = onDefect;
        _time = time;
        _logger = logger;
    }

    /// <summary>Takes a configuration: starts new sources, ends those nobody asks for any more, and reports every job.</summary>
    public void Apply(ServerConfig config)
    {
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            _config = config;
            var wanted = config.ScrapeConfigs.SelectMany(j => j.KubernetesConfigs).DistinctBy(KubernetesSource.KeyOf).ToDictionary(KubernetesSource.KeyOf);
            foreach (var (key, source) in _sources.Where(s => !wanted.ContainsKey(s.Key)).ToList())
            {
                _sources.Remove(key);
                _ending.Add(source.DisposeAsync().AsTask());
            }

            _ending.RemoveAll(t => t.IsCompletedSuccessfully);
            foreach (var (key, source) in wanted.Where(w => !_sources.ContainsKey(w.Key)))
            {
                _sources.Add(key, new KubernetesSource(source, () => OnChanged(key), _onDefect, _time, _logger));
            }

            foreach (var job in config.ScrapeConfigs)
            {
                Report(job);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task[] ending;
        lock (_gate)
        {
            _stopped = true;
            ending = [.. _ending, .. _sources.Values.Select(s => s.DisposeAsync().AsTask())];
        }

        await Task.WhenAll(ending);
    }

    private void OnChanged(string key)
    {
        lock (_gate)
        {
            if (!_stopped && _config is not null)
            {
                foreach (var job in _config.ScrapeConfigs.Where(j => j.KubernetesConfigs.Any(k => KubernetesSource.KeyOf(k) == key)))
                {
                    Report(job);
                }
            }
        }
    }

    private void Report(ScrapeConfig job)
    {
        var targets = new List<LabelSet>();
        foreach (var config in job.StaticConfigs)
        {
            foreach (var address in config.Targets)
            {
                targets.Add(new LabelSetBuilder(config.Labels).Set("__address__", address).Build());
            }
        }

        foreach (var config in job.KubernetesConfigs)
        {
            var source = _sources[KubernetesSource.KeyOf(config)];

            // A source that knows nothing yet would end the series of targets that are still there.
            if (source.Targets is not { } known)
            {
                return;
            }

            targets.AddRange(known);
        }

        _found(job.JobName, targets);
    }
}
