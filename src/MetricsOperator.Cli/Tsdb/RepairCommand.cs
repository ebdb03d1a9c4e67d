using System.CommandLine;
using MetricsOperator.Tsdb.Inspection;

namespace MetricsOperator.Cli.Tsdb;

/// <summary><c>metricsctl tsdb repair</c>: makes a damaged directory readable again.</summary>
internal static class RepairCommand
{
    private const string Examples = """
        metricsctl tsdb repair --dry-run data
        metricsctl tsdb repair data
        """;

    public static Command Build()
    {
        var path = TsdbCommand.PathArgument();
        var dryRun = new Option<bool>("--dry-run") { Description = "Only tell the steps." };
        var command = new CommandWithExamples(
            "repair",
            "Repair what verify finds, losing nothing that is readable and deleting nothing: originals stay as <name>.damaged-<n>, blocks go to quarantine/. "
            + "Takes the directory's lock, so the server must be stopped.",
            Examples)
        {
            path,
            dryRun,
        };
        command.SetAction((result, cancellation) => TsdbCommand.RunAsync(result, (output, _) =>
        {
            var isDryRun = result.GetValue(dryRun);
            var steps = new DirectoryRepair(result.GetValue(path)!, TimeProvider.System) { Step = output.WriteLine }.Run(isDryRun, cancellation);
            output.WriteLine(steps.Count == 0 ? "nothing is damaged" : isDryRun ? $"{steps.Count} steps, none of them done" : $"{steps.Count} steps done");
            return 0;
        }, cancellation));
        return command;
    }
}
