namespace MetricsOperator.LocalCluster.Kubelet.Memory;

/// <summary>Where this process may try to make memory cgroups.</summary>
/// <param name="Version">1 or 2.</param>
/// <param name="Own">Directory of the cgroup this process is in.</param>
/// <param name="Mount">Directory where the hierarchy is mounted; <paramref name="Own"/> is this or below it.</param>
internal sealed record CgroupMounts(int Version, string Own, string Mount)
{
    /// <summary>Finds the memory hierarchy from <c>/proc/self/cgroup</c> and <c>/proc/self/mountinfo</c>: version 1 when it is mounted, else version 2, else null.</summary>
    public static CgroupMounts? Find() => Find(File.ReadAllLines("/proc/self/cgroup"), File.ReadAllLines("/proc/self/mountinfo"));

    internal static CgroupMounts? Find(IReadOnlyList<string> cgroups, IReadOnlyList<string> mountInfo)
    {
        foreach (var (version, type) in new[] { (1, "cgroup"), (2, "cgroup2") })
        {
            var path = OwnPath(cgroups, version);
            if (path is null)
            {
                continue;
            }

            foreach (var line in mountInfo)
            {
                // 36 35 98:0 ROOT MOUNTPOINT options [optional fields] - TYPE source super-options
                var halves = line.Split(" - ", 2);
                var left = halves[0].Split(' ');
                var right = halves.Length == 2 ? halves[1].Split(' ') : [];
                if (left.Length < 5 || right.Length < 3 || right[0] != type || (version == 1 && !right[2].Split(',').Contains("memory")))
                {
                    continue;
                }

                var root = left[3] == "/" ? string.Empty : left[3];
                var below = path.StartsWith(root, StringComparison.Ordinal) ? path[root.Length..] : path;
                return new CgroupMounts(version, Path.Join(left[4], below).TrimEnd('/'), left[4]);
            }
        }

        return null;
    }

    private static string? OwnPath(IReadOnlyList<string> cgroups, int version)
    {
        foreach (var line in cgroups)
        {
            var parts = line.Split(':', 3);
            if (parts.Length == 3 && (version == 1 ? parts[1].Split(',').Contains("memory") : parts[0] == "0" && parts[1].Length == 0))
            {
                return parts[2];
            }
        }

        return null;
    }
}
