using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Hosting;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Store;
using MetricsOperator.TestKit;

namespace MetricsOperator.LocalCluster.Tests.Kubelet;

public sealed class NodeAgentTests
{
    [Fact]
    public async Task Pod_that_runs_has_an_address_conditions_events_and_logs()
    {
        await using var node = await TestNode.StartAsync();
        node.Run("web", "echo hello from $POD_IP; exec sleep 300", container: c => c["env"] = new JsonArray(
            new JsonObject { ["name"] = "POD_IP", ["valueFrom"] = new JsonObject { ["fieldRef"] = new JsonObject { ["fieldPath"] = "status.podIP" } } }));

        var pod = await node.PodWhere("web", p => p.ConditionStatus("Ready") == "True", "the pod is ready");

        Assert.Equal("Running", pod.StringAt("status", "phase"));
        Assert.StartsWith("127.", pod.StringAt("status", "podIP"));
        Assert.Equal(["Initialized", "Ready", "ContainersReady", "PodScheduled"], pod.ObjectsAt("status", "conditions").Select(c => c.StringAt("type")));
        await Eventually.True(async () => await LogAsync(node, "web") == $"hello from {pod.StringAt("status", "podIP")}\n", "the line is in the log");
        var reasons = node.Api.List("events", "default").Select(e => e.StringAt("reason")).ToHashSet();
        Assert.Superset(new HashSet<string?> { "Scheduled", "Pulled", "Created", "Started" }, reasons);
        var started = node.Api.List("events", "default").Single(e => e.StringAt("reason") == "Started");
        Assert.Equal("spec.containers{c}", started.StringAt("involvedObject", "fieldPath"));
        Assert.Equal("kubelet", started.StringAt("source", "component"));
    }

    [Fact]
    public async Task Pod_deleted_gets_SIGTERM_and_then_its_object_goes()
    {
        await using var node = await TestNode.StartAsync();
        var file = Path.Join(node.Services.Options.DataDirectory, "said");
        node.Run("web", $"trap 'echo bye > {file}; exit 0' TERM; while :; do sleep 0.05; done");
        await node.PodWhere("web", p => p.ConditionStatus("Ready") == "True", "the pod is ready");
        await Task.Delay(200);

        node.Api.Delete("pods", "default", "web");

        Assert.NotNull(node.Pod("web").StringAt("metadata", "deletionTimestamp"));
        await Eventually.True(() => node.Pod("web") is null, "the object is gone");
        Assert.Equal("bye\n", File.ReadAllText(file));
        Assert.Contains(node.Api.List("events", "default"), e => e.StringAt("reason") == "Killing" && e.StringAt("message") == "Stopping container c");
    }

    [Fact]
    public async Task Container_that_crashes_goes_through_terminated_and_back_off_with_its_message()
    {
        await using var node = await TestNode.StartAsync(backoffScale: 0.2);
        var pod = node.Run("crash", "printf '{\"v\":1}' > /dev/termination-log; exit 78");

        await node.PodWhere("crash", p => p.LongAt("status", "containerStatuses") is null && node.Status("crash").StringAt("state", "waiting", "reason") == "CrashLoopBackOff", "back-off");

        var status = node.Status("crash");
        Assert.Equal($"back-off 10s restarting failed container=c pod=crash_default({pod.UidOf()})", status.StringAt("state", "waiting", "message"));
        Assert.Equal(1, status.LongAt("restartCount"));
        Assert.Equal(78, status.LongAt("lastState", "terminated", "exitCode"));
        Assert.Equal("Error", status.StringAt("lastState", "terminated", "reason"));
        Assert.Equal("{\"v\":1}", status.StringAt("lastState", "terminated", "message"));
        Assert.Equal(status.StringAt("containerID"), status.StringAt("lastState", "terminated", "containerID"));
        Assert.Matches("^containerd://[0-9a-f]{64}$", status.StringAt("containerID"));
        await node.PodWhere("crash", p => node.Status("crash").LongAt("restartCount") == 2, "the next restart");
    }

