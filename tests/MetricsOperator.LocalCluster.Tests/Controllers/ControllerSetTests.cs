using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;
using MetricsOperator.LocalCluster.Store;
using MetricsOperator.LocalCluster.Tests.Kubelet;
using MetricsOperator.TestKit;

namespace MetricsOperator.LocalCluster.Tests.Controllers;

public sealed class ControllerSetTests
{
    [Fact]
    public async Task Deployment_brings_its_pods_up_and_reports_available()
    {
        await using var node = await TestNode.StartAsync();
        node.Api.Create("apps/deployments", "default", Deployment("web", 2, "Recreate", "one"), "test");

        await Eventually.True(() => Get(node, "web").ConditionStatus("Available") == "True", "available");

        var deployment = Get(node, "web");
        Assert.Equal(2, deployment.LongAt("status", "readyReplicas"));
        Assert.Equal("1", deployment.StringAt("metadata", "annotations", "deployment.kubernetes.io/revision"));
        await Eventually.True(() => Reason(Get(node, "web"), "Progressing") == "NewReplicaSetAvailable", "progressed");
        var set = Assert.Single(node.Api.List("apps/replicasets", "default"));
        Assert.Equal(set.NameOf(), "web-" + set.StringAt("metadata", "labels", "pod-template-hash"));
        Assert.Null(deployment.LongAt("status", "unavailableReplicas"));
    }

    [Fact]
    public async Task Deployment_with_Recreate_never_runs_old_and_new_pods_together()
    {
        await using var node = await TestNode.StartAsync();
        var overlaps = 0;
        using var watch = node.Api.Watch("pods", (_, _) =>
        {
            var versions = node.Api.List("pods", "default").Select(p => p.StringAt("metadata", "labels", "pod-template-hash")).Distinct().Count();
            Interlocked.Add(ref overlaps, versions > 1 ? 1 : 0);
        });
        var deployment = node.Api.Create("apps/deployments", "default", Deployment("web", 1, "Recreate", "one"), "test");
        await Eventually.True(() => Get(node, "web").ConditionStatus("Available") == "True", "available");

        deployment = Get(node, "web");
        deployment["spec"]!["template"]!["spec"]!["containers"]![0]!["env"] = new JsonArray(new JsonObject { ["name"] = "V", ["value"] = "two" });
        node.Api.Update("apps/deployments", deployment, "test");

        await Eventually.True(() => Get(node, "web").LongAt("status", "updatedReplicas") == 1 && Get(node, "web").LongAt("status", "observedGeneration") == 2 && Get(node, "web").ConditionStatus("Available") == "True", "rolled");
        Assert.Equal("2", Get(node, "web").StringAt("metadata", "annotations", "deployment.kubernetes.io/revision"));
        Assert.Equal(0, overlaps);
        Assert.Equal(2, node.Api.List("apps/replicasets", "default").Count);
    }

    [Fact]
    public async Task Deployment_with_RollingUpdate_keeps_pods_available_while_it_rolls()
    {
        await using var node = await TestNode.StartAsync();
        node.Api.Create("apps/deployments", "default", Deployment("web", 2, "RollingUpdate", "one"), "test");
        await Eventually.True(() => Get(node, "web").LongAt("status", "availableReplicas") == 2, "available");
        var least = 2L;
        using var watch = node.Api.Watch("pods", (_, _) =>
        {
            var ready = node.Api.List("pods", "default").Count(p => p.ConditionStatus("Ready") == "True" && !p.IsBeingDeleted());
            least = Math.Min(least, ready);
        });

        var deployment = Get(node, "web");
        deployment["spec"]!["template"]!["spec"]!["containers"]![0]!["env"] = new JsonArray(new JsonObject { ["name"] = "V", ["value"] = "two" });
        node.Api.Update("apps/deployments", deployment, "test");

        await Eventually.True(() => Get(node, "web").LongAt("status", "updatedReplicas") == 2 && Get(node, "web").LongAt("status", "replicas") == 2 && Get(node, "web").LongAt("status", "availableReplicas") == 2, "rolled");
        Assert.True(least >= 2, $"only {least} pods were ready at some time");
    }

