using MetricsOperator.Server.Memory;
using MetricsOperator.TestKit;

namespace MetricsOperator.Server.Tests.Memory;

public sealed class MemoryBudgetTests
{
    private const long Mebibyte = 1024 * 1024;

    [Theory]
    [InlineData(64)]
    [InlineData(128)]
    [InlineData(160)]
    [InlineData(300)]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    public void Parts_are_the_whole_and_none_is_too_small(long mebibytes)
    {
        var budget = MemoryBudget.Split(mebibytes * Mebibyte);
        Assert.Equal(budget.TotalBytes, budget.RuntimeBytes + budget.HeapBytes + budget.HeadBytes + budget.BufferBytes + budget.ReserveBytes);
        Assert.True(budget.RuntimeBytes >= 24 * Mebibyte && budget.HeapBytes >= 16 * Mebibyte && budget.HeadBytes >= 12 * Mebibyte, budget.ToString());
    }

    [Fact]
    public void Most_of_a_large_budget_is_for_series() => Assert.True(MemoryBudget.Split(512 * Mebibyte).HeadBytes >= 295 * Mebibyte);

    [Fact]
    public void Pressure_is_that_of_the_scarcest_part()
    {
        var budget = MemoryBudget.Split(512 * Mebibyte);
        Assert.Equal(0.5, new MemoryReading(budget.HeadBytes / 2, 0, 0, 0, 0).Pressure(budget), 3);
        Assert.Equal(0.9, new MemoryReading(budget.HeadBytes / 2, budget.HeapBytes * 9 / 10, 0, 0, 0).Pressure(budget), 3);
        Assert.Equal(0.95, new MemoryReading(0, 0, budget.TotalBytes * 95 / 100, 0, 0).Pressure(budget), 3);
        Assert.Equal(0.97, new MemoryReading(0, 0, 0, 97, 100).Pressure(budget), 3);
    }

    [Fact]
    public void Level_rises_at_once_and_falls_only_well_below()
    {
        var levels = new PressureLevels();
        Assert.False(levels.Update(0.79));
        Assert.True(levels.Update(0.80));
        Assert.Equal(PressureLevel.Elevated, levels.Level);
        Assert.False(levels.Update(0.71));
        Assert.True(levels.Update(0.97));
        Assert.Equal(PressureLevel.Full, levels.Level);
        Assert.False(levels.Update(0.91));
        Assert.True(levels.Update(0.89));
        Assert.Equal(PressureLevel.Critical, levels.Level);
        Assert.True(levels.Update(0.1));
        Assert.Equal(PressureLevel.Calm, levels.Level);
    }

    [Fact]
    public void Group_of_version_2_counts_without_the_page_cache()
    {
        using var root = new TempDir();
        Write(root, "pods/one/memory.max", "536870912\n");
        Write(root, "pods/one/memory.current", "400000000\n");
        Write(root, "pods/one/memory.stat", "anon 100\nfile 250\ninactive_file 100000000\nactive_file 50000000\n");
        Write(root, "pods/memory.max", "max\n");
        var group = CgroupMemory.Find("0::/pods/one\n", root.Path);
        Assert.Equal(536870912, group?.LimitBytes);
        Assert.Equal(250_000_000, group?.UnreclaimableBytes());
    }

    [Fact]
    public void Group_of_version_1_in_a_container_is_mounted_at_the_root()
    {
        using var root = new TempDir();
        Write(root, "memory/memory.limit_in_bytes", "314572800\n");
        Write(root, "memory/memory.usage_in_bytes", "200000000\n");
        Write(root, "memory/memory.stat", "cache 1\ninactive_file 7\ntotal_inactive_file 50000000\ntotal_active_file 25000000\n");
        var group = CgroupMemory.Find("12:cpu,cpuacct:/kubepods/x\n8:memory:/kubepods/x\n", root.Path);
        Assert.Equal(314572800, group?.LimitBytes);
        Assert.Equal(125_000_000, group?.UnreclaimableBytes());
    }

    [Fact]
    public void Smallest_limit_on_the_way_up_counts()
    {
        using var root = new TempDir();
        Write(root, "a/b/memory.max", "max");
        Write(root, "a/b/memory.current", "1");
        Write(root, "a/memory.max", "1000");
        Assert.Equal(1000, CgroupMemory.Find("0::/a/b", root.Path)?.LimitBytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0::/none")]
    [InlineData("8:memory:/none")]
    public void No_limit_is_no_group(string own)
    {
        using var root = new TempDir();
        Write(root, "memory/memory.limit_in_bytes", "9223372036854771712");
        Write(root, "memory/memory.usage_in_bytes", "1");
        Assert.Null(CgroupMemory.Find(own, root.Path));
    }

    private static void Write(TempDir root, string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(root[path])!);
        File.WriteAllText(root[path], text);
    }
}
