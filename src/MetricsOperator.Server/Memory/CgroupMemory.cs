using System.Globalization;

namespace MetricsOperator.Server.Memory;

/// <summary>The memory control group of this process, version 1 or 2.</summary>
internal sealed class CgroupMemory
{
    /// <summary>Version 1 shows a group without limit as a number near this.</summary>
    private const long NoLimit = 1L << 60;

    private readonly string _usage;
    private readonly string _stat;
    private readonly string _cachePrefix;

    private CgroupMemory(long limitBytes, string usage, string stat, string cachePrefix)
    {
        LimitBytes = limitBytes;
        _usage = usage;
        _stat = stat;
        _cachePrefix = cachePrefix;
    }

    /// <summary>The limit, that of the groups around it included.</summary>
    public long LimitBytes { get; }

    /// <summary>Finds the group; null when there is none with a limit.</summary>
    /// <param name="procSelfCgroup">Content of <c>/proc/self/cgroup</c>.</param>
    /// <param name="root">Where the control groups are mounted.</param>
    public static CgroupMemory? Find(string procSelfCgroup, string root = "/sys/fs/cgroup")
    {
        foreach (var line in procSelfCgroup.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(':', 3) is not [var id, var controllers, var path])
            {
                continue;
            }

            if (id == "0" && controllers.Length == 0)
            {
                if (Open(root, path, "memory.max", "memory.current", string.Empty) is { } unified)
                {
                    return unified;
                }
            }
            else if (controllers.Split(',').Contains("memory", StringComparer.Ordinal)
                && Open(Path.Combine(root, "memory"), path, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_") is { } legacy)
            {
                return legacy;
            }
        }

        return null;
    }

    /// <summary>Bytes charged to the group but the page cache, which the kernel takes back before it kills.</summary>
    public long UnreclaimableBytes()
    {
        try
        {
            long cached = 0;
            foreach (var line in File.ReadLines(_stat))
            {
                foreach (var kind in new[] { "inactive_file ", "active_file " })
                {
                    if (line.StartsWith(_cachePrefix + kind, StringComparison.Ordinal))
                    {
                        cached += long.Parse(line.AsSpan(_cachePrefix.Length + kind.Length), NumberStyles.None, CultureInfo.InvariantCulture);
                    }
                }
            }

            return Math.Max(0, Number(_usage) - cached);
        }
        catch (IOException)
        {
            // The group was removed around the process: it has no limit any more.
            return 0;
        }
    }

    private static CgroupMemory? Open(string mount, string path, string limitFile, string usageFile, string cachePrefix)
    {
        // In a container the path is that of the host, and the group itself is mounted at the root.
        var own = Path.Combine(mount, path.TrimStart('/'));
        var directory = File.Exists(Path.Combine(own, limitFile)) ? own : mount;
        if (!File.Exists(Path.Combine(directory, limitFile)) || !File.Exists(Path.Combine(directory, usageFile)))
        {
            return null;
        }

        var limit = NoLimit;
        for (var group = directory; group.Length >= mount.Length && File.Exists(Path.Combine(group, limitFile)); group = Path.GetDirectoryName(group)!)
        {
            limit = Math.Min(limit, Number(Path.Combine(group, limitFile)));
        }

        return limit >= NoLimit
            ? null
            : new CgroupMemory(limit, Path.Combine(directory, usageFile), Path.Combine(directory, "memory.stat"), cachePrefix);
    }

    private static long Number(string file)
    {
        var text = File.ReadAllText(file).Trim();
        return text == "max" ? NoLimit : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : NoLimit;
    }
}
