using System.Text.Json;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Incidents;
using MetricsOperator.Planning.Tests.Support;
using MetricsOperator.TestKit;

namespace MetricsOperator.Planning.Tests.Incidents;

/// <summary>The signature table, row by row. Rows that leave no trace in a pod status (12, 25, 26) are not this classifier's.</summary>
public sealed class DeathClassifierTests
{
    private const long Mi = 1L << 20;

    [Fact]
    public void Row_1_killed_by_the_kernel_while_serving() => Check(DeathClass.OutOfMemory, 137, "OOMKilled", TestStacks.Message());

    [Fact]
    public void Row_1_holds_without_last_words() => Check(DeathClass.OutOfMemory, 137, "OOMKilled", null);

    [Fact]
    public void Row_3_killed_by_the_kernel_during_replay_says_so() =>
        Assert.Contains("read its log", Check(DeathClass.OutOfMemory, 137, "OOMKilled", TestStacks.Message(phase: "replay")).Explanation);

    [Fact]
    public void Row_6_the_reason_is_about_another_process()
    {
        Check(DeathClass.Stopped, 0, "OOMKilled", TestStacks.Message());
        Check(DeathClass.Stopped, 143, "OOMKilled", TestStacks.Message());
        Check(DeathClass.BadConfig, 78, "OOMKilled", TestStacks.Message());
        Check(DeathClass.Stopped, 1, "OOMKilled", null);
    }

    [Fact]
    public void Row_7_the_runtime_gave_up_at_its_heap_limit()
    {
        Check(DeathClass.OutOfMemory, 79, "Error", TestStacks.Message(says: "OutOfMemory"));
        Check(DeathClass.OutOfMemory, 134, "Error", TestStacks.Message(heap: 150 * Mi));
        Check(DeathClass.OutOfMemory, 134, "Error", TestStacks.Message(rss: 20 * Mi, heap: 10 * Mi, says: "OutOfMemory"));
        Check(DeathClass.OutOfMemory, 134, "Error", "Unhandled exception. System.OutOfMemoryException: ...");
    }

    [Fact]
    public void Row_8_an_abort_with_memory_to_spare_is_a_bug()
    {
        Check(DeathClass.Bug, 134, "Error", TestStacks.Message(rss: 40 * Mi, heap: 20 * Mi));
        Check(DeathClass.Unknown, 134, "Error", null);
    }

    [Fact]
    public void Row_9_killed_by_the_liveness_probe() => Check(DeathClass.ProbeKill, 137, "Error", TestStacks.Message(rss: 80 * Mi));

    [Fact]
    public void Row_10_killed_by_the_startup_probe_during_replay()
    {
        Check(DeathClass.ReplayTooSlow, 137, "Error", TestStacks.Message(phase: "replay", rss: 80 * Mi));
        Check(DeathClass.ReplayTooSlow, 143, "Error", TestStacks.Message(phase: "replay", rss: 80 * Mi));
    }

    [Fact]
    public void A_container_that_the_runtime_found_gone_when_it_started_is_lost_with_the_node() =>
        Assert.Contains("restarted", Check(DeathClass.NodeLost, 255, "Unknown", null).Explanation);

    [Fact]
    public void Row_11_a_kill_near_the_limit_is_probably_memory_and_says_how_sure()
    {
        var death = Check(DeathClass.OutOfMemory, 137, "Error", TestStacks.Message(rss: 155 * Mi));
        Assert.True(death.Confidence < 0.8);
    }

    [Fact]
    public void Row_13_and_14_evicted_by_the_node()
    {
        Check(DeathClass.NodeMemoryPressure, 137, "Error", TestStacks.Message(), pod => pod with
        {
            Status = pod.Status! with { Phase = "Failed", Reason = "Evicted", Message = "The node was low on resource: memory." },
        });
        Check(DeathClass.NodeDiskPressure, 137, "Error", TestStacks.Message(), pod => pod with
        {
            Status = pod.Status! with { Phase = "Failed", Reason = "Evicted", Message = "The node was low on resource: ephemeral-storage." },
        });
    }

    [Fact]
    public void Row_15_taken_away_from_its_node()
    {
        foreach (var reason in new[] { "PreemptionByScheduler", "EvictionByEvictionAPI", "DeletionByTaintManager" })
        {
            Check(DeathClass.Disrupted, 137, "Error", TestStacks.Message(rss: 155 * Mi), pod => pod with
            {
                Status = pod.Status! with { Conditions = [new V1PodCondition { Type = "DisruptionTarget", Status = "True", Reason = reason }] },
            });
        }
    }

    [Fact]
    public void Row_16_a_full_disk()
    {
        Check(DeathClass.DiskFailure, 74, "Error", TestStacks.Message());
        Check(DeathClass.DiskFailure, 1, "Error", "write /data/wal/00000001: No space left on device");
    }

    [Fact]
    public void Row_17_a_refused_configuration()
    {
        Check(DeathClass.BadConfig, 78, "Error", TestStacks.Message(says: "ConfigRejected"));
        Check(DeathClass.BadConfig, 1, "Error", TestStacks.Message(says: "ConfigRejected"));
    }

    [Fact]
    public void Row_18_and_19_a_container_that_cannot_start_is_a_block_and_no_death()
    {
        CheckBlock(DeathClass.Image, "ImagePullBackOff");
        CheckBlock(DeathClass.Image, "InvalidImageName");
        CheckBlock(DeathClass.ContainerConfig, "CreateContainerConfigError");
        Assert.Empty(PodDeaths.BlocksOf([Waiting("ContainerCreating")]));
        Assert.Empty(PodDeaths.BlocksOf([Waiting("CrashLoopBackOff")]));
    }

