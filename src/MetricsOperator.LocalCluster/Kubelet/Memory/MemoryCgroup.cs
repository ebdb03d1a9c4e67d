using System.Globalization;

namespace MetricsOperator.LocalCluster.Kubelet.Memory;

/// <summary>The cgroup of one container run: the kernel charges what the container's processes use to it and kills them at the limit.</summary>
internal sealed class MemoryCgroup
{
    private readonly string _path;
    private readonly int _version;

    /// <summary>Makes the cgroup. Throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> where the user may not.</summary>
    /// <param name="path">Directory to make in a cgroup file system.</param>
    /// <param name="version">1 or 2.</param>
    /// <param name="limitBytes">Memory limit, or null for none.</param>
    public MemoryCgroup(string path, int version, long? limitBytes)
    {
        _path = path;
        _version = version;
        Directory.CreateDirectory(path);
        if (limitBytes is not { } limit)
        {
            return;
        }

        var bytes = limit.ToString(CultureInfo.InvariantCulture);
        if (version == 1)
        {
            File.WriteAllText(Path.Join(path, "memory.limit_in_bytes"), bytes);
            WriteWhereThere("memory.memsw.limit_in_bytes", bytes);
        }
        else
        {
            File.WriteAllText(Path.Join(path, "memory.max"), bytes);
            WriteWhereThere("memory.swap.max", "0");

            // The whole container dies when one of its processes must, as under a kubelet since 1.28.
            WriteWhereThere("memory.oom.group", "1");
        }
    }

    /// <summary>A process that writes its id here belongs to the cgroup from then on.</summary>
    public string ProcsFile => Path.Join(_path, "cgroup.procs");

    /// <summary>How many processes of this cgroup the kernel killed for want of memory.</summary>
    public long OomKills()
    {
        var file = Path.Join(_path, _version == 1 ? "memory.oom_control" : "memory.events");
        if (!File.Exists(file))
        {
            // Somebody else removed the cgroup; nothing is known any more.
            return 0;
        }

        foreach (var line in File.ReadLines(file))
        {
            if (line.StartsWith("oom_kill ", StringComparison.Ordinal))
            {
                return long.Parse(line.AsSpan("oom_kill ".Length), CultureInfo.InvariantCulture);
            }
        }

        return 0;
    }

    /// <summary>Kills every process in the cgroup.</summary>
    public void KillAll()
    {
        var kill = Path.Join(_path, "cgroup.kill");
        if (File.Exists(kill))
        {
            File.WriteAllText(kill, "1");
            return;
        }

        if (!File.Exists(ProcsFile))
        {
            return;
        }

        foreach (var line in File.ReadAllLines(ProcsFile))
        {
            Processes.NativeSignals.Send(int.Parse(line, CultureInfo.InvariantCulture), Processes.NativeSignals.Kill);
        }
    }

    /// <summary>
    /// Kills what is left and removes the cgroup with those that the container made below it; waits up to two seconds for the last process to be
    /// gone. Returns false when a process holds it even then: it stays, and the next start of the cluster removes it.
    /// </summary>
    public async Task<bool> RemoveAsync(TimeProvider time)
    {
        for (var attempt = 0; Directory.Exists(_path); attempt++)
        {
            try
            {
                KillAll();
                foreach (var child in Directory.GetDirectories(_path))
                {
                    await new MemoryCgroup(child, _version, null).RemoveAsync(time);
                }

                Directory.Delete(_path);
            }
            catch (IOException)
            {
                if (attempt >= 100)
                {
                    return false;
                }

                // Busy until the kernel has taken the last process out.
                await Task.Delay(TimeSpan.FromMilliseconds(20), time);
            }
        }

        return true;
    }

    private void WriteWhereThere(string name, string value)
    {
        var file = Path.Join(_path, name);
        if (File.Exists(file))
        {
            File.WriteAllText(file, value);
        }
    }
}
