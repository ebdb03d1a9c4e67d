using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.TestKit;

namespace MetricsOperator.KubeClient.Tests.Models;

/// <summary>Objects recorded from a real node: what is read has the right values, what is written has only names the API knows.</summary>
public sealed class RecordedObjectsTests
{
    [Fact]
    public void Crashlooping_pod_tells_how_its_container_died()
    {
        var pod = ResourceKinds.Pods.Deserialize(File.ReadAllBytes(Fixture("crashloop-pod.json")));

        Assert.Equal("hog", pod.Metadata.Name);
        Assert.Equal("d6e2a22c-6f99-4924-b95c-342b12bea677", pod.Metadata.Uid);
        Assert.Equal(new DateTimeOffset(2026, 11, 21, 20, 1, 20, TimeSpan.Zero), pod.Metadata.CreationTimestamp);
        Assert.Equal("10.244.0.10", pod.Status!.PodIP);
        Assert.Equal("Burstable", pod.Status.QosClass);
        var container = Assert.Single(pod.Status.ContainerStatuses!);
        Assert.Equal(5, container.RestartCount);
        Assert.Equal("CrashLoopBackOff", container.State!.Waiting!.Reason);
        var death = container.LastState!.Terminated!;
        Assert.Equal(137, death.ExitCode);
        Assert.Equal("OOMKilled", death.Reason);
        Assert.Equal("containerd://c9b053e6640efe453b56e069f1b5b0349287ef745c0b0229c33f16504f7b85b7", death.ContainerID);
        Assert.Equal(new DateTimeOffset(2026, 11, 21, 20, 2, 58, TimeSpan.Zero), death.FinishedAt);
        Assert.Equal(32 << 20, pod.Spec!.Containers![0].Resources!.Limits!["memory"].ToBytes());
        Assert.Contains(pod.Status.Conditions!, c => c is { Type: "Ready", Status: "False", Reason: "ContainersNotReady" });
    }

    [Fact]
    public void Node_tells_size_addresses_and_kubelet_port()
    {
        var node = ResourceKinds.Nodes.Deserialize(File.ReadAllBytes(Fixture("node.json")));

        Assert.Equal(24682416L << 10, node.Status!.Capacity!["memory"].ToBytes());
        Assert.Equal(10250, node.Status.DaemonEndpoints!.KubeletEndpoint!.Port);
        Assert.Contains(node.Status.Addresses!, a => a.Type == "InternalIP");
        Assert.Contains(node.Status.Conditions!, c => c is { Type: "Ready", Status: "True" });
    }

    [Fact]
    public void Pod_written_again_has_nothing_that_was_not_read()
    {
        foreach (var file in (string[])["crashloop-pod.json", "oomkilled-pod.json", "restarted-running-pod.json"])
        {
            CheckSubset(ResourceKinds.Pods, File.ReadAllText(Fixture(file)), ["$.metadata.managedFields", "$.spec.preemptionPolicy", "$.spec.serviceAccount"]);
        }
    }

    [Fact]
    public void Node_written_again_has_nothing_that_was_not_read()
        => CheckSubset(ResourceKinds.Nodes, File.ReadAllText(Fixture("node.json")), [
            "$.status.images", "$.status.nodeInfo.bootID", "$.status.nodeInfo.kubeProxyVersion", "$.status.nodeInfo.machineID", "$.status.nodeInfo.systemUUID",
        ]);

    [Fact]
    public void Recorded_watch_is_read_line_by_line()
    {
        var events = File.ReadLines(Fixture("hog-watch-events.json"))
            .Select(line => ObjectDecoder.ReadWatchLine(new System.Buffers.ReadOnlySequence<byte>(System.Text.Encoding.UTF8.GetBytes(line)), ResourceKinds.Pods))
            .ToList();

        Assert.Equal(19, events.Count);
        Assert.Equal(WatchEventType.Added, events[0].Type);
        Assert.All(events.Skip(1), e => Assert.Equal(WatchEventType.Modified, e.Type));
        Assert.Equal("829", events[^1].ResourceVersion);
        var deaths = events
            .SelectMany(e => e.Object!.Status!.ContainerStatuses!)
            .SelectMany(c => new[] { c.State?.Terminated?.ContainerID, c.LastState?.Terminated?.ContainerID })
            .OfType<string>()
            .Distinct();
        Assert.Equal(6, deaths.Count());
    }

    [Fact]
    public void Pod_list_is_read_without_losing_an_item()
    {
        var list = ObjectDecoder.ReadList(File.ReadAllBytes(Fixture("podlist.json")), ResourceKinds.Pods);
        Assert.Equal(5, list.Items.Count);
        Assert.Empty(list.Malformed);
        Assert.Null(list.Continue);
    }

    private static string Fixture(string name) => Path.Combine(Peer.RequireShared(), "fixtures", name);

    private static void CheckSubset<T>(ResourceKind<T> kind, string json, string[] known)
        where T : class, IKubernetesObject
    {
        var original = JsonNode.Parse(json)!;
        var written = JsonNode.Parse(kind.Serialize(kind.Deserialize(System.Text.Encoding.UTF8.GetBytes(json))))!;
        var lost = new SortedSet<string>(StringComparer.Ordinal);
        Compare("$", original, written, lost);
        Assert.Equal(known.Order(StringComparer.Ordinal), lost);
    }

    private static void Compare(string path, JsonNode original, JsonNode? written, SortedSet<string> lost)
    {
        switch (original)
        {
            case JsonObject before when written is JsonObject after:
                foreach (var (name, value) in after)
                {
                    Assert.True(before.ContainsKey(name), $"{path}.{name} is written but was not there");
                    _ = value;
                }

                foreach (var (name, value) in before)
                {
                    if (value is null)
                    {
                        continue;
                    }

                    if (after[name] is { } kept)
                    {
                        Compare(path + "." + name, value, kept, lost);
                    }
                    else
                    {
                        lost.Add(path + "." + name);
                    }
                }

                break;
            case JsonArray before when written is JsonArray after:
                Assert.Equal(before.Count, after.Count);
                for (var i = 0; i < before.Count; i++)
                {
                    Compare(path + "[]", before[i]!, after[i], lost);
                }

                break;
            default:
                // Sizes may be written in another canonical form.
                var same = original.ToJsonString() == written!.ToJsonString()
                    || ResourceQuantity.Parse(original.ToString()) == ResourceQuantity.Parse(string.Create(CultureInfo.InvariantCulture, $"{written}"));
                Assert.True(same, $"{path}: {original} became {written}");
                break;
        }
    }
}
