using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;

namespace MetricsOperator.Planning.Stacks;

/// <summary>
/// The service account of the servers and the least rights that discovery of the stack's targets needs: a role in each namespace that is
/// looked at, and a cluster role only for nodes, for all namespaces, and for the metrics of the API server.
/// </summary>
internal static class DiscoveryAccess
{
    private static readonly string[] Read = ["get", "list", "watch"];

    private static readonly V1PolicyRule[] TargetRules =
    [
        new() { ApiGroups = [""], Resources = ["pods", "services", "endpoints"], Verbs = Read },
        new() { ApiGroups = ["discovery.k8s.io"], Resources = ["endpointslices"], Verbs = Read },
    ];

    public static IEnumerable<PlannedObject> Build(StackSnapshot stack)
    {
        yield return PlannedObject.Of(ResourceKinds.ServiceAccounts, new V1ServiceAccount { Metadata = StackMeta.Owned(stack, StackNames.ServiceAccount(stack.Name)) });
        foreach (var ns in Namespaces(stack).Order(StringComparer.Ordinal))
        {
            var metadata = ns == stack.Namespace ? StackMeta.Owned(stack, StackNames.Discovery(stack.Name)) : StackMeta.Foreign(stack, ns);
            yield return PlannedObject.Of(ResourceKinds.Roles, new V1Role { Metadata = metadata, Rules = TargetRules });
            yield return PlannedObject.Of(ResourceKinds.RoleBindings, new V1RoleBinding
            {
                Metadata = metadata,
                RoleRef = new V1RoleRef { ApiGroup = "rbac.authorization.k8s.io", Kind = "Role", Name = metadata.Name },
                Subjects = [Subject(stack)],
            });
        }

        var rules = ClusterRules(stack).ToList();
        if (rules.Count == 0)
        {
            yield break;
        }

        var foreign = StackMeta.Foreign(stack, null);
        yield return PlannedObject.Of(ResourceKinds.ClusterRoles, new V1ClusterRole { Metadata = foreign, Rules = rules });
        yield return PlannedObject.Of(ResourceKinds.ClusterRoleBindings, new V1ClusterRoleBinding
        {
            Metadata = foreign,
            RoleRef = new V1RoleRef { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = foreign.Name },
            Subjects = [Subject(stack)],
        });
    }

    private static HashSet<string> Namespaces(StackSnapshot stack)
    {
        var namespaces = new HashSet<string>(StringComparer.Ordinal);
        foreach (var targets in Targets(stack))
        {
            if (targets.Role == KubernetesTargets.ApiServerRole)
            {
                namespaces.Add("default");
            }
            else if (targets.Role != "node" && !targets.Namespaces.Any)
            {
                namespaces.UnionWith(targets.Namespaces.Names.Count == 0 ? [stack.Namespace] : targets.Namespaces.Names);
            }
        }

        return namespaces;
    }

    private static IEnumerable<V1PolicyRule> ClusterRules(StackSnapshot stack)
    {
        if (Targets(stack).Any(t => t.Role != "node" && t.Role != KubernetesTargets.ApiServerRole && t.Namespaces.Any))
        {
            foreach (var rule in TargetRules)
            {
                yield return rule;
            }
        }

        if (Targets(stack).Any(t => t.Role == "node"))
        {
            yield return new V1PolicyRule { ApiGroups = [""], Resources = ["nodes"], Verbs = Read };
            yield return new V1PolicyRule { ApiGroups = [""], Resources = ["nodes/metrics"], Verbs = ["get"] };
        }

        if (Targets(stack).Any(t => t.Role == KubernetesTargets.ApiServerRole))
        {
            yield return new V1PolicyRule { NonResourceURLs = ["/metrics"], Verbs = ["get"] };
        }
    }

    private static IEnumerable<KubernetesTargets> Targets(StackSnapshot stack) => stack.Spec.Scrape.Jobs.Select(j => j.Kubernetes).OfType<KubernetesTargets>();

    private static Rbacv1Subject Subject(StackSnapshot stack) => new() { Kind = "ServiceAccount", Name = StackNames.ServiceAccount(stack.Name), Namespace = stack.Namespace };
}
