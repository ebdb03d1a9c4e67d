using System.CommandLine;
using MetricsOperator.Tsdb;
using MetricsOperator.Tsdb.Inspection;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Cli.Tsdb;

/// <summary><c>metricsctl tsdb analyze</c>: what makes a block or the head large.</summary>
internal static class AnalyzeCommand
{
    private const string Examples = """
        metricsctl tsdb analyze data
        metricsctl tsdb analyze data 01M7ZVGA06DA3826YYG15BG5HG --limit 5
        metricsctl tsdb analyze --head --json data
        """;

    public static Command Build()
    {
        var path = TsdbCommand.PathArgument();
        var block = new Argument<string?>("block") { Description = "The block; the newest when left out.", DefaultValueFactory = _ => null, Arity = ArgumentArity.ZeroOrOne };
        var limit = new Option<int>("--limit") { Description = "Entries per table.", DefaultValueFactory = _ => 20 };
        var head = new Option<bool>("--head") { Description = "Analyze what log and chunks_head hold instead of a block; needs as much memory as a server's head." };
        var json = TsdbCommand.JsonOption();
        var command = new CommandWithExamples("analyze", "Show the largest metrics, labels and label pairs of a block or of the head, and those that churn most.", Examples)
        {
            path,
            block,
            limit,
            head,
            json,
        };
        command.SetAction((result, cancellation) => TsdbCommand.RunAsync(result, (output, errors) =>
        {
            var withHead = result.GetValue(head);
            var name = result.GetValue(block);
            if (withHead && name is not null)
            {
                errors.WriteLine("error: give a block or --head, not both");
                return TsdbCommand.CannotRead;
            }

            using var database = ReadOnlyDatabase.Open(result.GetValue(path)!, withHead, null, NullLogger.Instance, cancellation);
            var analysis = withHead
                ? CardinalityAnalysis.OfHead(database, result.GetValue(limit), cancellation)
                : CardinalityAnalysis.OfBlock(database, name, result.GetValue(limit), cancellation);
            if (result.GetValue(json))
            {
                TsdbCommand.WriteJson(output, analysis);
            }
            else
            {
                Write(output, analysis);
            }

            return 0;
        }, cancellation));
        return command;
    }

    private static void Write(TextWriter output, CardinalityAnalysis analysis)
    {
        output.WriteLine($"Block ID: {analysis.Name}");
        output.WriteLine($"Duration: {TableText.Duration(analysis.MaxTime - analysis.MinTime)}");
        output.WriteLine($"Series: {analysis.Series}");
        output.WriteLine($"Label names: {analysis.LabelNames}");
        output.WriteLine($"Postings (unique label pairs): {analysis.LabelPairs}");
        output.WriteLine($"Postings entries (total label pairs): {analysis.PairEntries}");
        Table("Label pairs most involved in churning:", analysis.ChurningPairs);
        Table("Label names most involved in churning:", analysis.ChurningNames);
        Table("Most common label pairs:", analysis.CommonPairs);
        Table("Label names with highest cumulative label value length:", analysis.ValueBytes);
        Table("Highest cardinality labels:", analysis.Cardinality);
        Table("Highest cardinality metric names:", analysis.Metrics);

        void Table(string title, IReadOnlyList<NamedCount> rows)
        {
            output.WriteLine();
            output.WriteLine(title);
            foreach (var row in rows)
            {
                output.WriteLine($"{row.Value} {row.Name}");
            }
        }
    }
}
