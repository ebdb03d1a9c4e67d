using System.CommandLine;
using MetricsOperator.Server.Config;

namespace MetricsOperator.Server.Hosting;

/// <summary><c>check-config FILE...</c>: says whether the server would accept configuration files.</summary>
internal static class CheckConfigCommand
{
    public static Command Create()
    {
        var files = new Argument<string[]>("files") { Arity = ArgumentArity.OneOrMore, Description = "Configuration files." };
        var command = new Command("check-config", "Checks configuration files; exit code 0 when all are accepted, 78 otherwise.") { files };
        command.SetAction(result =>
        {
            var code = ExitCode.Clean;
            foreach (var file in result.GetRequiredValue(files))
            {
                try
                {
                    var config = ConfigFile.Load(file);
                    Console.WriteLine($"{file}: OK, {config.ScrapeConfigs.Count} scrape jobs, hash {config.Hash}");
                }
                catch (Exception e) when (e is ConfigException or IOException or UnauthorizedAccessException)
                {
                    Console.Error.WriteLine(e.Message);
                    code = ExitCode.ConfigRejected;
                }
            }

            return code;
        });
        return command;
    }
}
