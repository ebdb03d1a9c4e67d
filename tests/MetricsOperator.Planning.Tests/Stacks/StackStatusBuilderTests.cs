using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Validation;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Incidents;
using MetricsOperator.Planning.Stacks;
using MetricsOperator.Planning.Tests.Support;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Planning.Tests.Stacks;

public sealed class StackStatusBuilderTests
{
    private static readonly StackSnapshot Snapshot = TestStacks.Snapshot("""{"replicas":2,"memory":{"budget":"256Mi"},"storage":{"size":"10Gi"}}""");
    private static readonly StackPlan Plan = StackPlanner.Plan(Snapshot);

    [Fact]
    public void Everything_in_place_is_ready_and_neither_reconciling_nor_stalled()
    {
        var status = StackStatusBuilder.Build(Seen(View(0), View(1)));
        Check(status, "Ready", "True", "AllReplicasReady");
        Check(status, "Reconciling", "False", "UpToDate");
        Check(status, "Stalled", "False", "NotStalled");
        Check(status, "StorageReady", "True", "Bound");
        Assert.Equal(2, status.ReadyReplicas);
        Assert.Equal(Plan.ConfigHash, status.Configuration!.AppliedHash);
        Assert.All(status.Conditions!, c => Assert.Equal(1, c.ObservedGeneration));
    }

    [Fact]
    public void Applied_means_that_every_replica_reports_the_hash()
    {
        var status = StackStatusBuilder.Build(Seen(View(0), View(1, report: new ReplicaReport("old", "", "ready"))));
        Check(status, "ConfigApplied", "False", "Pending");
        Assert.Contains("1/2", Condition(status, "ConfigApplied").Message);
        Check(status, "Ready", "False", "ConfigPending");
        Check(status, "Reconciling", "True", "ConfigPending");
        Assert.Null(status.Configuration!.AppliedHash);
    }

    [Fact]
    public void A_replica_that_refuses_says_why()
    {
        var status = StackStatusBuilder.Build(Seen(View(0), View(1, report: new ReplicaReport("old", "line 3: unknown field", "ready"))));
        Check(status, "ConfigApplied", "False", "Refused");
        Assert.Contains("line 3: unknown field", Condition(status, "ConfigApplied").Message);
    }

    [Fact]
    public void A_replica_that_is_not_ready_says_what_it_does()
    {
        Check(StackStatusBuilder.Build(Seen(View(0), new ReplicaView(1, null, null, null))), "Ready", "False", "Starting");
        Check(StackStatusBuilder.Build(Seen(View(0), View(1, ready: false, report: new ReplicaReport(Plan.ConfigHash, "", "replay")))), "Ready", "False", "Replaying");
        Check(StackStatusBuilder.Build(Seen(View(0), View(1, ready: false, waiting: "CrashLoopBackOff"))), "Ready", "False", "CrashLoopBackOff");
        var blocked = Seen(View(0), View(1, ready: false, waiting: "ImagePullBackOff")) with { Blocks = [new StartBlock(DeathClass.Image, "crime-1-pod", "server", "ImagePullBackOff", "no such image")] };
        Check(StackStatusBuilder.Build(blocked), "Stalled", "True", "ImagePullBackOff");
        Check(StackStatusBuilder.Build(blocked), "Ready", "False", "ImagePullBackOff");
        Check(StackStatusBuilder.Build(blocked), "Reconciling", "False", "Stalled");
    }

    [Fact]
    public void An_overloaded_stack_that_serves_is_ready()
    {
        var ledger = new TuningLedger { Steps = [new AppliedStep("RaiseInterval", "interval 15s -> 1m on job app", "75% fewer samples", "i", TestStacks.Now)] };
        var status = StackStatusBuilder.Build(Seen(View(0), View(1)) with { Ledger = ledger });
        Check(status, "Ready", "True", "AllReplicasReady");
        Check(status, "Overloaded", "True", "OutOfMemory");
        Check(StackStatusBuilder.Build(Seen(View(0), View(1)) with { Ledger = ledger with { Exhausted = true } }), "Stalled", "True", "OverloadExhausted");
    }

