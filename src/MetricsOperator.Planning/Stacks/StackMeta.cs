using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Planning.Stacks;

/// <summary>Metadata of planned objects.</summary>
internal static class StackMeta
{
    /// <summary>An object that dies with the stack.</summary>
    public static V1ObjectMeta Owned(StackSnapshot stack, string name, IReadOnlyDictionary<string, string>? annotations = null, int? replica = null)
    {
        var labels = StackNames.Labels(stack.Name);
        if (replica is { } index)
        {
            labels[StackNames.ReplicaLabel] = index.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        return new V1ObjectMeta
        {
            Name = name,
            Namespace = stack.Namespace,
            Labels = labels,
            Annotations = annotations is { Count: > 0 } ? annotations : null,
            OwnerReferences = [StackNames.Owner(stack.Stack)],
        };
    }

    /// <summary>An object outside of the stack's namespace: no owner reference may cross namespaces, so labels say whose it is.</summary>
    public static V1ObjectMeta Foreign(StackSnapshot stack, string? ns)
    {
        var labels = StackNames.Labels(stack.Name);
        labels[StackNames.StackNamespaceLabel] = stack.Namespace;
        return new V1ObjectMeta { Name = StackNames.Foreign(stack.Namespace, stack.Name), Namespace = ns, Labels = labels };
    }
}
