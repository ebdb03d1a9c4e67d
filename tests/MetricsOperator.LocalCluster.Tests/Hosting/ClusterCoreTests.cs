using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Hosting;
using MetricsOperator.LocalCluster.Store;
using MetricsOperator.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.LocalCluster.Tests.Hosting;

public sealed class ClusterCoreTests : IDisposable
{
    private readonly TempDir _directory = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ClusterCore _core;

    public ClusterCoreTests() => _core = Open();

    [Fact]
    public void New_namespace_gets_its_service_account_and_certificate_authority()
    {
        _core.Api.Create("namespaces", null, Named("shop"), "test");

        Assert.NotNull(_core.Api.Get("serviceaccounts", "shop", "default"));
        Assert.Equal("CA", (string?)_core.Api.Get("configmaps", "shop", "kube-root-ca.crt")!["data"]!["ca.crt"]);
    }

    [Fact]
    public void Pod_gets_the_defaults_that_kubectl_shows()
    {
        var pod = _core.Api.Create("pods", "default", Pod("web"), "test");

        Assert.Equal("Always", (string?)pod["spec"]!["restartPolicy"]);
        Assert.Equal("default", (string?)pod["spec"]!["serviceAccountName"]);
        Assert.Equal(30, (int?)pod["spec"]!["terminationGracePeriodSeconds"]);
        var container = pod["spec"]!["containers"]![0]!;
        Assert.Equal("/dev/termination-log", (string?)container["terminationMessagePath"]);
        Assert.Equal("IfNotPresent", (string?)container["imagePullPolicy"]);
        Assert.Equal("TCP", (string?)container["ports"]![0]!["protocol"]);
        Assert.Equal("Pending", (string?)pod["status"]!["phase"]);
        Assert.Equal("BestEffort", (string?)pod["status"]!["qosClass"]);
    }

