using MetricsOperator.LocalCluster.Kubelet.Logs;
using MetricsOperator.LocalCluster.Kubelet.Memory;

namespace MetricsOperator.LocalCluster.Kubelet.Processes;

/// <summary>Starts container runs: a process, its cgroup or resident-set watch, and its log.</summary>
internal sealed class ContainerRuntime(MemoryEnforcement memory, ResidentSetGuard guard, ProcessLedger ledger, TimeProvider time) : IDisposable
{
    private readonly ProcessSpawner _spawner = new();

    public TimeProvider Time => time;

    /// <summary>Starts one run of a container.</summary>
    /// <param name="id">64 hex digits that name the run.</param>
    /// <param name="plan">The process.</param>
    /// <param name="limitBytes">Memory limit, or null.</param>
    /// <param name="logFile">Where its output goes.</param>
    public async Task<ContainerRun> StartAsync(string id, LaunchPlan plan, long? limitBytes, string logFile)
    {
        var cgroup = memory.Create(id[..16], limitBytes);
        try
        {
            var process = await _spawner.StartAsync(plan with { CgroupProcs = cgroup?.ProcsFile });
            ledger.Add(process.Pid, process.StartTicks);
            var watch = memory.Mode == MemoryMode.ResidentSetPolling && limitBytes is { } limit ? guard.Watch(process, limit) : null;
            return new ContainerRun(process, plan, cgroup, watch, new ContainerLogWriter(logFile, time), ledger, time);
        }
        catch
        {
            if (cgroup is not null)
            {
                await cgroup.RemoveAsync(time);
            }

            throw;
        }
    }

    /// <summary>Runs a command beside a container, in its cgroup, for exec probes; it is killed when the token is cancelled.</summary>
    /// <returns>Exit code and the first 10 KiB of output.</returns>
    public async Task<(int ExitCode, string Output)> ExecuteAsync(LaunchPlan plan, CancellationToken cancellation)
    {
        using var process = await _spawner.StartAsync(plan);
        await using var kill = cancellation.Register(process.KillAll);
        var output = new byte[10 << 10];
        var error = process.Error.CopyToAsync(Stream.Null, CancellationToken.None);
        var length = await process.Output.ReadAtLeastAsync(output, output.Length, throwOnEndOfStream: false, CancellationToken.None);
        await process.Output.CopyToAsync(Stream.Null, CancellationToken.None);
        await error;
        return (await process.Exited, System.Text.Encoding.UTF8.GetString(output, 0, length));
    }

    public void Dispose() => _spawner.Dispose();
}
