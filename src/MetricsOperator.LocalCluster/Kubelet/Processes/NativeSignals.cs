using System.Runtime.InteropServices;

namespace MetricsOperator.LocalCluster.Kubelet.Processes;

/// <summary>Signals to processes; .NET itself can only send SIGKILL.</summary>
internal static class NativeSignals
{
    public const int Terminate = 15;
    public const int Kill = 9;

    /// <summary>Sends the signal; false when the process is gone (or, for a negative pid, when the process group is empty).</summary>
    public static bool Send(int pid, int signal) => KillSystemCall(pid, signal) == 0;

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int KillSystemCall(int pid, int signal);
}
