using System.Diagnostics;

namespace MetricsOperator.Cli.Local;

/// <summary>The programs that the local world starts: beside metricsctl when installed, in <c>artifacts/</c> of a source checkout otherwise.</summary>
internal sealed class Executables
{
    private static readonly string[] Projects = ["MetricsOperator.LocalCluster", "MetricsOperator.Operator", "MetricsOperator.Server"];

    private readonly string _metricsctl;
    private readonly string? _sourceRoot;
    private readonly string _configuration;

    private Executables(string metricsctl, string? sourceRoot, string configuration)
    {
        _metricsctl = metricsctl;
        _sourceRoot = sourceRoot;
        _configuration = configuration;
    }

    public string Metricsctl => _metricsctl;

    public string LocalCluster => PathOf("MetricsOperator.LocalCluster");

    public string Operator => PathOf("MetricsOperator.Operator");

    public string Server => PathOf("MetricsOperator.Server");

    /// <summary>Finds the programs, starting from the folder of the running metricsctl.</summary>
    public static Executables Locate()
    {
        var folder = AppContext.BaseDirectory.TrimEnd('/');
        var metricsctl = Path.Combine(folder, "metricsctl");
        for (var parent = Path.GetDirectoryName(folder); parent is not null; parent = Path.GetDirectoryName(parent))
        {
            if (File.Exists(Path.Combine(parent, "MetricsOperator.sln")))
            {
                return new Executables(metricsctl, parent, Path.GetFileName(folder));
            }
        }

        return new Executables(metricsctl, null, string.Empty);
    }

    /// <summary>True if a program is absent, or older than a source file of the checkout.</summary>
    public bool NeedBuild()
    {
        if (_sourceRoot is null)
        {
            return false;
        }

        var newestSource = Directory.EnumerateFiles(Path.Combine(_sourceRoot, "src"), "*.cs*", SearchOption.AllDirectories)
            .Select(File.GetLastWriteTimeUtc).Max();
        return Projects.Any(p => !File.Exists(PathOf(p)) || File.GetLastWriteTimeUtc(PathOf(p) + ".dll") < newestSource);
    }

    /// <summary>Builds the programs of a source checkout.</summary>
    /// <param name="report">Gets one line per project.</param>
    /// <param name="cancellation">Stops the build.</param>
    /// <exception cref="LocalWorldException">A project does not build; the message holds the compiler's errors.</exception>
    public async Task BuildAsync(Action<string> report, CancellationToken cancellation)
    {
        foreach (var project in Projects)
        {
            report($"dotnet build {project}");
            var start = new ProcessStartInfo("dotnet")
            {
                WorkingDirectory = _sourceRoot!,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            foreach (var argument in new[] { "build", $"src/{project}", "-c", char.ToUpperInvariant(_configuration[0]) + _configuration[1..], "-v", "q", "--nologo" })
            {
                start.ArgumentList.Add(argument);
            }

            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var errors = process.StandardError.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
            if (process.ExitCode != 0)
            {
                throw new LocalWorldException($"cannot build {project}: {await output.ConfigureAwait(false)}{await errors.ConfigureAwait(false)}");
            }

            // An up-to-date build leaves the assembly's time alone; touching it records that it was checked.
            File.SetLastWriteTimeUtc(PathOf(project) + ".dll", TimeProvider.System.GetUtcNow().UtcDateTime);
        }
    }

    /// <summary>Fails with the places looked at when a program is absent.</summary>
    public void Check()
    {
        foreach (var project in Projects)
        {
            if (!File.Exists(PathOf(project)))
            {
                throw new LocalWorldException($"cannot find {project}: {PathOf(project)} does not exist; build the solution or install all programs in one folder");
            }
        }
    }

    private string PathOf(string project) => _sourceRoot is null
        ? Path.Combine(Path.GetDirectoryName(_metricsctl)!, project)
        : Path.Combine(_sourceRoot, "artifacts", "bin", project, _configuration, project);
}
