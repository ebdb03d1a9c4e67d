using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.LocalCluster.Kubelet.Memory;

/// <summary>How memory limits are enforced on this machine.</summary>
internal enum MemoryMode
{
    /// <summary>Limits are not enforced.</summary>
    Off,

    /// <summary>The kubelet reads the resident set four times a second and kills what is above its limit.</summary>
    ResidentSetPolling,

    /// <summary>The kernel enforces the limit through cgroup v1.</summary>
    CgroupV1,

    /// <summary>The kernel enforces the limit through cgroup v2.</summary>
    CgroupV2,
}

/// <summary>Decides once, by trying, how memory limits are enforced, and makes the cgroups of container runs.</summary>
internal sealed class MemoryEnforcement
{
    private readonly string? _root;
    private readonly TimeProvider _time;

    private MemoryEnforcement(MemoryMode mode, string? root, TimeProvider time)
    {
        Mode = mode;
        _root = root;
        _time = time;
    }

    public MemoryMode Mode { get; }

    /// <summary>The words for cluster.json and the start message.</summary>
    public string Description => Mode switch
    {
        MemoryMode.CgroupV1 => "cgroup v1",
        MemoryMode.CgroupV2 => "cgroup v2",
        MemoryMode.ResidentSetPolling => "rss polling",
        _ => "off",
    };

    /// <summary>
    /// Chooses: <c>auto</c> takes a cgroup where one can be made and polling elsewhere, <c>cgroup</c> insists on one, <c>rss</c> and <c>off</c> do what
    /// they say. Cgroups that an earlier run of the same name left behind are emptied and removed.
    /// </summary>
    /// <param name="wanted">auto, cgroup, rss or off.</param>
    /// <param name="name">Name of the cluster's own cgroup, unique per data directory.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Told why a cgroup cannot be used.</param>
    /// <param name="recordFile">Remembers the cluster's cgroup over runs: a later run may be started from another cgroup and must still find it.</param>
    public static async Task<MemoryEnforcement> ChooseAsync(string wanted, string name, TimeProvider time, ILogger logger, string recordFile)
    {
        if (CgroupMounts.Find() is { } present && File.Exists(recordFile))
        {
            var earlier = await File.ReadAllTextAsync(recordFile);
            if (Path.GetFileName(earlier) == name)
            {
                await ClearAsync(earlier, present.Version, time);
            }

            File.Delete(recordFile);
        }

        switch (wanted)
        {
            case "off":
                return new MemoryEnforcement(MemoryMode.Off, null, time);
            case "rss":
                return new MemoryEnforcement(MemoryMode.ResidentSetPolling, null, time);
            case "auto" or "cgroup":
                break;
            default:
                throw new ArgumentException($"cannot limit memory by \"{wanted}\": want auto, cgroup, rss or off", nameof(wanted));
        }

        var why = "no memory cgroup hierarchy is mounted";
        if (CgroupMounts.Find() is { } mounts)
        {
            foreach (var candidate in Candidates(mounts))
            {
                var own = Path.Join(candidate, name);
                try
                {
                    await ClearAsync(own, mounts.Version, time);
                    await ProveAsync(own, mounts.Version, time);
                    await File.WriteAllTextAsync(recordFile, own);
                    return new MemoryEnforcement(mounts.Version == 1 ? MemoryMode.CgroupV1 : MemoryMode.CgroupV2, own, time);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    why = e.Message;
                }
            }
        }

        if (wanted == "cgroup")
        {
            throw new InvalidOperationException($"cannot make a memory cgroup: {why}");
        }

        logger.LogWarning("Memory limits are enforced by polling the resident set, not by the kernel: cannot make a memory cgroup: {Reason}", why);
        return new MemoryEnforcement(MemoryMode.ResidentSetPolling, null, time);
    }

    /// <summary>Makes the cgroup of one container run, or null where cgroups are not used.</summary>
    public MemoryCgroup? Create(string name, long? limitBytes) => Mode switch
    {
        MemoryMode.CgroupV1 => new MemoryCgroup(Path.Join(_root, name), 1, limitBytes),
        MemoryMode.CgroupV2 => new MemoryCgroup(Path.Join(_root, name), 2, limitBytes),
        _ => null,
    };

    /// <summary>Removes the cluster's cgroup and everything below it.</summary>
    public Task RemoveAsync() => _root is null ? Task.CompletedTask : ClearAsync(_root, Mode == MemoryMode.CgroupV1 ? 1 : 2, _time);

    /// <summary>
    /// Version 1 allows a child of the own cgroup. Version 2 forbids controllers below a cgroup that has processes itself, so there the
    /// ancestors are tried as well, up to the mount point.
    /// </summary>
    private static IEnumerable<string> Candidates(CgroupMounts mounts)
    {
        yield return mounts.Own;
        if (mounts.Version == 1)
        {
            yield break;
        }

        for (var path = mounts.Own; path.Length > mounts.Mount.Length;)
        {
            path = Path.GetDirectoryName(path) ?? mounts.Mount;
            yield return path;
        }
    }

    /// <summary>Makes the root and a child with a limit, and lets a process join it; throws where any of that is refused.</summary>
    private static async Task ProveAsync(string root, int version, TimeProvider time)
    {
        Directory.CreateDirectory(root);
        if (version == 1)
        {
            var hierarchy = Path.Join(root, "memory.use_hierarchy");
            if (File.Exists(hierarchy) && (await File.ReadAllTextAsync(hierarchy)).Trim() == "0")
            {
                await File.WriteAllTextAsync(hierarchy, "1");
            }
        }
        else
        {
            // The parent must hand the controller down, then the root itself to the containers.
            await EnableMemoryAsync(Path.GetDirectoryName(root)!);
            await EnableMemoryAsync(root);
        }

        var trial = new MemoryCgroup(Path.Join(root, "trial"), version, 64 << 20);
        using (var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "echo $$ > \"$1\"", "sh", trial.ProcsFile]) { RedirectStandardError = true }))
        {
            await process!.WaitForExitAsync();
            if (process.ExitCode != 0)
            {
                await trial.RemoveAsync(time);
                Directory.Delete(root);
                throw new IOException($"a process cannot join {trial.ProcsFile}: {(await process.StandardError.ReadToEndAsync()).Trim()}");
            }
        }

        await trial.RemoveAsync(time);
    }

    private static async Task EnableMemoryAsync(string cgroup)
    {
        var control = Path.Join(cgroup, "cgroup.subtree_control");
        if (!(await File.ReadAllTextAsync(control)).Split([' ', '\n']).Contains("memory"))
        {
            await File.WriteAllTextAsync(control, "+memory");
        }
    }

    private static async Task ClearAsync(string root, int version, TimeProvider time)
    {
        if (!Directory.Exists(root))
        {
            return;
        }

        foreach (var child in Directory.GetDirectories(root))
        {
            await new MemoryCgroup(child, version, null).RemoveAsync(time);
        }

        await new MemoryCgroup(root, version, null).RemoveAsync(time);
    }
}
