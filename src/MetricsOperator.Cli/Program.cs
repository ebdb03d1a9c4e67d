using System.CommandLine;
using MetricsOperator.Cli.Exporter;

var root = new RootCommand("metricsctl: try, check and inspect metrics stacks.")
{
    ExporterCommand.Build(),
};
return await root.Parse(args).InvokeAsync();
