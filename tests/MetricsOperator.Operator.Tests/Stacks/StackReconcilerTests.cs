using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Controllers;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Operator.Stacks;
using MetricsOperator.Operator.Tests.Support;
using MetricsOperator.Planning.Stacks;
using MetricsOperator.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.Operator.Tests.Stacks;

public sealed class StackReconcilerTests
{
    private const string Pod = "crime-0-pod";

    private const string Spec = """
        {"memory":{"budget":"160Mi"},
         "scrape":{"interval":"15s","jobs":[{"name":"app","static":[{"targets":["h:1"]}],"keepList":"essentials"}]},
         "overload":{"steps":[{"name":"RaiseInterval","maxInterval":"1m"},{"name":"ApplyKeepLists"}]}}
        """;

    private readonly FakeTimeProvider _time = new();
    private readonly FakeStackWorld _world = new();
    private StackReconciler _operator;

    public StackReconcilerTests()
    {
        _world.KeepLists.Add(new MetricsKeepList { Metadata = new V1ObjectMeta { Name = "essentials", Namespace = "monitoring" }, Spec = new MetricsKeepListSpec { Metrics = ["crime_up"] } });
        _world.Stack = Stack(Spec, 1);
        _operator = NewOperator();
    }

    [Fact]
    public async Task A_new_stack_becomes_ready_and_then_nothing_is_written_any_more()
    {
        await SettleAsync();
        Assert.Equal("True", Condition("Ready").Status);
        Assert.Equal("True", Condition("ConfigApplied").Status);
        Assert.Equal("True", Condition("StorageReady").Status);
        Assert.Equal("False", Condition("Overloaded").Status);
        await AssertQuietAsync();
    }

    [Fact]
    public async Task A_settled_stack_is_looked_at_again_after_the_resync_period()
    {
        await SettleAsync();
        Assert.Equal(ReconcileResult.After(Resync), await ReconcileAsync());
    }

    [Fact]
    public async Task Configuration_is_written_before_the_servers_that_read_it()
    {
        await ReconcileAsync();
        Assert.True(_world.Writes.IndexOf("apply ConfigMap crime-config") < _world.Writes.IndexOf("apply Deployment crime-0"));
        Assert.True(_world.Writes.IndexOf("apply PersistentVolumeClaim crime-0-data") < _world.Writes.IndexOf("apply Deployment crime-0"));
    }

