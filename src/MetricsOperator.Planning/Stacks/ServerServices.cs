using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.Planning.Stacks;

/// <summary>The Service in front of all replicas and the one of each replica.</summary>
internal static class ServerServices
{
    public static PlannedObject ForStack(StackSnapshot stack) => Build(
        StackMeta.Owned(stack, stack.Name, stack.Spec.Service.Annotations),
        StackNames.PodSelector(stack.Name),
        stack.Spec.Service.Type,

        // Identical servers scrape at different moments: a reader that hops between them sees graphs jump.
        stack.Spec.Replicas > 1 ? "ClientIP" : "None");

    public static PlannedObject ForReplica(StackSnapshot stack, int index) => Build(
        StackMeta.Owned(stack, StackNames.Replica(stack.Name, index), replica: index),
        StackNames.PodSelector(stack.Name, index),
        "ClusterIP",
        "None");

    private static PlannedObject Build(V1ObjectMeta metadata, Dictionary<string, string> selector, string type, string affinity) =>
        PlannedObject.Of(ResourceKinds.Services, new V1Service
        {
            Metadata = metadata,
            Spec = new V1ServiceSpec
            {
                Type = type,
                Selector = selector,
                SessionAffinity = affinity,
                Ports = [new V1ServicePort { Name = StackNames.WebPortName, Port = StackNames.WebPort, TargetPort = StackNames.WebPortName, Protocol = "TCP" }],
            },
        });
}
