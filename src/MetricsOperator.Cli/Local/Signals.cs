using System.Globalization;
using System.Runtime.InteropServices;

namespace MetricsOperator.Cli.Local;

/// <summary>Signals to one process by its pid.</summary>
internal static class Signals
{
    private const int Term = 15;
    private const int Kill = 9;

    /// <summary>Asks the process to end.</summary>
    public static void Terminate(int pid) => Send(pid, Term);

    /// <summary>Ends the process at once.</summary>
    public static void End(int pid) => Send(pid, Kill);

    /// <summary>True while a process of this pid exists.</summary>
    public static bool Exists(int pid) => Directory.Exists(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}"));

    private static void Send(int pid, int signal)
    {
        const int NoSuchProcess = 3;
        if (NativeKill(pid, signal) != 0 && Marshal.GetLastPInvokeError() != NoSuchProcess)
        {
            throw new LocalWorldException($"cannot signal process {pid}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

#pragma warning disable SYSLIB1054 // The source-generated form needs unsafe code, which only Tsdb may use.
    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static extern int NativeKill(int pid, int signal);
#pragma warning restore SYSLIB1054
}
