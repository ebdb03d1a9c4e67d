using MetricsOperator.Timeseries.Labels;
using MetricsOperator.Tsdb.Files;
using MetricsOperator.Tsdb.Head;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Tsdb.Tests.Head;

/// <summary>The head's memory is counted exactly, stays small, and goes back to the kernel.</summary>
public sealed class HeadMemoryTests : IDisposable
{
    private const long Minute = 60_000;

    private readonly string _directory = Directory.CreateTempSubdirectory("head").FullName;

    /// <summary>The gate: what 300,000 series of a cluster cost, an hour of samples at 15 s included.</summary>
    [Fact]
    public void Series_with_ten_labels_cost_at_most_500_bytes()
    {
        const int Count = 300_000;
        using var head = CreateHead();
        var random = new Random(7);
        for (var i = 0; i < Count; i++)
        {
            ref var series = ref head.Store[head.Store.Create(LabelsOf(i), 0)];
            double value = random.Next(1000);
            for (var sample = 0; sample < 30; sample++)
            {
                value += random.Next(100);
                head.Samples.Append(ref series, sample * 15_000L, value);
            }
        }

        var bytes = head.Store.Memory.Bytes;
        Assert.True(bytes <= 500L * Count, $"{(double)bytes / Count:0} bytes a series: {Table(head.Store.Memory)}");
        AssertExact(head.Store.Memory);
    }

    [Fact]
    public void Uses_add_up_to_the_whole_and_all_of_it_comes_back()
    {
        using var head = CreateHead();
        var memory = head.Store.Memory;
        var empty = memory.Bytes;
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0; i < 20_000; i++)
            {
                ref var series = ref head.Store[head.Store.Create(LabelsOf((round * 20_000) + i), 0)];
                for (var sample = 0; sample < 260; sample++)
                {
                    head.Samples.Append(ref series, (round * 70 * Minute) + (sample * 15_000L), sample * i);
                }
            }

            AssertExact(memory);
            Assert.True(memory.BytesOf(HeadMemoryUse.Chunks) > 0 && memory.BytesOf(HeadMemoryUse.Descriptors) > 0);
            for (var number = 0; number < head.Store.Count; number++)
            {
                head.Samples.DropBefore(ref head.Store[number], long.MaxValue);
            }

            Assert.Equal(20_000, head.Store.RemoveAll(_ => true).Count);
            AssertExact(memory);
            foreach (var use in new[] { HeadMemoryUse.Series, HeadMemoryUse.Labels, HeadMemoryUse.Chunks, HeadMemoryUse.Descriptors, HeadMemoryUse.Postings })
            {
                Assert.Equal(0, memory.BytesOf(use));
            }
        }

        // One slab of each size is kept, so that a lone slot coming and going costs nothing.
        Assert.True(memory.Bytes <= empty + (2 * 1024 * 1024), $"{memory.Bytes - empty} bytes were kept");
    }

    [Fact]
    public void Text_longer_than_any_slot_is_counted_and_given_back()
    {
        using var head = CreateHead();
        var before = head.Store.Memory.BytesOf(HeadMemoryUse.Symbols);
        head.Store.Create(new LabelSetBuilder().Set("__name__", "m").Set("long", new string('x', 100_000)).Build(), 0);
        Assert.InRange(head.Store.Memory.BytesOf(HeadMemoryUse.Symbols) - before, 100_000, 100_000 + (2 * HeadMemory.SlabBytes));
        Assert.Equal(new string('x', 100_000), head.Store.LabelSetAt(head.Store[0].Labels).Get("long"));
        head.Store.RemoveAll(_ => true);
        Assert.True(head.Store.Memory.BytesOf(HeadMemoryUse.Symbols) <= before + (2 * HeadMemory.SlabBytes));
        AssertExact(head.Store.Memory);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static void AssertExact(HeadMemory memory) => Assert.Equal(memory.Bytes, Enum.GetValues<HeadMemoryUse>().Sum(memory.BytesOf));

    private static string Table(HeadMemory memory) => string.Join(", ", Enum.GetValues<HeadMemoryUse>().Select(u => $"{u} {memory.BytesOf(u)}"));

    /// <summary>Ten labels as pods of a cluster have them: most are shared, the pod's own ones by a hundred series.</summary>
    private static LabelSet LabelsOf(int i) => new LabelSetBuilder()
        .Set("__name__", $"container_metric_{i % 100}_total")
        .Set("cluster", "production")
        .Set("container", $"app-{i / 100 % 40}")
        .Set("id", $"/kubepods/burstable/pod{i / 100:x32}")
        .Set("instance", $"10.{i / 65_536}.{i / 256 % 256}.{i % 4}:8080")
        .Set("job", $"job-{i / 100 % 30}")
        .Set("namespace", $"team-{i / 100 % 25}")
        .Set("node", $"node-{i / 3000}")
        .Set("pod", $"app-{i / 100 % 40}-{i / 100:x8}")
        .Set("uid", $"{i / 100:x32}")
        .Build();

    private MemoryHead CreateHead() => new(new HeadChunkFiles(DiskFiles.Instance, _directory, NullLogger.Instance), 120 * Minute);
}
