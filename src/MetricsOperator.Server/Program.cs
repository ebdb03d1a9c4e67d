using System.CommandLine;
using MetricsOperator.Server.Config;
using MetricsOperator.Server.Hosting;
using MetricsOperator.Server.Http;

var root = new RootCommand("The Prometheus-compatible metrics server of MetricsOperator.");
var readFlags = ServerFlags.AddTo(root);
root.Options.Remove(root.Options.Single(o => o.Name == "--version"));
var version = new Option<bool>("--version") { Description = "Show the version." };
root.Options.Add(version);
root.Subcommands.Add(CheckConfigCommand.Create());
root.SetAction(async (result, _) =>
{
    if (result.GetValue(version))
    {
        Console.WriteLine($"MetricsOperator.Server, version {StatusEndpoints.Version}");
        return ExitCode.Clean;
    }

    return await ServerCommand.RunAsync(readFlags(result));
});

// Values such as @file are paths and expressions here, never files with more arguments.
var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
if (parsed.Errors.Count > 0)
{
    foreach (var error in parsed.Errors)
    {
        Console.Error.WriteLine($"error parsing command line: {error.Message}");
    }

    return ExitCode.ConfigRejected;
}

return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