    [Fact]
    public async Task Deployment_deleted_takes_its_sets_and_pods_along()
    {
        await using var node = await TestNode.StartAsync();
        node.Api.Create("apps/deployments", "default", Deployment("web", 1, "Recreate", "one"), "test");
        await Eventually.True(() => Get(node, "web").ConditionStatus("Available") == "True", "available");

        node.Api.Delete("apps/deployments", "default", "web", new DeleteOptions { PropagationPolicy = "Foreground" });

        await Eventually.True(() => node.Api.List("pods", "default").Count == 0 && node.Api.List("apps/replicasets", "default").Count == 0, "dependents are gone");
        await Eventually.True(() => node.Api.Get("apps/deployments", "default", "web") is null, "the owner goes last");
    }

    [Fact]
    public async Task Dependents_of_a_deleted_owner_go_and_one_with_another_owner_stays()
    {
        await using var node = await TestNode.StartAsync();
        var gone = node.Api.Create("configmaps", "default", Map("owner"), "test");
        var stays = node.Api.Create("configmaps", "default", Map("other"), "test");
        node.Api.Create("configmaps", "default", Map("child", gone), "test");
        node.Api.Create("configmaps", "default", Map("shared", gone, stays), "test");

        node.Api.Delete("configmaps", "default", "owner");

        await Eventually.True(() => node.Api.Get("configmaps", "default", "child") is null, "the child is gone");
        await Eventually.True(() => node.Api.Get("configmaps", "default", "shared")!.ObjectsAt("metadata", "ownerReferences").Count() == 1, "one owner is left");
    }

    [Fact]
    public async Task Namespace_deleted_is_emptied_and_goes()
    {
        await using var node = await TestNode.StartAsync();
        node.Api.Create("namespaces", null, new JsonObject { ["metadata"] = new JsonObject { ["name"] = "team" } }, "test");
        node.Api.Create("configmaps", "team", Map("a"), "test");
        var deployment = Deployment("web", 1, "Recreate", "one");
        node.Api.Create("apps/deployments", "team", deployment, "test");
        await Eventually.True(() => node.Api.List("pods", "team").Any(p => p.ConditionStatus("Ready") == "True"), "a pod runs");

        node.Api.Delete("namespaces", null, "team");

        await Eventually.True(() => node.Api.Get("namespaces", null, "team") is null, "the namespace is gone");
        Assert.Empty(node.Api.List("pods", "team"));
    }

    [Fact]
    public async Task Claim_is_bound_grows_and_takes_its_directory_along_only_when_no_pod_uses_it()
    {
        await using var node = await TestNode.StartAsync();
        node.Api.Create("persistentvolumeclaims", "default", Claim("data"), "test");
        await Eventually.True(() => Claimed(node).StringAt("status", "phase") == "Bound", "bound");
        var folder = node.Api.Get("persistentvolumes", null, Claimed(node).StringAt("spec", "volumeName")!).StringAt("spec", "local", "path")!;
        Assert.True(Directory.Exists(folder));

        var claim = Claimed(node);
        claim["spec"]!["resources"]!["requests"]!["storage"] = "2Gi";
        node.Api.Update("persistentvolumeclaims", claim, "test");
        await Eventually.True(() => Claimed(node).StringAt("status", "capacity", "storage") == "2Gi", "grown");

        node.Run("user", "exec sleep 300", spec => spec["volumes"] = new JsonArray(new JsonObject { ["name"] = "d", ["persistentVolumeClaim"] = new JsonObject { ["claimName"] = "data" } }));
        await node.PodWhere("user", p => p.ConditionStatus("Ready") == "True", "a pod uses it");
        node.Api.Delete("persistentvolumeclaims", "default", "data");
        await Task.Delay(300);
        Assert.True(Directory.Exists(folder));

        node.Api.Delete("pods", "default", "user");
        await Eventually.True(() => node.Api.Get("persistentvolumeclaims", "default", "data") is null && !Directory.Exists(folder), "claim and directory are gone");
    }

