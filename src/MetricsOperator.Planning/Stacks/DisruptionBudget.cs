using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.Planning.Stacks;

/// <summary>Keeps a node drain from taking more than one of several replicas.</summary>
internal static class DisruptionBudget
{
    /// <summary>Null for a single replica: a budget would block every drain and protect nothing.</summary>
    public static PlannedObject? Build(StackSnapshot stack) => stack.Spec.Replicas < 2 || stack.Spec.Disruption.PodDisruptionBudget != "Auto"
        ? null
        : PlannedObject.Of(ResourceKinds.PodDisruptionBudgets, new V1PodDisruptionBudget
        {
            Metadata = StackMeta.Owned(stack, stack.Name),
            Spec = new V1PodDisruptionBudgetSpec
            {
                MaxUnavailable = 1,
                Selector = new V1LabelSelector { MatchLabels = StackNames.PodSelector(stack.Name) },
            },
        });
}
