using MetricsOperator.LocalCluster.Kubelet.Logs;
using MetricsOperator.LocalCluster.Kubelet.Memory;

namespace MetricsOperator.LocalCluster.Kubelet.Processes;

/// <summary>How a container run ended.</summary>
/// <param name="ExitCode">0..255; 128 + n for signal n.</param>
/// <param name="OutOfMemory">Whether a process of the container was killed for want of memory during the run.</param>
/// <param name="FinishedAt">When its first process ended.</param>
internal readonly record struct ContainerExit(int ExitCode, bool OutOfMemory, DateTimeOffset FinishedAt);

/// <summary>One run of a container, from its start until nothing of it is left.</summary>
internal sealed class ContainerRun
{
    private static readonly TimeSpan OutputDrain = TimeSpan.FromSeconds(2);

    private readonly ContainerProcess _process;
    private readonly MemoryCgroup? _cgroup;
    private readonly ResidentSetGuard.Watched? _watch;
    private readonly ContainerLogWriter _log;
    private readonly ProcessLedger _ledger;
    private readonly TimeProvider _time;

    public ContainerRun(
        ContainerProcess process, LaunchPlan plan, MemoryCgroup? cgroup, ResidentSetGuard.Watched? watch, ContainerLogWriter log, ProcessLedger ledger, TimeProvider time)
    {
        _process = process;
        Plan = plan with { CgroupProcs = cgroup?.ProcsFile };
        _cgroup = cgroup;
        _watch = watch;
        _log = log;
        _ledger = ledger;
        _time = time;
        Exited = FollowAsync();
    }

    /// <summary>What was started, with the cgroup, so that an exec probe can run beside it.</summary>
    public LaunchPlan Plan { get; }

    public int Pid => _process.Pid;

    /// <summary>Ends when the first process has ended, what it left behind is killed, and its output is written.</summary>
    public Task<ContainerExit> Exited { get; }

    /// <summary>Asks the container to end (SIGTERM) and kills it after the grace period. Ends with the container.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        if (grace > TimeSpan.Zero)
        {
            _process.Signal(NativeSignals.Terminate);
            using var enough = new CancellationTokenSource();
            await Task.WhenAny(Exited, Task.Delay(grace, _time, enough.Token));
            await enough.CancelAsync();
        }

        if (!Exited.IsCompleted)
        {
            KillAll();
        }

        await Exited;
    }

    private void KillAll()
    {
        _process.KillAll();
        _cgroup?.KillAll();
    }

    private async Task<ContainerExit> FollowAsync()
    {
        var output = Task.WhenAll(_log.CopyAsync(_process.Output, "stdout"), _log.CopyAsync(_process.Error, "stderr"));
        var exitCode = await _process.Exited;
        var finishedAt = _time.GetUtcNow();
        var outOfMemory = _watch?.Killed == true || _cgroup?.OomKills() > 0;
        _watch?.Dispose();
        KillAll();
        _ledger.Remove(_process.Pid);
        if (_cgroup is not null)
        {
            await _cgroup.RemoveAsync(_time);
        }

        // Whoever still holds the pipe without being in the container's session or cgroup does not keep the container alive.
        await Task.WhenAny(output, Task.Delay(OutputDrain, _time));
        _process.Dispose();
        await output.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _log.DisposeAsync();
        return new ContainerExit(exitCode, outOfMemory, finishedAt);
    }
}
