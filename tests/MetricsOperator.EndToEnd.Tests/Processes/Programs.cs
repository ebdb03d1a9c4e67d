using MetricsOperator.TestKit;

namespace MetricsOperator.EndToEnd.Tests.Processes;

/// <summary>The programs under test, in the configuration that this test assembly was built in.</summary>
internal static class Programs
{
    private static readonly string Configuration = Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/'));

    public static string Server => PathOf("MetricsOperator.Server", "MetricsOperator.Server");

    public static string Metricsctl => PathOf("MetricsOperator.Cli", "metricsctl");

    private static string PathOf(string project, string program)
    {
        var path = Path.Combine(RepositoryRoot.Path, "artifacts", "bin", project, Configuration, program);
        Assert.True(File.Exists(path), $"{path} is not built");
        return path;
    }
}