    [Fact]
    public async Task Service_endpoints_follow_readiness_and_a_budget_counts_them()
    {
        await using var node = await TestNode.StartAsync();
        node.Api.Create("services", "default", Service("web", "app", "web", 80, 8080), "test");
        node.Api.Create("policy/poddisruptionbudgets", "default", new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = "web" },
            ["spec"] = new JsonObject { ["maxUnavailable"] = 1, ["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["app"] = "web" } } },
        }, "test");
        node.Api.Create("apps/deployments", "default", Deployment("web", 2, "Recreate", "one"), "test");

        await Eventually.True(() => Slice(node).ObjectsAt("endpoints").Count(e => e.BoolAt("conditions", "ready") == true) == 2, "two endpoints");
        Assert.Equal(8080, Slice(node).ObjectsAt("ports").Single().LongAt("port"));
        Assert.Equal(2, node.Api.Get("endpoints", "default", "web")!["subsets"]![0].ObjectsAt("addresses").Count());
        await Eventually.True(() => node.Api.Get("policy/poddisruptionbudgets", "default", "web").LongAt("status", "disruptionsAllowed") == 1, "one disruption allowed");
        Assert.Equal(2, node.Api.Get("policy/poddisruptionbudgets", "default", "web").LongAt("status", "expectedPods"));

        node.Api.Delete("services", "default", "web");
        await Eventually.True(() => !node.Api.List("discovery.k8s.io/endpointslices", "default").Any(s => s.StringAt("metadata", "labels", "kubernetes.io/service-name") == "web") && node.Api.Get("endpoints", "default", "web") is null, "endpoints are gone");
    }

    [Fact]
    public async Task StatefulSet_starts_ordinals_in_order_with_a_claim_each()
    {
        await using var node = await TestNode.StartAsync();
        var set = Deployment("db", 2, null, "one");
        set["kind"] = "StatefulSet";
        set["spec"]!["serviceName"] = "db";
        set["spec"]!["minReadySeconds"] = 2;
        set["spec"]!["volumeClaimTemplates"] = new JsonArray(Claim("data"));

        node.Api.Create("apps/statefulsets", "default", set, "test");

        await Eventually.True(() => node.Api.Get("apps/statefulsets", "default", "db").LongAt("status", "readyReplicas") == 2, "both ready");
        await Eventually.True(() => node.Api.Get("apps/statefulsets", "default", "db").LongAt("status", "availableReplicas") == 2, "both available, without any event");
        Assert.Equal(["db-0", "db-1"], node.Api.List("pods", "default").Select(p => p.NameOf()).Order());
        Assert.Equal(["data-db-0", "data-db-1"], node.Api.List("persistentvolumeclaims", "default").Select(p => p.NameOf()).Order());
    }

    internal static JsonObject Service(string name, string label, string value, int port, int target) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject { ["selector"] = new JsonObject { [label] = value }, ["ports"] = new JsonArray(new JsonObject { ["port"] = port, ["targetPort"] = target }) },
    };

    private static JsonObject Deployment(string name, int replicas, string? strategy, string version)
    {
        var spec = new JsonObject
        {
            ["replicas"] = replicas,
            ["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["app"] = name } },
            ["template"] = new JsonObject
            {
                ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["app"] = name } },
                ["spec"] = new JsonObject
                {
                    ["terminationGracePeriodSeconds"] = 0,
                    ["containers"] = new JsonArray(new JsonObject
                    {
                        ["name"] = "c",
                        ["image"] = "sh",
                        ["args"] = new JsonArray("-c", "exec sleep 300"),
                        ["env"] = new JsonArray(new JsonObject { ["name"] = "V", ["value"] = version }),
                    }),
                },
            },
        };
        if (strategy is not null)
        {
            spec["strategy"] = new JsonObject { ["type"] = strategy };
        }

        return new JsonObject { ["metadata"] = new JsonObject { ["name"] = name }, ["spec"] = spec };
    }

    private static JsonObject Get(TestNode node, string name) => node.Api.Get("apps/deployments", "default", name)!;

    private static JsonObject Claimed(TestNode node) => node.Api.Get("persistentvolumeclaims", "default", "data")!;

    private static JsonObject? Slice(TestNode node) =>
        node.Api.List("discovery.k8s.io/endpointslices", "default", "kubernetes.io/service-name=web").SingleOrDefault();

    private static string? Reason(JsonObject obj, string type) => obj.ObjectsAt("status", "conditions").FirstOrDefault(c => c.StringAt("type") == type).StringAt("reason");

    private static JsonObject Claim(string name) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject
        {
            ["accessModes"] = new JsonArray("ReadWriteOnce"),
            ["resources"] = new JsonObject { ["requests"] = new JsonObject { ["storage"] = "1Gi" } },
        },
    };

    private static JsonObject Map(string name, params JsonObject[] owners) => new()
    {
        ["metadata"] = new JsonObject
        {
            ["name"] = name,
            ["ownerReferences"] = new JsonArray([.. owners.Select(owner => (JsonNode)new JsonObject { ["apiVersion"] = "v1", ["kind"] = "ConfigMap", ["name"] = owner.NameOf(), ["uid"] = owner.UidOf() })]),
        },
    };
}
