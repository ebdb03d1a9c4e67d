using System.CommandLine;
using MetricsOperator.Cli.Local;

namespace MetricsOperator.Cli.Down;

/// <summary><c>metricsctl down</c>: stops a detached local world.</summary>
internal static class DownCommand
{
    public static Command Build()
    {
        var data = new Option<string>("--data") { Description = "The directory that metricsctl up was given.", Required = true };
        var command = new Command("down", "Stop the local cluster of a data directory with all its pods; the state stays.") { data };
        command.SetAction(async (result, _) =>
        {
            var directory = Path.GetFullPath(result.GetValue(data)!);
            try
            {
                Console.WriteLine(await ClusterProcess.StopAsync(directory).ConfigureAwait(false) ? "stopped" : $"no local cluster runs on {directory}");
                return 0;
            }
            catch (LocalWorldException e)
            {
                await Console.Error.WriteLineAsync("error: " + e.Message).ConfigureAwait(false);
                return 1;
            }
        });
        return command;
    }
}
