using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Memory;
using MetricsOperator.Timeseries.Contracts;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.Server.Hosting;

/// <summary>Runs the server as a process: signals, exit codes and last words.</summary>
internal static class ServerCommand
{
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(ServerFlags flags)
    {
        using var loggers = LogSetup.Create(flags);
        var logger = loggers.CreateLogger("server");
        using var message = new TerminationMessage(flags.TerminationLog, logger);
        FatalErrors.Watch(message);
        QuerySettings.WarnAboutUnknownFeatures(flags, logger);

        ServerConfig config;
        try
        {
            config = ConfigFile.Load(flags.ConfigFile);
        }
        catch (Exception e) when (e is ConfigException or IOException or UnauthorizedAccessException)
        {
            var ledger = new Ledger { Phase = ServerState.Replay, ConfigHash = HashOf(flags.ConfigFile), BudgetBytes = flags.MemoryBudget };
            return End(message, logger, "ConfigRejected", $"cannot load the configuration: {e.Message}", ExitCode.ConfigRejected, ledger);
        }

        try
        {
            MemoryGuard.LimitProcess(flags);
            await using var host = new ServerHost(flags, config, message, loggers, TimeProvider.System);
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => StopOn(context, host));
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => StopOn(context, host));
            using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                Observe(host.ReloadAsync(CancellationToken.None));
            });
            await host.RunAsync();
            return ExitCode.Clean;
        }
        catch (ArgumentException e)
        {
            return End(message, logger, "ConfigRejected", e.Message, ExitCode.ConfigRejected);
        }
        catch (Exception e) when (e is StorageException or IOException or UnauthorizedAccessException)
        {
            return End(message, logger, "Io", e.Message, ExitCode.Io);
        }
        catch (Exception e)
        {
            logger.LogCritical(e, "Defect");
            return End(message, logger, "Bug", e.InnerException?.Message ?? e.Message, ExitCode.Bug);
        }
    }

    private static void StopOn(PosixSignalContext context, ServerHost host)
    {
        context.Cancel = true;
        host.Stop();
    }

    // What goes wrong in a reload is its result; an exception is a defect and ends the process.
    private static async void Observe(Task<string?> reload) => await reload;

    // The hash tells which of several configurations was refused; a file that cannot be read has none.
    private static string HashOf(string file)
    {
        try
        {
            return Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }

    private static int End(TerminationMessage message, ILogger logger, string kind, string text, int code, Ledger? ledger = null)
    {
        message.Final(kind, text, ledger);
        logger.LogError("{Text}; exit code {Code}", text, code);
        return code;
    }
}