    [Fact]
    public void Row_20_no_node_has_room()
    {
        var pod = Pod(null) with { Status = new V1PodStatus { Phase = "Pending", Conditions = [new V1PodCondition { Type = "PodScheduled", Status = "False", Reason = "Unschedulable", Message = "0/1 nodes" }] } };
        Assert.Equal(DeathClass.Unschedulable, Assert.Single(PodDeaths.BlocksOf([pod])).Class);
    }

    [Fact]
    public void Row_21_and_22_other_containers_are_named_and_not_blamed_on_the_server()
    {
        var ended = new V1ContainerStateTerminated { ExitCode = 137, Reason = "OOMKilled", ContainerID = "c" };
        var status = new V1ContainerStatus { Name = "proxy", State = new V1ContainerState { Terminated = ended } };
        Assert.Equal(DeathClass.Sidecar, DeathClassifier.Classify(Pod(null), status, ended, isInit: false, "server").Class);
        Assert.Equal(DeathClass.InitContainer, DeathClassifier.Classify(Pod(null), status, ended, isInit: true, "server").Class);
    }

    [Fact]
    public void Row_23_the_node_went_away() => Check(DeathClass.NodeLost, 137, "ContainerStatusUnknown", null);

    [Fact]
    public void Ordinary_ends_are_no_incidents()
    {
        Assert.False(Check(DeathClass.Stopped, 0, "Completed", TestStacks.Message(says: "Stopped")).IsIncident);
        Assert.False(Check(DeathClass.Stopped, 143, "Error", TestStacks.Message()).IsIncident);
        Assert.False(Check(DeathClass.Stopped, 137, "Error", null, pod => pod with { Metadata = pod.Metadata with { DeletionTimestamp = TestStacks.Now } }).IsIncident);
    }

    [Fact]
    public void Own_exit_codes_have_their_classes()
    {
        Check(DeathClass.Bug, 70, "Error", TestStacks.Message(says: "Bug"));
        Check(DeathClass.GuardRestart, 80, "Error", TestStacks.Message());
        Check(DeathClass.Unknown, 3, "Error", null);
        Check(DeathClass.Unknown, 137, "Error", null);
    }

    [Fact]
    public void Garbage_as_last_words_is_no_evidence()
    {
        foreach (var text in new[] { "", "{", "[]", "null", "{\"v\":2}", "{\"v\":1,\"rssBytes\":\"x\"}", "\0\0\0" })
        {
            Assert.Null(Check(DeathClass.OutOfMemory, 137, "OOMKilled", text).Message);
        }

        Assert.Empty(TerminationMessage.Parse("""{"v":1,"top":[1,["a"],["b",1.5],[2,3],null]}""")!.TopMetrics());
    }

    [Fact]
    public void Recorded_pods_of_a_real_node_are_kills_by_the_kernel_keyed_by_container_id()
    {
        var folder = Path.Combine(Peer.RequireShared(), "fixtures");
        var killed = Deaths(Path.Combine(folder, "oomkilled-pod.json"));
        Assert.Equal(2, killed.Count);
        Assert.All(killed, d => Assert.Equal(DeathClass.OutOfMemory, d.Class));
        Assert.Equal("containerd://474520cbeee63d098b11910d16556b1fc8f3f78aaab2cd6424b8e80308b62616", killed[0].Key);

        // The same death moves from state to lastState; its key stays.
        var looping = Deaths(Path.Combine(folder, "crashloop-pod.json"));
        var running = Deaths(Path.Combine(folder, "restarted-running-pod.json"));
        Assert.Equal(killed[1].Key, Assert.Single(looping).Key);
        Assert.Equal(killed[1].Key, Assert.Single(running).Key);
        Assert.Equal([5, 6], killed.Select(d => d.Life));
        Assert.Equal(6, looping[0].Life);
        Assert.Equal(6, running[0].Life);
    }

    private static List<Death> Deaths(string file)
    {
        var pod = JsonSerializer.Deserialize(File.ReadAllBytes(file), KubeJsonContext.Default.V1Pod)!;
        return PodDeaths.Of([pod], "hog");
    }

    private static void CheckBlock(DeathClass want, string reason)
    {
        Assert.Equal(want, Assert.Single(PodDeaths.BlocksOf([Waiting(reason)])).Class);
        Assert.Empty(PodDeaths.Of([Waiting(reason)], "server"));
    }

    private static V1Pod Waiting(string reason) => Pod(new V1ContainerStatus { Name = "server", State = new V1ContainerState { Waiting = new V1ContainerStateWaiting { Reason = reason } } });

    private static Death Check(DeathClass want, int exitCode, string reason, string? message, Func<V1Pod, V1Pod>? change = null)
    {
        var ended = new V1ContainerStateTerminated { ExitCode = exitCode, Reason = reason, Message = message, ContainerID = "containerd://1", FinishedAt = TestStacks.Now };
        var status = new V1ContainerStatus { Name = "server", RestartCount = 1, Started = true, State = new V1ContainerState { Running = new V1ContainerStateRunning() }, LastState = new V1ContainerState { Terminated = ended } };
        var pod = Pod(status);
        var death = Assert.Single(PodDeaths.Of([change is null ? pod : change(pod)], "server"));
        Assert.Equal(want, death.Class);
        return death;
    }

    private static V1Pod Pod(V1ContainerStatus? status) => new()
    {
        Metadata = new V1ObjectMeta { Name = "crime-0-abc", Namespace = "monitoring", Uid = "u1" },
        Status = new V1PodStatus { Phase = "Running", ContainerStatuses = status is null ? null : [status] },
    };
}
