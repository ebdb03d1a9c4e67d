using System.CommandLine;
using MetricsOperator.Tsdb.Inspection;

namespace MetricsOperator.Cli.Tsdb;

/// <summary><c>metricsctl tsdb list</c>: the blocks and the parts of the head.</summary>
internal static class ListCommand
{
    private const string Examples = """
        metricsctl tsdb list /var/lib/prometheus
        metricsctl tsdb list --json data
        """;

    public static Command Build()
    {
        var path = TsdbCommand.PathArgument();
        var json = TsdbCommand.JsonOption();
        var command = new CommandWithExamples("list", "List the blocks, oldest first, and what log and chunks_head take. Reads descriptions and sizes only.", Examples) { path, json };
        command.SetAction((result, cancellation) => TsdbCommand.RunAsync(result, (output, _) =>
        {
            var listing = DirectoryListing.Of(result.GetValue(path)!);
            if (result.GetValue(json))
            {
                TsdbCommand.WriteJson(output, listing);
            }
            else
            {
                Write(output, listing);
            }

            return 0;
        }, cancellation));
        return command;
    }

    private static void Write(TextWriter output, DirectoryListing listing)
    {
        var rows = new List<string[]>
        {
            new[] { "BLOCK", "MIN TIME (UTC)", "MAX TIME (UTC)", "MIN MS", "MAX MS", "DURATION", "SAMPLES", "SERIES", "CHUNKS", "SIZE", "LEVEL", "HINTS" },
        };
        foreach (var block in listing.Blocks)
        {
            rows.Add(block.Meta is not { } meta
                ? [block.Ulid, "?", "?", "?", "?", "?", "?", "?", "?", TableText.Size(block.Bytes), "?", block.Problem ?? string.Empty]
                :
                [
                    block.Ulid,
                    TableText.Time(meta.MinTime),
                    TableText.Time(meta.MaxTime),
                    TableText.Number(meta.MinTime),
                    TableText.Number(meta.MaxTime),
                    TableText.Duration(meta.MaxTime - meta.MinTime),
                    TableText.Number(meta.Stats.NumSamples),
                    TableText.Number(meta.Stats.NumSeries),
                    TableText.Number(meta.Stats.NumChunks),
                    TableText.Size(block.Bytes),
                    TableText.Number(meta.Compaction.Level),
                    string.Join(',', meta.Compaction.Hints ?? []),
                ]);
        }

        TableText.Write(output, rows);
        output.WriteLine();
        var parts = new List<string[]> { new[] { "HEAD", "FILES", "FIRST", "LAST", "SIZE" } };
        parts.AddRange(listing.Head.Select(p => new[]
        {
            p.Name,
            TableText.Number(p.Files),
            p.First < 0 ? "-" : TableText.Number(p.First),
            p.Last < 0 ? "-" : TableText.Number(p.Last),
            TableText.Size(p.Bytes),
        }));
        TableText.Write(output, parts);
        output.WriteLine();
        var blocks = listing.Blocks.Sum(b => b.Bytes);
        var head = listing.Head.Sum(p => p.Bytes);
        output.WriteLine($"total {TableText.Size(blocks + head)}: {listing.Blocks.Count} blocks {TableText.Size(blocks)}, head {TableText.Size(head)}");
    }
}