    [Fact]
    public async Task Container_killed_by_the_kernel_has_exactly_the_shape_of_the_recorded_one()
    {
        var shared = Peer.RequireShared();
        await using var node = await TestNode.StartAsync(backoffScale: 0.5);
        Assert.SkipWhen(!node.Services.MemoryLimitsInForce.StartsWith("cgroup", StringComparison.Ordinal), "this user may not create a memory cgroup here");
        node.Run("hog", "exec tail /dev/zero", container: c => c["resources"] = new JsonObject { ["limits"] = new JsonObject { ["memory"] = "32Mi" } });

        await node.PodWhere("hog", _ => node.Status("hog").StringAt("state", "waiting", "reason") == "CrashLoopBackOff", "back-off");

        AssertSameShape(Recorded(shared, "crashloop-pod.json"), node.Status("hog"), "containerStatuses[0]");
        var last = node.Status("hog").ObjectAt("lastState", "terminated");
        Assert.Equal(137, last.LongAt("exitCode"));
        Assert.Equal("OOMKilled", last.StringAt("reason"));
        var recordedPod = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Join(shared, "fixtures", "crashloop-pod.json")))!;
        AssertSameShape((JsonObject)recordedPod["status"]!, (JsonObject)node.Pod("hog")!["status"]!, "status");
    }

    [Fact]
    public async Task Container_with_an_unknown_image_waits_for_it()
    {
        await using var node = await TestNode.StartAsync();
        node.Run("web", "true", container: c => c["image"] = "nobody/has:this");

        await node.PodWhere("web", p => node.Status("web").StringAt("state", "waiting", "reason") is "ErrImagePull" or "ImagePullBackOff", "image error");

        Assert.Equal("Pending", node.Pod("web").StringAt("status", "phase"));
        await node.PodWhere("web", p => node.Status("web").StringAt("state", "waiting", "reason") == "ImagePullBackOff", "image back-off");
    }

    [Fact]
    public async Task Container_with_a_missing_secret_waits_and_starts_once_it_is_there()
    {
        await using var node = await TestNode.StartAsync(backoffScale: 1);
        node.Run("web", "echo $PASSWORD; exec sleep 300", container: c => c["env"] = new JsonArray(
            new JsonObject { ["name"] = "PASSWORD", ["valueFrom"] = new JsonObject { ["secretKeyRef"] = new JsonObject { ["name"] = "s", ["key"] = "k" } } }));
        await node.PodWhere("web", p => node.Status("web").StringAt("state", "waiting", "reason") == "CreateContainerConfigError", "config error");
        Assert.Equal("secret \"s\" not found", node.Status("web").StringAt("state", "waiting", "message"));

        node.Api.Create("secrets", "default", new JsonObject { ["metadata"] = new JsonObject { ["name"] = "s" }, ["stringData"] = new JsonObject { ["k"] = "pw" } }, "test");

        await node.PodWhere("web", p => p.ConditionStatus("Ready") == "True", "the pod is ready");
        await Eventually.True(async () => await LogAsync(node, "web") == "pw\n", "the secret is in the environment");
    }

    [Fact]
    public async Task ConfigMap_volume_follows_the_object_within_a_second_or_so()
    {
        await using var node = await TestNode.StartAsync();
        var map = node.Api.Create("configmaps", "default", new JsonObject { ["metadata"] = new JsonObject { ["name"] = "m" }, ["data"] = new JsonObject { ["f"] = "one" } }, "test");
        node.Run(
            "web",
            "while :; do cat /etc/conf/f; echo; sleep 0.1; done",
            spec => spec["volumes"] = new JsonArray(new JsonObject { ["name"] = "conf", ["configMap"] = new JsonObject { ["name"] = "m" } }),
            c => c["volumeMounts"] = new JsonArray(new JsonObject { ["name"] = "conf", ["mountPath"] = "/etc/conf" }));
        await Eventually.True(async () => (await LogAsync(node, "web")).Contains("one\n", StringComparison.Ordinal), "the first content");

        map["data"]!["f"] = "two";
        node.Api.Update("configmaps", map, "test");

        await Eventually.True(async () => (await LogAsync(node, "web")).Contains("two\n", StringComparison.Ordinal), "the second content", TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task Claim_keeps_its_directory_over_pods_and_the_service_account_folder_is_there()
    {
        await using var node = await TestNode.StartAsync();
        node.Api.Create("persistentvolumeclaims", "default", Claim("data", "1Gi"), "test");
        void Volumes(JsonObject spec) => spec["volumes"] = new JsonArray(new JsonObject { ["name"] = "d", ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = "data" } });
        void Mounts(JsonObject c) => c["volumeMounts"] = new JsonArray(new JsonObject { ["name"] = "d", ["mountPath"] = "/data", ["subPath"] = "sub" });
        node.Run("first", "echo kept > /data/x", spec => { Volumes(spec); spec["restartPolicy"] = "Never"; }, Mounts);
        await node.PodWhere("first", p => p.StringAt("status", "phase") == "Succeeded", "the first pod is done");

        node.Run("second", "cat /data/x; cat $KUBERNETES_SERVICE_ACCOUNT_DIR/token; echo; cat /var/run/secrets/kubernetes.io/serviceaccount/namespace", spec => { Volumes(spec); spec["restartPolicy"] = "Never"; }, Mounts);

        await node.PodWhere("second", p => p.StringAt("status", "phase") == "Succeeded", "the second pod is done");
        Assert.Equal("kept\ntoken-of-second\ndefault", (await LogAsync(node, "second")).TrimEnd('\n'));
        Assert.Equal("Bound", node.Api.Get("persistentvolumeclaims", "default", "data").StringAt("status", "phase"));
    }

    [Fact]
    public async Task Readiness_and_liveness_probes_decide_about_traffic_and_restarts()
    {
        await using var node = await TestNode.StartAsync();
        var gate = Path.Join(node.Services.Options.DataDirectory, "gate");
        node.Run("web", "exec sleep 300", container: c =>
        {
            c["readinessProbe"] = new JsonObject { ["periodSeconds"] = 1, ["exec"] = new JsonObject { ["command"] = new JsonArray("test", "-e", gate) } };
            c["livenessProbe"] = new JsonObject { ["periodSeconds"] = 1, ["failureThreshold"] = 1, ["exec"] = new JsonObject { ["command"] = new JsonArray("test", "!", "-e", gate + "-dead") } };
        });
        await node.PodWhere("web", p => node.Status("web").BoolAt("started") == true, "running");
        Assert.Equal("False", node.Pod("web")!.ConditionStatus("Ready"));

        await File.WriteAllTextAsync(gate, "");
        await node.PodWhere("web", p => p.ConditionStatus("Ready") == "True", "ready");

        await File.WriteAllTextAsync(gate + "-dead", "");
        await node.PodWhere("web", p => node.Status("web").LongAt("restartCount") >= 1, "restarted");
        Assert.Equal(143, node.Status("web").LongAt("lastState", "terminated", "exitCode"));
        Assert.Contains(node.Api.List("events", "default"), e => e.StringAt("reason") == "Unhealthy");
        Assert.Contains(node.Api.List("events", "default"), e => e.StringAt("message") == "Container c failed liveness probe, will be restarted");
    }

    [Fact]
    public async Task Pod_in_a_steady_state_is_not_written()
    {
        await using var node = await TestNode.StartAsync();
        node.Run("web", "exec sleep 300");
        var pod = await node.PodWhere("web", p => p.ConditionStatus("Ready") == "True", "ready");

        pod["metadata"]!["annotations"] = new JsonObject { ["touched"] = "now" };
        var written = node.Api.Update("pods", pod, "test").StringAt("metadata", "resourceVersion");
        await Task.Delay(500);

        Assert.Equal(written, node.Pod("web").StringAt("metadata", "resourceVersion"));
    }

    [Fact]
    public async Task Init_containers_run_in_order_before_the_others()
    {
        await using var node = await TestNode.StartAsync();
        var file = Path.Join(node.Services.Options.DataDirectory, "order");
        JsonObject Init(string name, string script) => new() { ["name"] = name, ["image"] = "sh", ["args"] = new JsonArray("-c", script) };

        node.Run("web", $"echo main >> {file}", spec =>
        {
            spec["restartPolicy"] = "OnFailure";
            spec["initContainers"] = new JsonArray(Init("one", $"sleep 0.2; echo one >> {file}"), Init("two", $"echo two >> {file}"));
        });

        await node.PodWhere("web", p => p.StringAt("status", "phase") == "Succeeded", "done");
        Assert.Equal(["one", "two", "main"], File.ReadAllLines(file));
    }

    [Fact]
    public async Task Node_that_starts_again_runs_its_pods_afresh_and_counts_on()
    {
        using var temp = new TempDir();
        var first = await TestNode.StartAsync(directory: temp.Path);
        first.Run("web", "exec sleep 300");
        var before = await first.PodWhere("web", p => p.ConditionStatus("Ready") == "True", "ready");
        await first.DisposeAsync();

        await using var second = await TestNode.StartAsync(directory: temp.Path);
        var after = await second.PodWhere("web", p => second.Status("web").LongAt("restartCount") == 1, "running again");

        Assert.Equal(before.StringAt("status", "podIP"), after.StringAt("status", "podIP"));
        Assert.Equal(255, second.Status("web").LongAt("lastState", "terminated", "exitCode"));
        Assert.Equal("Unknown", second.Status("web").StringAt("lastState", "terminated", "reason"));
    }

    [Fact]
    public async Task Log_of_the_previous_run_is_kept_and_asking_for_none_is_refused()
    {
        await using var node = await TestNode.StartAsync(backoffScale: 5);
        node.Run("crash", "echo run; exit 1");
        await node.PodWhere("crash", p => node.Status("crash").LongAt("restartCount") == 1 && node.Status("crash").StringAt("state", "waiting", "reason") is not null, "crashed twice");

        Assert.Equal("run\n", await LogAsync(node, "crash", previous: true));

        node.Run("once", "exec sleep 300");
        await node.PodWhere("once", p => p.ConditionStatus("Ready") == "True", "ready");
        var refused = await Assert.ThrowsAsync<ApiStatusException>(() => LogAsync(node, "once", previous: true));
        Assert.Equal((400, "previous terminated container \"c\" in pod \"once\" not found"), (refused.Code, refused.Message));
    }

    private static JsonObject Claim(string name, string size) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            ["accessModes"] = new JsonArray("ReadWriteOnce"),
            ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["storage"] = size } },
        },
    };

    private static async Task<string> LogAsync(TestNode node, string pod, bool previous = false)
    {
        using var output = new MemoryStream();
        await node.Services.PodLogs!(new PodLogRequest("default", pod, "c", false, previous, false, null, null, null, null), output, CancellationToken.None);
        return System.Text.Encoding.UTF8.GetString(output.ToArray());
    }

    private static JsonObject Recorded(string shared, string file) =>
        (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Join(shared, "fixtures", file)))!["status"]!["containerStatuses"]![0]!;

    /// <summary>The same member names at every level, and values of the same type; timestamps in the same form.</summary>
    private static void AssertSameShape(JsonNode? recorded, JsonNode? ours, string path)
    {
        switch (recorded)
        {
            case JsonObject map:
                var other = Assert.IsType<JsonObject>(ours);

                // The API leaves out members that are null.
                Assert.Equal(map.Where(m => m.Value is not null).Select(m => m.Key).Order(), other.Select(m => m.Key).Order());
                foreach (var (name, value) in map)
                {
                    AssertSameShape(value, other[name], $"{path}.{name}");
                }

                break;
            case JsonArray list:
                Assert.Equal(list.Count, Assert.IsType<JsonArray>(ours).Count);
                foreach (var (index, item) in list.Index())
                {
                    AssertSameShape(item, ours![index], $"{path}[{index}]");
                }

                break;
            case null:
                Assert.Null(ours);
                break;
            default:
                Assert.True(recorded.GetValueKind() == ours?.GetValueKind(), $"{path}: recorded {recorded.ToJsonString()}, ours {ours?.ToJsonString()}");
                if (DateTimeOffset.TryParseExact(recorded.AsString(), "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.None, out _))
                {
                    Assert.True(DateTimeOffset.TryParseExact(ours.AsString(), "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.None, out _), $"{path}: {ours?.ToJsonString()}");
                }

                break;
        }
    }
}
