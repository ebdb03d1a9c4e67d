using System.Diagnostics;
using System.Globalization;

namespace MetricsOperator.Cli.Local;

/// <summary>Starts and stops the embedded cluster as a process of its own, so that a detached world outlives the command.</summary>
internal static class ClusterProcess
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(45);

    /// <summary>Starts the cluster and waits until its API answers.</summary>
    /// <exception cref="LocalWorldException">It ended or did not come up; the message ends with its last log lines.</exception>
    public static async Task<ClusterInfo> StartAsync(Executables executables, string dataDirectory, IReadOnlyList<string> extraArguments, CancellationToken cancellation)
    {
        if (ClusterInfo.Read(dataDirectory) is { } running && running.IsRunning())
        {
            throw new LocalWorldException($"a local cluster already runs on {dataDirectory} (pid {running.Pid}); stop it with: metricsctl down --data {dataDirectory}");
        }

        Directory.CreateDirectory(Path.Combine(dataDirectory, "logs"));
        File.SetUnixFileMode(dataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Delete(Path.Combine(dataDirectory, "cluster.json"));
        var log = Path.Combine(dataDirectory, "logs", "cluster.log");
        using var process = Process.Start(StartInfo(executables, dataDirectory, extraArguments, log))!;
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < StartLimit)
        {
            cancellation.ThrowIfCancellationRequested();
            if (process.HasExited)
            {
                throw new LocalWorldException($"the local cluster ended with exit code {process.ExitCode} while starting:\n{Tail(log)}");
            }

            if (ClusterInfo.Read(dataDirectory) is { } info && File.Exists(Path.Combine(dataDirectory, "kubeconfig")))
            {
                return info;
            }

            await Task.Delay(50, cancellation).ConfigureAwait(false);
        }

        Signals.Terminate(process.Id);
        throw new LocalWorldException($"the local cluster did not come up within {StartLimit.TotalSeconds:0} s:\n{Tail(log)}");
    }

    /// <summary>Stops the cluster of a data directory with all its pods.</summary>
    /// <returns>False when none runs there.</returns>
    public static async Task<bool> StopAsync(string dataDirectory)
    {
        if (ClusterInfo.Read(dataDirectory) is not { } info || !info.IsRunning())
        {
            return false;
        }

        Signals.Terminate(info.Pid);
        var watch = Stopwatch.StartNew();
        while (info.IsRunning())
        {
            if (watch.Elapsed > StopLimit)
            {
                Signals.End(info.Pid);
                throw new LocalWorldException($"the local cluster (pid {info.Pid}) did not stop within {StopLimit.TotalSeconds:0} s and was killed; its pods end at the next start on {dataDirectory}");
            }

            await Task.Delay(50).ConfigureAwait(false);
        }

        return true;
    }

    private static ProcessStartInfo StartInfo(Executables executables, string dataDirectory, IReadOnlyList<string> extraArguments, string log)
    {
        // A session of its own: Ctrl-C at the terminal reaches metricsctl only, which then stops the cluster in order.
        var start = new ProcessStartInfo("/bin/sh");
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("log=$1; shift; exec setsid \"$@\" >>\"$log\" 2>&1 </dev/null");
        start.ArgumentList.Add("metricsctl-up");
        start.ArgumentList.Add(log);
        start.ArgumentList.Add(executables.LocalCluster);
        foreach (var argument in (string[])["--data", dataDirectory, .. Images(executables), .. extraArguments])
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }

    private static IEnumerable<string> Images(Executables executables)
    {
        yield return "--image";
        yield return "metricsoperator/server:0.1.0=" + executables.Server;
        yield return "--image";
        yield return "metricsoperator/operator:0.1.0=" + executables.Operator;
        yield return "--image";
        yield return "metricsoperator/metricsctl:0.1.0=" + executables.Metricsctl;
        if (NodeExporter.Find() is { } nodeExporter)
        {
            yield return "--image";
            yield return NodeExporter.Image + "=" + nodeExporter;
        }
    }

    private static string Tail(string path)
    {
        if (!File.Exists(path))
        {
            return "(no log)";
        }

        var lines = File.ReadAllLines(path);
        return string.Join('\n', lines.Skip(Math.Max(0, lines.Length - 20))) + string.Create(CultureInfo.InvariantCulture, $"\n(log: {path})");
    }
}
