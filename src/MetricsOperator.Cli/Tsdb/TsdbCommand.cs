using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MetricsOperator.Timeseries.Contracts;

namespace MetricsOperator.Cli.Tsdb;

/// <summary><c>metricsctl tsdb</c>: looks into a data directory of ours or of Prometheus 2.x and 3.x.</summary>
internal static class TsdbCommand
{
    /// <summary>Exit code of a command that could not read what it was pointed at.</summary>
    public const int CannotRead = 2;

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Command Build() =>
        new("tsdb", "Look into a data directory, ours or that of a Prometheus: list, analyze, dump, verify, repair. Only repair writes and needs the server stopped.")
        {
            ListCommand.Build(),
            AnalyzeCommand.Build(),
            DumpCommand.Build(),
            VerifyCommand.Build(),
            RepairCommand.Build(),
        };

    /// <summary>The argument that all of them have.</summary>
    public static Argument<string> PathArgument() => new("directory")
    {
        Description = "The data directory: the one with wal/ and the blocks in it.",
        DefaultValueFactory = _ => "data",
    };

    public static Option<bool> JsonOption() => new("--json") { Description = "Write one JSON document instead of text." };

    public static void WriteJson<T>(TextWriter output, T value) => output.WriteLine(JsonSerializer.Serialize(value, Json));

    /// <summary>Runs a command; what the storage cannot read becomes a line on standard error and exit code 2.</summary>
    public static async Task<int> RunAsync(ParseResult result, Func<TextWriter, TextWriter, int> run, CancellationToken cancellation)
    {
        var errors = result.InvocationConfiguration.Error;
        try
        {
            return await Task.Run(() => run(result.InvocationConfiguration.Output, errors), cancellation).ConfigureAwait(false);
        }
        catch (StorageException e)
        {
            await errors.WriteLineAsync("error: " + e.Message).ConfigureAwait(false);
            return CannotRead;
        }
    }
}
