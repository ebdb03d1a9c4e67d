namespace MetricsOperator.Server.Hosting;

/// <summary>How the process ends: the protocol between the server and whoever looks after its deaths.</summary>
internal static class ExitCode
{
    public const int Clean = 0;

    /// <summary>A defect of the program.</summary>
    public const int Bug = 70;

    /// <summary>Disk or network refuse at start.</summary>
    public const int Io = 74;

    /// <summary>Command line or configuration file rejected at start.</summary>
    public const int ConfigRejected = 78;

    /// <summary>The managed heap is exhausted.</summary>
    public const int OutOfMemory = 79;

    /// <summary>The process was alive and did nothing, and ended itself to be started again.</summary>
    public const int GuardRestart = 80;
}
