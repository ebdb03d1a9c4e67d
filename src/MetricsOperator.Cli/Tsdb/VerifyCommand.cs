using System.CommandLine;
using MetricsOperator.Tsdb.Inspection;
using Spectre.Console;

namespace MetricsOperator.Cli.Tsdb;

/// <summary><c>metricsctl tsdb verify</c>: reads every byte and names what is damaged.</summary>
internal static class VerifyCommand
{
    private const string Examples = """
        metricsctl tsdb verify data
        metricsctl tsdb verify --json data > report.json
        metricsctl tsdb verify data || metricsctl tsdb repair --dry-run data
        """;

    public static Command Build()
    {
        var path = TsdbCommand.PathArgument();
        var json = TsdbCommand.JsonOption();
        var command = new CommandWithExamples(
            "verify",
            "Read every byte of a data directory, also while a server runs on it, and name each damage: file, offset, what is wrong, what it affects, what a server does. "
            + "Exit code 0: intact, 1: damaged, 2: something cannot be read.",
            Examples)
        {
            path,
            json,
        };
        command.SetAction((result, cancellation) => TsdbCommand.RunAsync(result, (output, _) =>
        {
            var directory = result.GetValue(path)!;
            var isJson = result.GetValue(json);
            VerifyReport report;
            if (!isJson && !Console.IsOutputRedirected)
            {
                report = WithProgressBar(directory, cancellation);
                foreach (var file in report.Files.Where(f => f.Damages.Count > 0))
                {
                    Write(output, file);
                }
            }
            else
            {
                Action<FileReport>? fileDone = isJson ? null : file => Write(output, file);
                report = new DirectoryVerifier(directory) { FileDone = fileDone }.Run(cancellation);
            }

            if (isJson)
            {
                TsdbCommand.WriteJson(output, new { report.IsClean, report.Files, report.Ignored, report.Unreadable });
            }
            else
            {
                WriteEnd(output, report);
            }

            return report.Unreadable.Count > 0 ? TsdbCommand.CannotRead : report.IsClean ? 0 : 1;
        }, cancellation));
        return command;
    }

    private static VerifyReport WithProgressBar(string directory, CancellationToken cancellation) => AnsiConsole.Progress()
        .AutoClear(true)
        .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
        .Start(context =>
        {
            var task = context.AddTask(Markup.Escape(directory));
            return new DirectoryVerifier(directory)
            {
                Progress = p =>
                {
                    task.Description = Markup.Escape(p.File);
                    task.MaxValue = Math.Max(1, p.BytesTotal);
                    task.Value = p.BytesDone;
                },
            }.Run(cancellation);
        });

    private static void Write(TextWriter output, FileReport file)
    {
        output.WriteLine($"{(file.Damages.Count == 0 ? "ok     " : "DAMAGED")}  {file.File}  {file.Bytes} bytes, {file.Content}");
        foreach (var damage in file.Damages)
        {
            output.WriteLine($"         at offset {damage.Offset}: {damage.What}");
            output.WriteLine($"           affects: {damage.Affects}");
            output.WriteLine($"           then: {damage.Consequence}");
        }
    }

    private static void WriteEnd(TextWriter output, VerifyReport report)
    {
        foreach (var ignored in report.Ignored)
        {
            output.WriteLine("skipped  " + ignored);
        }

        foreach (var unreadable in report.Unreadable)
        {
            output.WriteLine("UNREAD   " + unreadable);
        }

        var damaged = report.Files.Where(f => f.Damages.Count > 0).ToList();
        output.WriteLine(damaged.Count == 0 && report.Unreadable.Count == 0
            ? $"{report.Files.Count} files are intact"
            : $"{report.Files.Count} files: {damaged.Sum(f => f.Damages.Count)} damaged places in {damaged.Count} files, {report.Unreadable.Count} cannot be read");
    }
}