    [Fact]
    public void Errors_of_the_spec_are_listed_and_bounded()
    {
        var errors = Enumerable.Range(0, 1000).Select(i => new FieldError($"spec.scrape.jobs[{i}].path", new string('x', 500))).ToList();
        var status = StackStatusBuilder.Build(Seen(View(0), View(1)) with { Errors = errors });
        Check(status, "ConfigValid", "False", "InvalidField");
        Check(status, "Ready", "False", "InvalidSpec");
        Assert.True(ApiJson.Write(status).Length < 16 * 1024);
    }

    [Fact]
    public void Transition_times_move_only_when_a_status_flips()
    {
        var first = StackStatusBuilder.Build(Seen(View(0), View(1)));
        var later = Seen(View(0), View(1, report: new ReplicaReport("old", "", "ready"))) with
        {
            Now = TestStacks.Now.AddHours(1),
            Stack = Snapshot.Stack with { Status = first },
        };
        var second = StackStatusBuilder.Build(later);
        Assert.Equal(TestStacks.Now, Condition(second, "StorageReady").LastTransitionTime);
        Assert.Equal(TestStacks.Now.AddHours(1), Condition(second, "Ready").LastTransitionTime);
    }

    [Fact]
    public void Storage_says_when_it_grows_and_when_it_cannot_shrink()
    {
        Check(StackStatusBuilder.Build(Seen(View(0), View(1)) with { Claims = [Claim("10Gi", "5Gi"), Claim("10Gi", "10Gi")] }), "StorageReady", "False", "Expanding");
        Check(StackStatusBuilder.Build(Seen(View(0), View(1)) with { Claims = [Claim("20Gi", "20Gi"), Claim("20Gi", "20Gi")] }), "StorageReady", "False", "ShrinkRefused");
        Check(StackStatusBuilder.Build(Seen(View(0), View(1)) with { Claims = [Claim("10Gi", "10Gi")] }), "StorageReady", "False", "Pending");
    }

    [Fact]
    public void The_same_observation_gives_the_same_text()
    {
        var seen = Seen(View(0), View(1));
        var first = StackStatusBuilder.Build(seen);
        var again = StackStatusBuilder.Build(seen with { Now = TestStacks.Now.AddMinutes(7), Stack = Snapshot.Stack with { Status = first } });
        Assert.Equal(ApiJson.Write(first), ApiJson.Write(again));
    }

    private static StackObservation Seen(params ReplicaView[] replicas) => new()
    {
        Stack = Snapshot.Stack,
        Now = TestStacks.Now,
        Errors = [],
        Plan = Plan,
        PlannedGeneration = 1,
        Replicas = replicas,
        Claims = [Claim("10Gi", "10Gi"), Claim("10Gi", "10Gi")],
    };

    private static ReplicaView View(int index, bool ready = true, string? waiting = null, ReplicaReport? report = null) => new(
        index,
        new V1Pod
        {
            Metadata = new V1ObjectMeta { Name = $"crime-{index}-pod" },
            Status = new V1PodStatus
            {
                Conditions = [new V1PodCondition { Type = "Ready", Status = ready ? "True" : "False" }],
                ContainerStatuses = [new V1ContainerStatus { Name = "server", State = new V1ContainerState { Waiting = waiting is null ? null : new V1ContainerStateWaiting { Reason = waiting } } }],
            },
        },
        null,
        report ?? new ReplicaReport(Plan.ConfigHash, "", "ready"));

    private static V1PersistentVolumeClaim Claim(string request, string capacity) => new()
    {
        Spec = new V1PersistentVolumeClaimSpec { Resources = new V1ResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = ResourceQuantity.Parse(request) } } },
        Status = new V1PersistentVolumeClaimStatus { Phase = "Bound", Capacity = new Dictionary<string, ResourceQuantity> { ["storage"] = ResourceQuantity.Parse(capacity) } },
    };

    private static StackCondition Condition(MetricsStackStatus status, string type) => status.Conditions!.Single(c => c.Type == type);

    private static void Check(MetricsStackStatus status, string type, string value, string reason)
    {
        var condition = Condition(status, type);
        Assert.Equal((value, reason), (condition.Status, condition.Reason));
    }
}
