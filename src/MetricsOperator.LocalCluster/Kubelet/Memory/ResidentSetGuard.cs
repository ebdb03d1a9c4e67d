using System.Collections.Concurrent;
using MetricsOperator.LocalCluster.Kubelet.Processes;

namespace MetricsOperator.LocalCluster.Kubelet.Memory;

/// <summary>
/// Stands in for the kernel's limit where no cgroup can be made: reads the resident set of every limited container four times a second and kills
/// the one above its limit. It is slower than the kernel: a process can pass its limit for a quarter of a second.
/// </summary>
internal sealed class ResidentSetGuard(TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    private readonly ConcurrentDictionary<ContainerProcess, Watched> _watched = [];
    private readonly CancellationTokenSource _stop = new();
    private Task? _loop;

    public void Start() => _loop = RunAsync(_stop.Token);

    /// <summary>Watches the process until the returned handle is disposed.</summary>
    public Watched Watch(ContainerProcess process, long limitBytes)
    {
        var watched = new Watched(this, process, limitBytes);
        _watched[process] = watched;
        return watched;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null)
        {
            await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        _stop.Dispose();
    }

    private async Task RunAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stop))
        {
            foreach (var watched in _watched.Values)
            {
                watched.Check();
            }
        }
    }

    /// <summary>One container under watch.</summary>
    internal sealed class Watched(ResidentSetGuard guard, ContainerProcess process, long limitBytes) : IDisposable
    {
        /// <summary>Whether the container was killed for passing its limit.</summary>
        public bool Killed { get; private set; }

        public void Check()
        {
            if (!Killed && process.ResidentBytes() > limitBytes)
            {
                Killed = true;
                process.KillAll();
            }
        }

        public void Dispose() => guard._watched.TryRemove(process, out _);
    }
}
