using System.Threading.Channels;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.Server.Config;
using MetricsOperator.Timeseries.Labels;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Discovery;

/// <summary>Watches one cluster as one <c>kubernetes_sd_configs</c> entry says and turns what it sees into targets.</summary>
internal sealed class KubernetesSource : IAsyncDisposable
{
    private static readonly TimeSpan MinUpdateInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ConnectRetry = TimeSpan.FromSeconds(15);

    private readonly KubernetesDiscoveryConfig _config;
    private readonly Action _changed;
    private readonly Action<Exception> _onDefect;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<bool> _dirty = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Task _run;
    private volatile IReadOnlyList<LabelSet>? _targets;

    /// <param name="config">What to watch.</param>
    /// <param name="changed">Told when <see cref="Targets"/> is another list.</param>
    /// <param name="onDefect">Told when watching ends by an exception, which only a defect of the program does.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where trouble is logged.</param>
    public KubernetesSource(KubernetesDiscoveryConfig config, Action changed, Action<Exception> onDefect, TimeProvider time, ILogger logger)
    {
        _config = config;
        _changed = changed;
        _onDefect = onDefect;
        _time = time;
        _logger = logger;
        _run = Task.Run(RunAsync, CancellationToken.None);
    }

    /// <summary>Labels of all targets before relabeling; null until the first lists are complete.</summary>
    public IReadOnlyList<LabelSet>? Targets => _targets;

    /// <summary>Equal for entries that ask for the same.</summary>
    public static string KeyOf(KubernetesDiscoveryConfig config) => string.Join(
        '\n',
        [
            config.Role.ToString(), config.KubeconfigFile, string.Join(',', config.Namespaces), config.OwnNamespace.ToString(),
            config.AttachNodeMetadata.ToString(), config.AttachNamespaceMetadata.ToString(), .. config.Selectors.Select(s => s.ToString()),
        ]);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            using var connection = await ConnectAsync();
            await FollowAsync(connection);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Told to stop.
            return;
        }
        catch (Exception e)
        {
            // Trouble with the cluster never gets here: the process must not go on with targets that nobody updates.
            _logger.LogCritical(e, "Discovery of {Role} targets ended", _config.Role);
            _onDefect(e);
        }
    }

    private async Task<KubeConnection> ConnectAsync()
    {
        while (true)
        {
            try
            {
                return _config.KubeconfigFile.Length > 0 ? KubeConnection.FromKubeconfig(_config.KubeconfigFile) : KubeConnection.InCluster();
            }
            catch (KubeConfigException e)
            {
                _logger.LogError("Cannot discover {Role} targets in Kubernetes: {Error}", _config.Role, e.Message);
                await Task.Delay(ConnectRetry, _time, _stop.Token);
            }
        }
    }

    private async Task FollowAsync(KubeConnection connection)
    {
        var client = new KubeRestClient(connection, new KubeRestClientOptions { UserAgent = "metricsoperator-server", Time = _time, Logger = _logger });
        var watched = new KubernetesWatch(_config, client, connection.Namespace, MarkDirty, _time, _logger);
        var running = watched.RunAsync(_stop.Token);
        await watched.WaitForSyncAsync(_stop.Token);
        while (!running.IsCompleted)
        {
            _targets = watched.Targets();
            _changed();

            // A rollout changes many objects at once; one list a second carries them all.
            await Task.Delay(MinUpdateInterval, _time, _stop.Token);
            await _dirty.Reader.ReadAsync(_stop.Token);
        }

        await running;
    }

    private void MarkDirty() => _dirty.Writer.TryWrite(true);
}