    [Fact]
    public void Services_get_different_loopback_addresses()
    {
        string Create(string name) => (string)_core.Api.Create("services", "default", Service(name), "test")["spec"]!["clusterIP"]!;

        var first = Create("a");
        var second = Create("b");

        Assert.StartsWith("127.96.", first, StringComparison.Ordinal);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public void Update_with_an_old_resource_version_is_a_conflict()
    {
        var created = _core.Api.Create("configmaps", "default", ConfigMap("a", "1"), "test");
        var second = created.DeepClone().AsObject();
        second["data"]!["k"] = "2";
        _core.Api.Update("configmaps", second, "test");
        created["data"]!["k"] = "3";

        var error = Assert.Throws<ApiStatusException>(() => _core.Api.Update("configmaps", created, "test"));

        Assert.True(error.IsConflict);
        Assert.Contains("the object has been modified", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Update_that_changes_nothing_keeps_the_resource_version()
    {
        var created = _core.Api.Create("configmaps", "default", ConfigMap("a", "1"), "test");
        _time.Advance(TimeSpan.FromMinutes(1));

        var again = _core.Api.Update("configmaps", ConfigMap("a", "1"), "test");

        Assert.Equal((string?)created["metadata"]!["resourceVersion"], (string?)again["metadata"]!["resourceVersion"]);
    }

    [Fact]
    public void Generation_counts_changes_of_the_spec_only()
    {
        _core.Api.Create("apps/deployments", "default", Deployment("web"), "test");
        var scaled = Deployment("web");
        scaled["spec"]!["replicas"] = 3;

        Assert.Equal(2, (int?)_core.Api.Update("apps/deployments", scaled, "test")["metadata"]!["generation"]);

        scaled["status"] = new JsonObject { ["observedGeneration"] = 2, ["replicas"] = 3 };
        var reported = _core.Api.UpdateStatus("apps/deployments", scaled, "test");
        Assert.Equal(2, (int?)reported["metadata"]!["generation"]);
        Assert.Equal(3, (int?)reported["status"]!["replicas"]);
    }

    [Fact]
    public void Bound_pod_stays_until_it_is_deleted_without_grace()
    {
        var pod = Pod("web");
        pod["spec"]!["nodeName"] = "local";
        _core.Api.Create("pods", "default", pod, "test");

        _core.Api.Delete("pods", "default", "web");
        Assert.Equal(30, (int?)_core.Api.Get("pods", "default", "web")!["metadata"]!["deletionGracePeriodSeconds"]);

        _core.Api.Delete("pods", "default", "web", new DeleteOptions { GracePeriodSeconds = 0 });
        Assert.Null(_core.Api.Get("pods", "default", "web"));
    }

    [Fact]
    public void Object_with_a_finalizer_goes_when_the_finalizer_goes()
    {
        var map = ConfigMap("a", "1");
        map["metadata"]!["finalizers"] = new JsonArray("example.com/hold");
        _core.Api.Create("configmaps", "default", map, "test");

        _core.Api.Delete("configmaps", "default", "a");
        var held = _core.Api.Get("configmaps", "default", "a")!;
        Assert.NotNull(held["metadata"]!["deletionTimestamp"]);

        held["metadata"]!["finalizers"] = new JsonArray();
        _core.Api.Update("configmaps", held, "test");
        Assert.Null(_core.Api.Get("configmaps", "default", "a"));
    }

    [Fact]
    public void Invalid_object_names_the_exact_fields()
    {
        var deployment = Deployment("web");
        deployment["spec"]!["template"]!["spec"]!["containers"]![0]!["image"] = null;
        deployment["spec"]!["template"]!["metadata"]!["labels"] = new JsonObject { ["app"] = "other" };

        var error = Assert.Throws<ApiStatusException>(() => _core.Api.Create("apps/deployments", "default", deployment, "test"));

        Assert.Equal(422, error.Code);
        Assert.StartsWith("Deployment.apps \"web\" is invalid: [", error.Message, StringComparison.Ordinal);
        Assert.Contains("spec.template.spec.containers[0].image: Required value", error.Message, StringComparison.Ordinal);
        Assert.Contains("spec.template.metadata.labels: Invalid value: {\"app\":\"other\"}: `selector` does not match template `labels`", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watch_delivers_existing_objects_and_then_changes_in_order()
    {
        _core.Api.Create("configmaps", "default", ConfigMap("a", "1"), "test");
        var seen = new List<string>();
        using var watch = _core.Api.Watch("configmaps", (type, obj) =>
        {
            lock (seen)
            {
                seen.Add($"{type} {obj["metadata"]!["name"]} {obj["data"]?["k"]}");
            }
        });
        _core.Api.Update("configmaps", ConfigMap("a", "2"), "test");
        _core.Api.Delete("configmaps", "default", "a");

        await Eventually.True(() => { lock (seen) { return seen.Count(s => s.Contains(" a ", StringComparison.Ordinal)) == 3; } }, "three events");
        Assert.Equal(["Added a 1", "Modified a 2", "Deleted a 2"], seen.Where(s => s.Contains(" a ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Objects_and_the_revision_survive_a_kill()
    {
        _core.Api.Create("configmaps", "default", ConfigMap("kept", "1"), "test");
        var last = _core.Api.Create("configmaps", "default", ConfigMap("gone", "1"), "test");
        _core.Api.Delete("configmaps", "default", "gone");

        // No clean stop: a second process opens what the first one wrote.
        using var copy = new TempDir();
        using var reopened = ClusterCore.Open(copy.CopyFrom(_directory.Path, "copy"), null, "CA", _time, NullLoggerFactory.Instance);

        Assert.NotNull(reopened.Api.Get("configmaps", "default", "kept"));
        Assert.Null(reopened.Api.Get("configmaps", "default", "gone"));
        var next = reopened.Api.Create("configmaps", "default", ConfigMap("next", "1"), "test");
        Assert.True(Version(next) > Version(last) + 1, "revisions go on after the deletion");
    }

    [Fact]
    public void Torn_last_record_is_cut_off()
    {
        _core.Api.Create("configmaps", "default", ConfigMap("kept", "1"), "test");
        _core.Api.Create("configmaps", "default", ConfigMap("torn", "1"), "test");
        using var copy = new TempDir();
        var path = copy.CopyFrom(_directory.Path, "copy");
        var journal = Path.Combine(path, "objects.journal");
        using (var file = new FileStream(journal, FileMode.Open))
        {
            file.SetLength(file.Length - 3);
        }

        using var reopened = ClusterCore.Open(path, null, "CA", _time, NullLoggerFactory.Instance);

        Assert.NotNull(reopened.Api.Get("configmaps", "default", "kept"));
        Assert.Null(reopened.Api.Get("configmaps", "default", "torn"));
    }

    public void Dispose()
    {
        _core.Dispose();
        _directory.Dispose();
    }

    private ClusterCore Open() => ClusterCore.Open(_directory.Path, null, "CA", _time, NullLoggerFactory.Instance);

    private static long Version(JsonObject obj) => long.Parse((string)obj["metadata"]!["resourceVersion"]!);

    private static JsonObject Named(string name) => new() { ["metadata"] = new JsonObject { ["name"] = name } };

    private static JsonObject With(JsonObject obj, string ns)
    {
        obj["metadata"]!["namespace"] = ns;
        return obj;
    }

    private static JsonObject ConfigMap(string name, string value)
    {
        var map = With(Named(name), "default");
        map["data"] = new JsonObject { ["k"] = value };
        return map;
    }

    private static JsonObject Pod(string name)
    {
        var pod = Named(name);
        pod["spec"] = PodSpec();
        return pod;
    }

    private static JsonObject PodSpec() => new()
    {
        ["containers"] = new JsonArray(new JsonObject { ["name"] = "app", ["image"] = "example/app:1", ["ports"] = new JsonArray(new JsonObject { ["containerPort"] = 80 }) }),
    };

    private static JsonObject Service(string name)
    {
        var service = Named(name);
        service["spec"] = new JsonObject { ["ports"] = new JsonArray(new JsonObject { ["port"] = 80 }) };
        return service;
    }

    private static JsonObject Deployment(string name)
    {
        var deployment = With(Named(name), "default");
        deployment["spec"] = new JsonObject
        {
            ["selector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["app"] = name } },
            ["template"] = new JsonObject { ["metadata"] = new JsonObject { ["labels"] = new JsonObject { ["app"] = name } }, ["spec"] = PodSpec() },
        };
        return deployment;
    }
}
