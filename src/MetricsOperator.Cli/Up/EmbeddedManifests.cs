namespace MetricsOperator.Cli.Up;

/// <summary>The examples of <c>deploy/examples</c> that travel inside metricsctl.</summary>
internal static class EmbeddedManifests
{
    public const string Quickstart = "quickstart.yaml";
    public const string NodeExporter = "node-exporter.yaml";

    /// <summary>The text of one of them.</summary>
    public static string Read(string name)
    {
        using var stream = typeof(EmbeddedManifests).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"BUG: {name} is not embedded in metricsctl");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
