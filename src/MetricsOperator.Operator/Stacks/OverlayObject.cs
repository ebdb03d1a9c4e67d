using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Stacks;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Operator.Stacks;

/// <summary>The ConfigMap that holds the ledger. It is replaced under optimistic locking, not applied: two operators cannot both decide.</summary>
internal static class OverlayObject
{
    public static V1ConfigMap Build(MetricsStack stack, V1ConfigMap? current, TuningLedger ledger) => new()
    {
        Metadata = new V1ObjectMeta
        {
            Name = StackNames.Overlay(stack.Metadata.Name!),
            Namespace = stack.Metadata.Namespace,
            ResourceVersion = current?.Metadata.ResourceVersion,
            Labels = StackNames.Labels(stack.Metadata.Name!),
            OwnerReferences = [StackNames.Owner(stack)],
        },
        Data = new Dictionary<string, string> { [TuningLedger.FileName] = ledger.Write() },
    };
}
