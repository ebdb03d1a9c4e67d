using System.Collections.Concurrent;
using System.Diagnostics;

namespace MetricsOperator.LocalCluster.Kubelet.Processes;

/// <summary>
/// Starts container processes so that they end with the cluster. The kernel sends the parent-death signal when the starting THREAD ends, so one
/// thread lives as long as the spawner and does nothing else. Each process is a session of its own: a terminal's Ctrl-C does not reach it, and
/// what it leaves behind can be found by its session.
/// </summary>
internal sealed class ProcessSpawner : IDisposable
{
    /// <summary>Joins the cgroup named by the first argument (none when empty), then becomes the program: every byte it allocates is charged there.</summary>
    private const string JoinAndExec = "if [ -n \"$1\" ]; then echo $$ > \"$1\" || exit 125; fi; shift; exec \"$@\"";

    private readonly BlockingCollection<Action> _work = [];
    private readonly Thread _thread;
    private readonly string? _setsid = FindProgram("setsid");
    private readonly string? _setpriv = FindProgram("setpriv");

    public ProcessSpawner()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "container spawner" };
        _thread.Start();
    }

    /// <summary>Starts the process. Throws <see cref="System.ComponentModel.Win32Exception"/> when the shell itself cannot be started.</summary>
    public Task<ContainerProcess> StartAsync(LaunchPlan plan)
    {
        var started = new TaskCompletionSource<ContainerProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                started.SetResult(Start(plan));
            }
#pragma warning disable CA1031 // The exception belongs to the caller that awaits the task; this thread must live on.
            catch (Exception e)
#pragma warning restore CA1031
            {
                started.SetException(e);
            }
        });
        return started.Task;
    }

    /// <summary>Ends the thread; the kernel then ends every process that still runs.</summary>
    public void Dispose()
    {
        _work.CompleteAdding();
        _thread.Join();
        _work.Dispose();
    }

    /// <summary>Absolute path of a program on PATH, or null.</summary>
    internal static string? FindProgram(string name)
    {
        var path = Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        return path.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    private ContainerProcess Start(LaunchPlan plan)
    {
        List<string> command = [];
        if (_setsid is not null)
        {
            command.Add(_setsid);
        }

        if (_setpriv is not null)
        {
            command.AddRange([_setpriv, "--pdeathsig", "KILL", "--"]);
        }

        command.AddRange(["/bin/sh", "-c", JoinAndExec, "sh", plan.CgroupProcs ?? string.Empty, plan.Executable, .. plan.Arguments]);
        var info = new ProcessStartInfo(command[0])
        {
            WorkingDirectory = plan.WorkingDirectory,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in command.Skip(1))
        {
            info.ArgumentList.Add(argument);
        }

        info.Environment.Clear();
        foreach (var (name, value) in plan.Environment)
        {
            info.Environment[name] = value;
        }

        var process = new Process { StartInfo = info };
        process.Start();
        process.StandardInput.Close();
        return new ContainerProcess(process, ownsSession: _setsid is not null);
    }

    private void Run()
    {
        foreach (var action in _work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
