using System.CommandLine;
using MetricsOperator.Cli.Down;
using MetricsOperator.Cli.Exporter;
using MetricsOperator.Cli.Generate;
using MetricsOperator.Cli.Tsdb;
using MetricsOperator.Cli.Up;

var root = new RootCommand("metricsctl: try, check and inspect metrics stacks.")
{
    UpCommand.Build(),
    DownCommand.Build(),
    ExporterCommand.Build(),
    GenerateCommand.Build(),
    TsdbCommand.Build(),
};
CommandWithExamples.ShowExamples(root);
// Stopping the local world in order (pods get SIGTERM first) takes longer than the default two seconds.
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) });
