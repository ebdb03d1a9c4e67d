using System.Reflection;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Text;
using MetricsOperator.PromQL.Engine;

namespace MetricsOperator.Server.Hosting;

/// <summary>
/// Sees to it that the process never lives on half dead: running out of memory outside a query and exceptions that nobody handles end it with the
/// code of its exit protocol, after its last words are written.
/// </summary>
internal static class FatalErrors
{
    private static readonly byte[] OutOfMemoryText = "level=error msg=\"out of memory, exiting with code 79\"\n"u8.ToArray();
    private static TerminationMessage? _message;

    /// <summary>Watches the whole process. To be called once.</summary>
    public static void Watch(TerminationMessage message)
    {
        _message = message;

        // Stubs for native calls are made now, because there is no memory for them when they are needed.
        foreach (var method in typeof(FatalErrors).GetMethods(BindingFlags.NonPublic | BindingFlags.Static))
        {
            if (method.GetCustomAttribute<DllImportAttribute>() is not null)
            {
                Marshal.Prelink(method);
            }
        }

        AppDomain.CurrentDomain.FirstChanceException += OnThrown;
        AppDomain.CurrentDomain.UnhandledException += (_, e) => EndByDefect((Exception)e.ExceptionObject);
        TaskScheduler.UnobservedTaskException += (_, e) => EndByDefect(e.Exception);
    }

    /// <summary>Ends the process because of a defect.</summary>
    public static void EndByDefect(Exception exception)
    {
        _message?.Final("Bug", exception.Message);
        var text = Encoding.UTF8.GetBytes($"level=error msg=\"defect, exiting with code 70\"\n{exception}\n");
        WriteTo(2, text, text.Length);
        EndNow(ExitCode.Bug);
    }

    /// <summary>Ends the process because it does nothing any more. What it acknowledged is in the log, as after a kill.</summary>
    public static void EndByStall(string what)
    {
        _message?.Final("GuardRestart", what);
        var text = Encoding.UTF8.GetBytes($"level=error msg=\"{what}, exiting with code 80 to be started again\"\n");
        WriteTo(2, text, text.Length);
        EndNow(ExitCode.GuardRestart);
    }

    private static void OnThrown(object? sender, FirstChanceExceptionEventArgs e)
    {
        if (e.Exception is OutOfMemoryException && !QueryThread.IsEvaluating)
        {
            _message?.OutOfMemoryNow();
            WriteTo(2, OutOfMemoryText, OutOfMemoryText.Length);
            EndNow(ExitCode.OutOfMemory);
        }
    }

#pragma warning disable CA5392, SYSLIB1054 // The C library is found by the loader's own rules; source-generated stubs would need unsafe code here.
    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void EndNow(int code);

    [DllImport("libc", EntryPoint = "write")]
    private static extern nint WriteTo(int file, byte[] text, nint length);
#pragma warning restore CA5392, SYSLIB1054
}
