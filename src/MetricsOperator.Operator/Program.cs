using System.CommandLine;
using MetricsOperator.Operator.Hosting;

// SIGTERM cancels the command; it then has this long to end by itself.
var configuration = new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(20) };
return await OperatorOptions.Command(OperatorHost.RunAsync).Parse(args).InvokeAsync(configuration);
