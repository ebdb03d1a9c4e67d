using System.Globalization;
using System.Text.Json;

namespace MetricsOperator.Cli.Local;

/// <summary>What a running local cluster writes about itself into <c>cluster.json</c>.</summary>
internal sealed record ClusterInfo(int Pid, string ApiUrl, string IngressUrl, string MemoryLimits)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Reads the file of a data directory; null when no cluster has run there or the file is not complete yet.</summary>
    public static ClusterInfo? Read(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, "cluster.json");
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<ClusterInfo>(File.ReadAllText(path), Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>True while the process lives and is a local cluster (and not another program that got its pid).</summary>
    public bool IsRunning()
    {
        var commandLine = string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/cmdline");
        try
        {
            return File.ReadAllText(commandLine).Contains("MetricsOperator.LocalCluster", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
    }
}
