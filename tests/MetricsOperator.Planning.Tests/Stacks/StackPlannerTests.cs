using System.Text;
using MetricsOperator.Api.Schema;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.Planning.Stacks;
using MetricsOperator.Planning.Tests.Support;
using MetricsOperator.Planning.Tuning;
using MetricsOperator.TestKit;

namespace MetricsOperator.Planning.Tests.Stacks;

public sealed class StackPlannerTests
{
    private const string FullSpec = """
        {"replicas":2,"memory":{"budget":"2Gi","request":"1Gi"},"externalLabels":{"cluster":"prod"},
         "storage":{"size":"50Gi","storageClassName":"fast","claimRetention":{"whenDeleted":"Delete"},"retention":{"time":"30d","size":"40Gi"}},
         "ingress":{"host":"m.example.org","path":"/main","className":"nginx","tlsSecretName":"cert","annotations":{"a":"b"}},
         "service":{"type":"LoadBalancer","annotations":{"c":"d"}},
         "podTemplate":{"metadata":{"annotations":{"x":"y"}},"spec":{"nodeSelector":{"disk":"ssd"},"priorityClassName":"high","topologySpreadConstraints":null,
          "containers":[{"name":"server","env":[{"name":"EXTRA","value":"1"}]},{"name":"proxy","image":"proxy:1"}]}},
         "scrape":{"jobs":[
          {"name":"pods","kubernetes":{"role":"pod","namespaces":{"names":["shop","monitoring"]}}},
          {"name":"nodes","kubernetes":{"role":"node"}},
          {"name":"api","kubernetes":{"role":"apiserver"}}]}}
        """;

    [Fact]
    public void Smallest_stack() => Check("smallest", TestStacks.Snapshot("""{"memory":{"budget":"256Mi"}}""", "small"));

    [Fact]
    public void Full_stack() => Check("full", TestStacks.Snapshot(FullSpec, "main"));

    [Fact]
    public void Ephemeral_stack_in_all_namespaces_with_credentials() => Check("ephemeral", TestStacks.Snapshot(
        """{"memory":{"budget":"256Mi"},"storage":{"volume":"EmptyDir","size":"1Gi"},"image":"me/server:2","scrape":{"jobs":[{"name":"all","kubernetes":{"role":"endpointslice","namespaces":{"any":true}}}]}}""", "temp") with
    {
        Credentials = new Dictionary<string, byte[]> { ["job.all.credentials"] = Encoding.UTF8.GetBytes("secret") },
        Settings = new PlanningSettings("metricsoperator/server:0.1.0", ListenOnPodIp: true),
    });

    [Fact]
    public void Tightening_changes_the_configuration_and_no_pod_template()
    {
        var snapshot = TestStacks.Snapshot(TestStacks.CrimeSpec, "crime", TestStacks.KeepList("essentials", "crime_up"));
        var before = StackPlanner.Plan(snapshot);
        var after = StackPlanner.Plan(snapshot with
        {
            Ledger = new TuningLedger { Steps = [new("RaiseInterval", "", "", "", TestStacks.Now), new("ApplyKeepLists", "", "", "", TestStacks.Now)] },
        });
        var changed = before.Objects.Zip(after.Objects).Where(p => p.First.Hash != p.Second.Hash).Select(p => p.First.ToString());
        Assert.Equal(["ConfigMap monitoring/crime-config"], changed);
        Assert.NotEqual(before.ConfigHash, after.ConfigHash);
    }

    [Fact]
    public void Planning_twice_gives_the_same_hashes()
    {
        var first = StackPlanner.Plan(TestStacks.Snapshot(FullSpec));
        var second = StackPlanner.Plan(TestStacks.Snapshot(FullSpec));
        Assert.Equal(first.Objects.Select(o => o.Hash), second.Objects.Select(o => o.Hash));
    }

    [Fact]
    public void A_claim_never_shrinks_and_keeps_its_class()
    {
        var live = new V1PersistentVolumeClaim
        {
            Metadata = new V1ObjectMeta { Name = "crime-0-data", Namespace = "monitoring" },
            Spec = new V1PersistentVolumeClaimSpec
            {
                StorageClassName = "old",
                Resources = new V1ResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = ResourceQuantity.Parse("20Gi") } },
            },
        };
        foreach (var (size, want) in new[] { ("10Gi", "20Gi"), ("30Gi", "30Gi") })
        {
            var plan = StackPlanner.Plan(TestStacks.Snapshot($$$"""{"memory":{"budget":"256Mi"},"storage":{"size":"{{{size}}}","storageClassName":"new"}}""") with { Claims = [live] });
            var claim = plan.Objects.Single(o => o.Kind == ResourceKinds.PersistentVolumeClaims).Body["spec"]!;
            Assert.Equal(want, (string?)claim["resources"]!["requests"]!["storage"]);
            Assert.Equal("old", (string?)claim["storageClassName"]);
        }
    }

    [Fact]
    public void A_live_object_with_more_in_it_is_applied_and_one_with_less_is_not()
    {
        foreach (var planned in StackPlanner.Plan(TestStacks.Snapshot(FullSpec)).Objects)
        {
            var live = planned.Kind.DeserializeObject(Encoding.UTF8.GetBytes(planned.Body.ToJsonString()));
            Assert.True(DriftCheck.IsApplied(planned, live), planned.ToString());
        }

        var service = StackPlanner.Plan(TestStacks.Snapshot(FullSpec)).Objects.First(o => o.Kind == ResourceKinds.Services);
        var there = (V1Service)service.Kind.DeserializeObject(Encoding.UTF8.GetBytes(service.Body.ToJsonString()));
        Assert.True(DriftCheck.IsApplied(service, there with { Spec = there.Spec! with { ClusterIP = "10.0.0.1" } }));
        Assert.False(DriftCheck.IsApplied(service, there with { Spec = there.Spec! with { SessionAffinity = "ClientIP" } }));
        Assert.False(DriftCheck.IsApplied(service, there with { Metadata = there.Metadata with { Annotations = null } }));
    }

    [Fact]
    public void Quantities_compare_by_value()
    {
        var deployment = StackPlanner.Plan(TestStacks.Snapshot("""{"memory":{"budget":"1024Mi"}}""")).Objects.First(o => o.Kind == ResourceKinds.Deployments);
        var live = deployment.Body.ToJsonString().Replace("\"1Gi\"", "\"1024Mi\"", StringComparison.Ordinal);
        Assert.True(DriftCheck.IsApplied(deployment, deployment.Kind.DeserializeObject(Encoding.UTF8.GetBytes(live))));
    }

    private static void Check(string name, StackSnapshot snapshot)
    {
        var text = new StringBuilder();
        foreach (var planned in StackPlanner.Plan(snapshot).Objects)
        {
            text.Append("---\n").Append(YamlText.Write(planned.Body));
        }

        Golden.Check($"testdata/plans/{name}.golden", text.ToString());
    }
}
