using System.CommandLine;
using MetricsOperator.PromQL.Syntax;
using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Inspection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Cli.Tsdb;

/// <summary><c>metricsctl tsdb dump</c>: all samples as text.</summary>
internal static class DumpCommand
{
    private const string Examples = """
        metricsctl tsdb dump data > samples.txt
        metricsctl tsdb dump --match 'up{job="node"}' --match '{__name__=~"node_.*"}' data
        metricsctl tsdb dump --min-time 1795291320000 --max-time 1795291440000 --format openmetrics data
        diff <(promtool tsdb dump data) <(metricsctl tsdb dump data)
        """;

    public static Command Build()
    {
        var path = TsdbCommand.PathArgument();
        var match = new Option<string[]>("--match") { Description = "Series selector; may be given more than once, a series needs to match one of them." };
        var minTime = new Option<long>("--min-time") { Description = "First time, in milliseconds since 1970.", DefaultValueFactory = _ => long.MinValue };
        var maxTime = new Option<long>("--max-time") { Description = "Last time, in milliseconds since 1970.", DefaultValueFactory = _ => long.MaxValue };
        var format = new Option<string>("--format") { Description = "prom (as promtool tsdb dump writes it), openmetrics or json (one object per series).", DefaultValueFactory = _ => "prom" };
        format.AcceptOnlyFromAmong("prom", "openmetrics", "json");
        var histograms = new Option<bool>("--histograms") { Description = "In the prom format: write native histograms too. promtool 2.42 leaves a series at its first one, and so does this command without the option." };
        var temporary = new Option<string?>("--sandbox-dir-root") { Description = "Where the temporary directory is made in which the log is replayed." };
        var command = new CommandWithExamples("dump", "Write all samples of blocks and head to standard output.", Examples)
        {
            path,
            match,
            minTime,
            maxTime,
            format,
            histograms,
            temporary,
        };
        command.SetAction((result, cancellation) => TsdbCommand.RunAsync(result, (_, errors) =>
        {
            List<IReadOnlyList<LabelMatcher>> selectors;
            try
            {
                selectors = Selectors(result.GetValue(match) ?? []);
            }
            catch (ParseException e)
            {
                errors.WriteLine("error: --match: " + e.Message);
                return TsdbCommand.CannotRead;
            }

            var kind = result.GetValue(format) switch
            {
                "openmetrics" => DumpFormat.OpenMetrics,
                "json" => DumpFormat.Json,
                _ => DumpFormat.Prom,
            };
            using var database = ReadOnlyDatabase.Open(result.GetValue(path)!, withHead: true, result.GetValue(temporary), NullLogger.Instance, cancellation);
            using var output = new BufferedStream(Console.OpenStandardOutput(), 128 * 1024);
            var dump = new SampleDump(output, kind, result.GetValue(histograms));
            var warnings = dump.WriteAll(database, selectors, result.GetValue(minTime), result.GetValue(maxTime), cancellation);
            foreach (var warning in warnings)
            {
                errors.WriteLine("warning: " + warning);
            }

            if (dump.LeftOut > 0)
            {
                errors.WriteLine($"note: {dump.LeftOut} samples of series with native histograms are left out in this format{(kind == DumpFormat.Prom ? "; give --histograms for them" : "")}");
            }

            return warnings.Count == 0 ? 0 : 1;
        }, cancellation));
        return command;
    }

    private static List<IReadOnlyList<LabelMatcher>> Selectors(string[] texts) => texts.Select(PromQLParser.ParseSelector).ToList();
}
