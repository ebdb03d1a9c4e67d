using System.Text.Json.Nodes;

namespace MetricsOperator.LocalCluster.Kubelet.Probes;

/// <summary>
/// Runs the probes of one container run: the startup probe until it succeeds, then liveness and readiness side by side. Tells the owner of every
/// failed attempt, of every change, and when the container must be restarted.
/// </summary>
internal sealed class ContainerProbes(JsonObject container, ProbeAttempt attempt, TimeProvider time) : IAsyncDisposable
{
    private readonly ProbeSettings? _startup = ProbeSettings.Read(container, "startupProbe");
    private readonly ProbeSettings? _liveness = ProbeSettings.Read(container, "livenessProbe");
    private readonly ProbeSettings? _readiness = ProbeSettings.Read(container, "readinessProbe");

    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private bool _disposed;
    private volatile bool _started;
    private volatile bool _ready;

    /// <summary>Whether the startup probe has succeeded (or there is none).</summary>
    public bool Started => _startup is null || _started;

    /// <summary>Whether the container is ready for traffic.</summary>
    public bool Ready => Started && (_readiness is null || _ready);

    /// <summary>Called when <see cref="Started"/> or <see cref="Ready"/> changed.</summary>
    public required Action Changed { get; init; }

    /// <summary>Called for every failed attempt with the probe's name (Startup, Liveness, Readiness) and the message.</summary>
    public required Action<string, string> Failed { get; init; }

    /// <summary>Called once when the container must be restarted, with the probe's name and its own grace period.</summary>
    public required Action<string, TimeSpan?> MustRestart { get; init; }

    /// <summary>Begins to probe; goes on until disposed.</summary>
    public void Start() => _loop = RunAsync(_stop.Token);

    /// <summary>Stops probing; what was found last stays. May be called more than once.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true))
        {
            return;
        }

        await _stop.CancelAsync();
        try
        {
            await _loop;
        }
        catch (OperationCanceledException)
        {
            // Probes run until they are told to stop.
        }

        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        if (_startup is not null)
        {
            if (!await UntilSuccessAsync(_startup, stop))
            {
                MustRestart("startup", _startup.Grace);
                return;
            }

            _started = true;
            Changed();
        }

        await Task.WhenAll(LivenessAsync(stop), ReadinessAsync(stop));
    }

    private async Task<bool> UntilSuccessAsync(ProbeSettings probe, CancellationToken stop)
    {
        await Task.Delay(probe.InitialDelay, time, stop);
        for (var failures = 0; ; await Task.Delay(probe.Period, time, stop))
        {
            if (await attempt.TryAsync(probe, stop) is not { } message)
            {
                return true;
            }

            Failed("Startup", message);
            if (++failures >= probe.FailureThreshold)
            {
                return false;
            }
        }
    }

    private async Task LivenessAsync(CancellationToken stop)
    {
        if (_liveness is null)
        {
            return;
        }

        await Task.Delay(_liveness.InitialDelay, time, stop);
        for (var failures = 0; ; await Task.Delay(_liveness.Period, time, stop))
        {
            if (await attempt.TryAsync(_liveness, stop) is not { } message)
            {
                failures = 0;
                continue;
            }

            Failed("Liveness", message);
            if (++failures >= _liveness.FailureThreshold)
            {
                MustRestart("liveness", _liveness.Grace);
                return;
            }
        }
    }

    private async Task ReadinessAsync(CancellationToken stop)
    {
        if (_readiness is null)
        {
            return;
        }

        await Task.Delay(_readiness.InitialDelay, time, stop);
        for (int successes = 0, failures = 0; ; await Task.Delay(_readiness.Period, time, stop))
        {
            var message = await attempt.TryAsync(_readiness, stop);
            if (message is not null)
            {
                Failed("Readiness", message);
            }

            (successes, failures) = message is null ? (successes + 1, 0) : (0, failures + 1);
            if (!_ready && successes >= _readiness.SuccessThreshold)
            {
                _ready = true;
                Changed();
            }
            else if (_ready && failures >= _readiness.FailureThreshold)
            {
                _ready = false;
                Changed();
            }
        }
    }
}
