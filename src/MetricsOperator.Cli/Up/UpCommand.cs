using System.CommandLine;
using MetricsOperator.Cli.Local;
using Spectre.Console;

namespace MetricsOperator.Cli.Up;

/// <summary><c>metricsctl up</c>: a local cluster with the operator and stacks in it.</summary>
internal static class UpCommand
{
    public static Command Build()
    {
        var files = new Option<string[]>("--filename", "-f") { Description = "Manifest file to apply (repeatable); the quickstart example when none is given.", AllowMultipleArgumentsPerToken = true };
        var data = new Option<string?>("--data") { Description = "Directory that keeps the state (kubeconfig, volumes, logs); a temporary one when not given." };
        var detach = new Option<bool>("--detach") { Description = "Return when the stacks are Ready; stop later with: metricsctl down --data DIR." };
        var timeout = new Option<int>("--timeout-seconds") { Description = "How long the stacks may take to become Ready.", DefaultValueFactory = _ => 180 };
        var auditLog = new Option<string?>("--audit-log") { Description = "File to which the API server writes one JSON line per request." };
        var backoff = new Option<double?>("--backoff-scale") { Description = "Factor on the kubelet's restart back-off; for tests." };
        var memory = new Option<string?>("--memory-limits") { Description = "auto, cgroup, rss or off: how pod memory limits are enforced." };
        var command = new Command("up", "Start a local cluster, install the operator, apply stacks and show them at work.") { files, data, detach, timeout, auditLog, backoff, memory };
        command.SetAction(async (result, cancellation) =>
        {
            var cluster = new List<string>();
            Add(cluster, "--audit-log", result.GetValue(auditLog));
            Add(cluster, "--backoff-scale", result.GetValue(backoff)?.ToString(System.Globalization.CultureInfo.InvariantCulture));
            Add(cluster, "--memory-limits", result.GetValue(memory));
            var options = new UpOptions(result.GetValue(files) ?? [], result.GetValue(data), result.GetValue(detach), TimeSpan.FromSeconds(result.GetValue(timeout)), cluster);
            if (options.Detach && options.DataDirectory is null)
            {
                await Console.Error.WriteLineAsync("cannot detach: --detach needs --data DIR, so that metricsctl down --data DIR can stop it").ConfigureAwait(false);
                return 2;
            }

            try
            {
                return await new UpRun(options, AnsiConsole.Console, TimeProvider.System).RunAsync(cancellation).ConfigureAwait(false);
            }
            catch (LocalWorldException e)
            {
                await Console.Error.WriteLineAsync("error: " + e.Message).ConfigureAwait(false);
                return 1;
            }
        });
        return command;
    }

    private static void Add(List<string> arguments, string name, string? value)
    {
        if (value is not null)
        {
            arguments.Add(name);
            arguments.Add(name == "--audit-log" ? Path.GetFullPath(value) : value);
        }
    }
}
