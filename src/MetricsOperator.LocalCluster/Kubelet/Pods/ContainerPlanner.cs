using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet.Processes;
using MetricsOperator.LocalCluster.Kubelet.Volumes;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>A container that is ready to start.</summary>
/// <param name="Launch">The process to start (without its cgroup).</param>
/// <param name="Paths">Translation of container paths, for exec probes.</param>
/// <param name="TerminationFile">Real path of the termination message.</param>
internal sealed record ContainerPlan(LaunchPlan Launch, PathMap Paths, string TerminationFile);

/// <summary>Turns a container's specification into a process: program, arguments, environment, paths.</summary>
internal sealed class ContainerPlanner(EnvironmentResolver environment, ImageMap images)
{
    /// <summary>
    /// Plans one run. Throws <see cref="ContainerConfigException"/> when something named is missing.
    /// </summary>
    /// <param name="pod">The pod.</param>
    /// <param name="container">The container; its image is known.</param>
    /// <param name="volumes">The pod's volumes, made.</param>
    /// <param name="run">How often the container was started before; part of the termination file's name.</param>
    public ContainerPlan Plan(PodContext pod, JsonObject container, PodVolumes volumes, int run)
    {
        var name = container.StringAt("name") ?? string.Empty;
        var image = container.StringAt("image") ?? string.Empty;
        var executable = images.Find(image) ?? throw new ContainerConfigException("ErrImagePull", $"no executable stands for image \"{image}\"");
        var folder = pod.ContainerFolder(name);
        Directory.CreateDirectory(folder);
        var terminationFile = Path.Join(folder, FormattableString.Invariant($"termination-log-{run}"));
        File.WriteAllBytes(terminationFile, []);

        var variables = environment.Resolve(pod, container);
        var paths = volumes.Map(pod, container, variables, terminationFile);
        var words = container.StringsAt("command").Select(word => VariableExpansion.Expand(word, variables)).Select(paths.Rewrite).ToList();
        var arguments = container.StringsAt("args").Select(word => VariableExpansion.Expand(word, variables)).Select(paths.Rewrite);
        var (program, before) = Program(executable, words);
        foreach (var variable in variables.Keys.ToList())
        {
            variables[variable] = variable is "PATH" or "HOME" ? variables[variable] : paths.Rewrite(variables[variable]);
        }

        if (volumes.ServiceAccountFolder is not null)
        {
            variables["KUBERNETES_SERVICE_ACCOUNT_DIR"] = paths.Rewrite(PodVolumes.ServiceAccountPath);
        }

        var workingDirectory = container.StringAt("workingDir") is { Length: > 0 } wanted ? paths.Rewrite(wanted) : folder;
        var launch = new LaunchPlan
        {
            Executable = program,
            Arguments = [.. before, .. arguments],
            Environment = variables,
            WorkingDirectory = Directory.Exists(workingDirectory) ? workingDirectory : folder,
        };
        return new ContainerPlan(launch, paths, terminationFile);
    }

    /// <summary>
    /// The program and the words before the arguments. Without a command the image's executable is the program. A command that names the same
    /// program by another path (as it lies in the real image) means the image's executable; any other command is looked for on this machine.
    /// </summary>
    internal static (string Program, IReadOnlyList<string> Before) Program(string executable, IReadOnlyList<string> command)
    {
        if (command.Count > 0 && Path.GetFileName(command[0]) != Path.GetFileName(executable))
        {
            var program = command[0].Contains('/', StringComparison.Ordinal) ? command[0] : ProcessSpawner.FindProgram(command[0]) ?? command[0];
            return (program, [.. command.Skip(1)]);
        }

        IReadOnlyList<string> rest = [.. command.Skip(1)];
        return executable.EndsWith(".dll", StringComparison.Ordinal)
            ? (ProcessSpawner.FindProgram("dotnet") ?? "dotnet", [executable, .. rest])
            : (executable, rest);
    }
}
