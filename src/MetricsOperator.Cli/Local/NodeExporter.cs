namespace MetricsOperator.Cli.Local;

/// <summary>The real exporter that the quickstart scrapes when the Debian package prometheus-node-exporter is installed.</summary>
internal static class NodeExporter
{
    public const string Image = "prom/node-exporter:latest";

    /// <summary>Path of the program, or null.</summary>
    public static string? Find()
    {
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':', StringSplitOptions.RemoveEmptyEntries).Append("/usr/bin"))
        {
            foreach (var name in new[] { "prometheus-node-exporter", "node_exporter" })
            {
                var path = Path.Combine(folder, name);
                if (File.Exists(path))
                {
                    return path;
                }
            }
        }

        return null;
    }
}