    [Fact]
    public async Task A_memory_death_is_written_as_ledger_then_configuration_then_pod_then_status()
    {
        await SettleAsync();
        _world.Writes.Clear();
        DieOfMemory();
        await SettleAsync();
        var reaction = _world.Writes.Where(w => !w.StartsWith("event", StringComparison.Ordinal)).Take(4);
        Assert.Equal(["save ConfigMap crime-overlay", "apply ConfigMap crime-config", $"touch Pod {Pod}", "status"], reaction);
        Assert.Equal("1m", _world.Stack!.Status!.Effective!.Interval);
        Assert.Equal("True", Condition("Ready").Status);
        Assert.Equal("True", Condition("Overloaded").Status);
        Assert.Single(_world.Events);
        Assert.DoesNotContain(_world.Writes, w => w.Contains("Deployment", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_second_memory_death_takes_the_second_step()
    {
        await SettleAsync();
        DieOfMemory();
        await SettleAsync();
        _time.Advance(TimeSpan.FromSeconds(20));
        DieOfMemory();
        await SettleAsync();
        Assert.Equal(2, _world.Stack!.Status!.Overload!.Level);
        Assert.Equal(["essentials"], _world.Stack.Status.Effective!.KeepLists);
        Assert.Contains("crime_up|scrape_.+|up", _world.ConfigText);
        Assert.Equal(2, _world.Events.Count);
        await AssertQuietAsync();
    }

    [Fact]
    public async Task A_crash_before_any_write_of_the_reaction_converges_to_one_step_and_one_incident()
    {
        for (var at = 0; ; at++)
        {
            var scene = new StackReconcilerTests();
            await scene.SettleAsync();
            scene.DieOfMemory();
            scene._world.Writes.Clear();
            scene._world.DieAtWrite = at;
            try
            {
                await scene.SettleAsync();
                Assert.True(at >= 5, $"the reaction took {at} writes only");
                return;
            }
            catch (CrashException)
            {
                scene._operator = scene.NewOperator();
                for (var resync = 0; resync < 10; resync++)
                {
                    await scene.SettleAsync();
                }
            }

            var status = scene._world.Stack!.Status!;
            Assert.Equal(1, status.Overload!.Level);
            Assert.Single(status.Overload.Incidents!);
            Assert.Single(scene._world.Events);
            Assert.Equal("1m", status.Effective!.Interval);
            Assert.Equal("True", scene.Condition("Ready").Status);
            await scene.AssertQuietAsync();
        }
    }

    [Fact]
    public async Task A_second_operator_with_an_old_view_cannot_decide_again()
    {
        await SettleAsync();
        DieOfMemory();
        var stale = _world.OverlayOf(Key);
        await ReconcileAsync();
        var old = new StaleOverlayWorld(_world, stale);
        var second = new StackReconciler(old, Settings, Resync, _time, NullLogger<StackReconciler>.Instance);
        var result = await second.ReconcileAsync(Key, CancellationToken.None);
        Assert.Equal(ReconcileOutcome.Failed, result.Outcome);
        await SettleAsync();
        Assert.Equal(1, _world.Stack!.Status!.Overload!.Level);
    }

    [Fact]
    public async Task Deaths_of_other_causes_leave_the_configuration_as_it_is()
    {
        await SettleAsync();
        var before = _world.ConfigText;
        foreach (var (exit, reason) in new[] { (143, "OOMKilled"), (137, "Error"), (78, "Error"), (74, "Error"), (70, "Error"), (0, "Completed") })
        {
            _time.Advance(TimeSpan.FromSeconds(20));
            _world.Die(Pod, exit, reason, Words(rss: 10), _time.GetUtcNow());
            await SettleAsync();
        }

        Assert.Equal(before, _world.ConfigText);
        Assert.Equal(0, _world.Stack!.Status!.Overload!.Level);
        Assert.Equal(["Bug", "DiskFailure", "BadConfig", "ProbeKill"], _world.Stack.Status.Overload.Incidents!.Select(i => i.Class));
    }

    [Fact]
    public async Task An_invalid_spec_is_reported_with_its_path_and_the_running_configuration_stays()
    {
        await SettleAsync();
        var before = _world.ConfigText;
        _world.Writes.Clear();
        Change(Spec.Replace("\"keepList\"", "\"metricRelabelings\":[{\"action\":\"drop\",\"sourceLabels\":[\"a\"],\"regex\":\"a(\"}],\"keepList\"", StringComparison.Ordinal), 2);
        await SettleAsync();
        Assert.Equal("False", Condition("ConfigValid").Status);
        Assert.Contains("spec.scrape.jobs[0].metricRelabelings[0].regex", Condition("ConfigValid").Message);
        Assert.Equal("True", Condition("Stalled").Status);
        Assert.Equal(2, _world.Stack!.Status!.ObservedGeneration);
        Assert.Equal(1, _world.Stack.Status.Configuration!.LastGoodGeneration);
        Assert.Equal(before, _world.ConfigText);
        Assert.DoesNotContain(_world.Writes, w => w.StartsWith("apply", StringComparison.Ordinal));
        await AssertQuietAsync();

        // The last good configuration is still defended.
        DieOfMemory();
        await SettleAsync();
        Assert.Contains("1m", _world.ConfigText);

        Change(Spec, 3);
        await SettleAsync();
        Assert.Equal("True", Condition("Ready").Status);
    }

    [Fact]
    public async Task A_first_spec_that_is_invalid_creates_nothing()
    {
        Change("""{"memory":{"budget":"1Mi"}}""", 1);
        Assert.Equal(ReconcileOutcome.Terminal, (await ReconcileAsync()).Outcome);
        Assert.Equal("False", Condition("ConfigValid").Status);
        Assert.Empty(_world.Objects);
    }

    [Fact]
    public async Task A_paused_stack_is_reported_and_not_touched()
    {
        await SettleAsync();
        Change(Spec.Replace("{\"memory\"", "{\"paused\":true,\"memory\"", StringComparison.Ordinal), 2);
        DieOfMemory();
        _world.Writes.Clear();
        await SettleAsync();
        Assert.Equal(["status"], _world.Writes);
        Assert.Equal("Paused", Condition("Reconciling").Reason);
        Change(Spec, 3);
        await SettleAsync();
        Assert.Equal(1, _world.Stack!.Status!.Overload!.Level);
    }

    [Fact]
    public async Task What_leaves_the_plan_is_removed_and_claims_are_kept()
    {
        Change(Spec.Replace("{\"memory\"", "{\"replicas\":2,\"ingress\":{},\"memory\"", StringComparison.Ordinal), 1);
        await SettleAsync();
        Assert.NotNull(_world.Find<V1Ingress>("crime"));
        Assert.NotNull(_world.Find<V1PodDisruptionBudget>("crime"));
        Change(Spec, 2);
        await SettleAsync();
        Assert.Null(_world.Find<V1Ingress>("crime"));
        Assert.Null(_world.Find<V1PodDisruptionBudget>("crime"));
        Assert.Null(_world.Find<V1Deployment>("crime-1"));
        Assert.NotNull(_world.Find<V1PersistentVolumeClaim>("crime-1-data"));
    }

    [Fact]
    public async Task Pod_templates_change_one_replica_at_a_time()
    {
        Change(Spec.Replace("{\"memory\"", "{\"replicas\":2,\"memory\"", StringComparison.Ordinal), 1);
        await SettleAsync();
        _world.Writes.Clear();
        Change(Spec.Replace("{\"memory\"", "{\"replicas\":2,\"image\":\"new\",\"memory\"", StringComparison.Ordinal), 2);
        await ReconcileAsync();
        Assert.Single(_world.Writes, w => w.StartsWith("apply Deployment", StringComparison.Ordinal));
        Assert.Equal("Updating", Condition("Ready").Reason);
        await SettleAsync();
        Assert.Equal(2, _world.Writes.Count(w => w.StartsWith("apply Deployment", StringComparison.Ordinal)));
        Assert.Equal("True", Condition("Ready").Status);
    }

    [Fact]
    public async Task A_missing_secret_is_named_and_nothing_changes()
    {
        await SettleAsync();
        var before = _world.ConfigText;
        Change(Spec.Replace("\"keepList\"", "\"authorization\":{\"credentials\":{\"name\":\"s\",\"key\":\"k\"}},\"keepList\"", StringComparison.Ordinal), 2);
        await SettleAsync();
        Assert.Contains("spec.scrape.jobs[0].authorization.credentials.name", Condition("ConfigValid").Message);
        Assert.Equal(before, _world.ConfigText);
        _world.Secrets["s"] = new V1Secret { Data = new Dictionary<string, byte[]> { ["k"] = [1, 2] } };
        await SettleAsync();
        Assert.Equal("True", Condition("Ready").Status);
        Assert.Equal([1, 2], _world.Find<V1Secret>("crime-credentials")!.Data!["job.app.credentials"]);
    }

    [Fact]
    public async Task A_new_stack_that_names_a_missing_secret_looks_for_it_again()
    {
        Change(Spec.Replace("\"keepList\"", "\"authorization\":{\"credentials\":{\"name\":\"s\",\"key\":\"k\"}},\"keepList\"", StringComparison.Ordinal), 1);
        var result = await ReconcileAsync();
        Assert.Equal(ReconcileOutcome.After, result.Outcome);
        Assert.InRange(result.Delay.TotalSeconds, 1, 60);
        Assert.Empty(_world.Objects);
        await AssertQuietAsync();
    }

    [Fact]
    public async Task An_event_that_could_not_be_posted_is_posted_by_the_next_attempt()
    {
        await SettleAsync();
        _world.Writes.Clear();
        DieOfMemory();
        _world.FailNextEvent = true;
        await Assert.ThrowsAsync<HttpRequestException>(async () => await SettleAsync());
        await SettleAsync();
        Assert.Single(_world.Events);
    }

    [Fact]
    public async Task Every_step_that_is_taken_back_has_its_own_event()
    {
        await SettleAsync();
        DieOfMemory();
        await SettleAsync();
        _time.Advance(TimeSpan.FromSeconds(20));
        DieOfMemory();
        await SettleAsync();
        Assert.Equal(2, _world.Stack!.Status!.Overload!.Level);
        Change(Spec.Replace("\"overload\":{", "\"overload\":{\"mode\":\"Off\",", StringComparison.Ordinal), 2);
        await SettleAsync();
        Assert.Equal(2, _world.Events.Count(e => e.Reason == "Relaxed"));
    }

    [Fact]
    public async Task An_overlay_that_cannot_be_read_stops_changes_and_says_so()
    {
        await SettleAsync();
        DieOfMemory();
        await SettleAsync();
        await _world.SaveOverlayAsync(_world.OverlayOf(Key)! with { Data = new Dictionary<string, string> { ["overlay.json"] = "{" } }, CancellationToken.None);
        _world.Writes.Clear();
        Assert.Equal(ReconcileOutcome.Terminal, (await ReconcileAsync()).Outcome);
        Assert.Equal(["status"], _world.Writes.Where(w => !w.StartsWith("event", StringComparison.Ordinal)));
        Assert.Contains("crime-overlay", Condition("Stalled").Message);
    }

    [Fact]
    public async Task A_deleted_stack_takes_its_objects_in_other_namespaces_with_it()
    {
        Change(Spec.Replace("\"jobs\":[", "\"jobs\":[{\"name\":\"api\",\"kubernetes\":{\"role\":\"apiserver\"}},", StringComparison.Ordinal), 1);
        await SettleAsync();
        Assert.NotNull(_world.Find<V1ClusterRole>("metricsoperator:monitoring:crime"));
        _world.Stack = null;
        await ReconcileAsync();
        Assert.DoesNotContain(_world.Objects, o => o.Metadata.Name!.StartsWith("metricsoperator:", StringComparison.Ordinal));
        Assert.NotNull(_world.Find<V1Deployment>("crime-0"));
    }

    [Fact]
    public async Task Quiet_time_takes_the_step_back_without_any_change_in_the_cluster()
    {
        await SettleAsync();
        DieOfMemory();
        await SettleAsync();
        _time.Advance(TimeSpan.FromMinutes(59));
        var result = await ReconcileAsync();
        Assert.InRange(result.Delay.TotalMinutes, 0, 5);
        _time.Advance(TimeSpan.FromMinutes(2));
        await SettleAsync();
        Assert.Equal(0, _world.Stack!.Status!.Overload!.Level);
        Assert.Equal("15s", _world.Stack.Status.Effective!.Interval);
        Assert.Contains(_world.Events, e => e.Reason == "Relaxed");
        await AssertQuietAsync();
    }

    private static readonly ObjectKey Key = new("monitoring", "crime");

    private static readonly TimeSpan Resync = TimeSpan.FromMinutes(3);
    private static readonly PlanningSettings Settings = new("metricsoperator/server:0.1.0", ListenOnPodIp: true);

    private static MetricsStack Stack(string spec, long generation) => new()
    {
        Metadata = new V1ObjectMeta { Name = "crime", Namespace = "monitoring", Uid = "uid-1", Generation = generation },
        Spec = ApiJson.ReadSpec(spec),
    };

    private StackReconciler NewOperator() => new(_world, Settings, Resync, _time, NullLogger<StackReconciler>.Instance);

    private void Change(string spec, long generation) => _world.Stack = Stack(spec, generation) with { Status = _world.Stack!.Status };

    private async Task<ReconcileResult> ReconcileAsync() => await _operator.ReconcileAsync(Key, CancellationToken.None);

    /// <summary>Reconciles as often as the watches of a real cluster would.</summary>
    private async Task SettleAsync()
    {
        for (var i = 0; i < 6; i++)
        {
            await ReconcileAsync();
            _world.StartPods();
        }
    }

    private async Task AssertQuietAsync()
    {
        _world.Writes.Clear();
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(6));
            await ReconcileAsync();
        }

        Assert.Empty(_world.Writes);
    }

    private StackCondition Condition(string type) => _world.Stack!.Status!.Conditions!.Single(c => c.Type == type);

    private void DieOfMemory() => _world.Die(Pod, 137, "OOMKilled", Words(rss: 158), _time.GetUtcNow());

    private string Words(long rss) =>
        $$"""{"v":1,"class":"Running","phase":"ready","configHash":"{{_world.Running[Pod]}}","rssBytes":{{rss << 20}},"heapBytes":1000,"budgetBytes":{{160L << 20}},"headSeries":1000,"samplesPerSecond":100,"top":[["crime_session_bytes_total",900]]}""";
}
