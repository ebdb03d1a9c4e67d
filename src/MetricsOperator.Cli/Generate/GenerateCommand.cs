using System.CommandLine;
using MetricsOperator.Api.Schema;

namespace MetricsOperator.Cli.Generate;

/// <summary><c>metricsctl generate</c>: writes the files that come from C# types (definitions, RBAC).</summary>
internal static class GenerateCommand
{
    public static Command Build()
    {
        var root = new Option<string>("--root") { Description = "The source checkout to write into.", DefaultValueFactory = _ => "." };
        var command = new Command("generate", "Write the generated files of a source checkout: crds/ and RBAC manifests.") { root };
        command.SetAction(async (result, cancellation) =>
        {
            var folder = Path.GetFullPath(result.GetValue(root)!);
            if (!File.Exists(Path.Combine(folder, "MetricsOperator.sln")))
            {
                await Console.Error.WriteLineAsync($"error: {folder} is not a source checkout (no MetricsOperator.sln); give --root DIR").ConfigureAwait(false);
                return 2;
            }

            foreach (var (path, text) in GeneratedFiles.All())
            {
                var target = Path.Combine(folder, path);
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                var changed = !File.Exists(target) || await File.ReadAllTextAsync(target, cancellation).ConfigureAwait(false) != text;
                if (changed)
                {
                    await File.WriteAllTextAsync(target, text, cancellation).ConfigureAwait(false);
                }

                Console.WriteLine($"{path} {(changed ? "written" : "unchanged")}");
            }

            return 0;
        });
        return command;
    }
}
