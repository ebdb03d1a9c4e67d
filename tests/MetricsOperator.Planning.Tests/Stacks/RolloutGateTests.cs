using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Stacks;

namespace MetricsOperator.Planning.Tests.Stacks;

public sealed class RolloutGateTests
{
    [Fact]
    public void Healthy_replicas_change_one_at_a_time() => Assert.Equal([0], RolloutGate.MayChange([View(0, true), View(1, true)], [0, 1]));

    [Fact]
    public void A_healthy_replica_waits_for_one_that_is_down() => Assert.Empty(RolloutGate.MayChange([View(0, true), View(1, false)], [0]));

    [Fact]
    public void A_replica_that_is_down_may_always_change() => Assert.Equal([1], RolloutGate.MayChange([View(0, true), View(1, false)], [0, 1]));

    [Fact]
    public void The_next_one_waits_until_the_change_before_has_a_new_pod() => Assert.Empty(RolloutGate.MayChange([View(0, true, settled: false), View(1, true)], [1]));

    [Fact]
    public void Missing_deployments_are_all_created_at_once() =>
        Assert.Equal([0, 1, 2], RolloutGate.MayChange([.. Enumerable.Range(0, 3).Select(i => new ReplicaView(i, null, null, null))], [0, 1, 2]));

    private static ReplicaView View(int index, bool ready, bool settled = true) => new(
        index,
        new V1Pod { Status = new V1PodStatus { Conditions = [new V1PodCondition { Type = "Ready", Status = ready ? "True" : "False" }] } },
        new V1Deployment
        {
            Metadata = new V1ObjectMeta { Generation = 2 },
            Status = new V1DeploymentStatus { ObservedGeneration = settled ? 2 : 1, UpdatedReplicas = 1 },
        },
        null);
}
