using MetricsOperator.LocalCluster.Kubelet.Memory;

namespace MetricsOperator.LocalCluster.Tests.Kubelet.Memory;

public sealed class CgroupMountsTests
{
    [Fact]
    public void Find_on_a_version_1_machine_gives_the_own_memory_cgroup()
    {
        var mounts = CgroupMounts.Find(
            ["4:memory:/a/b", "0::/"],
            ["30 24 0:26 / /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory", "31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw"]);

        Assert.Equal(new CgroupMounts(1, "/sys/fs/cgroup/memory/a/b", "/sys/fs/cgroup/memory"), mounts);
    }

    [Fact]
    public void Find_on_a_version_2_machine_leaves_out_the_part_above_the_mount()
    {
        var mounts = CgroupMounts.Find(["0::/docker/x/y"], ["30 24 0:26 /docker/x /sys/fs/cgroup rw,relatime - cgroup2 cgroup rw"]);

        Assert.Equal(new CgroupMounts(2, "/sys/fs/cgroup/y", "/sys/fs/cgroup"), mounts);
    }

    [Fact]
    public void Find_without_a_hierarchy_is_null() => Assert.Null(CgroupMounts.Find(["0::/"], ["1 0 8:1 / / rw - ext4 /dev/sda1 rw"]));
}
