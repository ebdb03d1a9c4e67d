using System.Diagnostics;

namespace MetricsOperator.LocalCluster.Kubelet.Processes;

/// <summary>A running container process and what it started.</summary>
internal sealed class ContainerProcess : IDisposable
{
    private readonly Process _process;
    private readonly bool _ownsSession;

    public ContainerProcess(Process process, bool ownsSession)
    {
        _process = process;
        _ownsSession = ownsSession;
        Pid = process.Id;
        StartTicks = ProcessTable.Read(Pid)?.StartTicks ?? 0;
        Exited = WaitAsync();
    }

    public int Pid { get; }

    /// <summary>Start time in clock ticks since boot, which tells this process from a later one with the same id.</summary>
    public long StartTicks { get; }

    /// <summary>Ends with the exit code of the first process: 0..255, 128 + n for signal n.</summary>
    public Task<int> Exited { get; }

    public Stream Output => _process.StandardOutput.BaseStream;

    public Stream Error => _process.StandardError.BaseStream;

    /// <summary>Sends a signal to the first process, as a container runtime does.</summary>
    public void Signal(int signal)
    {
        if (!Exited.IsCompleted)
        {
            NativeSignals.Send(Pid, signal);
        }
    }

    /// <summary>Sends SIGKILL to the first process and to everything in its session.</summary>
    public void KillAll()
    {
        Signal(NativeSignals.Kill);
        if (!_ownsSession)
        {
            return;
        }

        foreach (var entry in ProcessTable.InSession(Pid))
        {
            NativeSignals.Send(entry.Pid, NativeSignals.Kill);
        }
    }

    /// <summary>Resident bytes of the process and everything in its session.</summary>
    public long ResidentBytes() =>
        _ownsSession ? ProcessTable.InSession(Pid).Sum(entry => entry.ResidentBytes) : ProcessTable.Read(Pid)?.ResidentBytes ?? 0;

    public void Dispose() => _process.Dispose();

    private async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }
}
