using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Security;

/// <summary>Decides by the roles and bindings in the store; members of <c>system:masters</c> may do everything.</summary>
internal sealed class RbacAuthorizer(ObjectStore store)
{
    private const string GroupName = "rbac.authorization.k8s.io";
    private static readonly string[] Kinds = ["clusterrolebindings", "clusterroles", "rolebindings", "roles"];
    private volatile Policy? _policy;

    /// <summary>Whether it is allowed, and by which binding.</summary>
    public (bool Allowed, string Reason) Decide(UserIdentity user, AccessQuestion question)
    {
        if (user.Groups.Contains("system:masters"))
        {
            return (true, string.Empty);
        }

        foreach (var grant in GrantsOf(user, question.Namespace))
        {
            if (grant.Rules.Any(r => r.Allows(question)))
            {
                return (true, $"RBAC: allowed by {grant.Description}");
            }
        }

        return (false, string.Empty);
    }

    /// <summary>Every rule that the user has in the namespace.</summary>
    public IReadOnlyList<PolicyRule> RulesOf(UserIdentity user, string ns) => user.Groups.Contains("system:masters")
        ? [new PolicyRule(["*"], ["*"], ["*"], [], []), new PolicyRule(["*"], [], [], [], ["*"])]
        : [.. GrantsOf(user, ns).SelectMany(g => g.Rules)];

    private IEnumerable<Grant> GrantsOf(UserIdentity user, string ns) =>
        Current().Grants.Where(g => (g.Namespace.Length == 0 || g.Namespace == ns) && g.Subjects.Any(s => Matches(s, g.Namespace, user)));

    private static bool Matches(JsonObject subject, string bindingNamespace, UserIdentity user) => subject.StringAt("kind") switch
    {
        "User" => subject.StringAt("name") == user.Name,
        "Group" => user.Groups.Contains(subject.StringAt("name")),
        "ServiceAccount" => user.Name == $"system:serviceaccount:{subject.StringAt("namespace") ?? bindingNamespace}:{subject.StringAt("name")}",
        _ => false,
    };

    private Policy Current()
    {
        var version = Kinds.Max(k => store.LastChange($"{GroupName}/{k}"));
        var policy = _policy;
        if (policy is null || policy.Version != version)
        {
            _policy = policy = Policy.Read(store, version);
        }

        return policy;
    }

    private sealed record Grant(string Namespace, IReadOnlyList<JsonObject> Subjects, IReadOnlyList<PolicyRule> Rules, string Description);

    private sealed record Policy(long Version, IReadOnlyList<Grant> Grants)
    {
        public static Policy Read(ObjectStore store, long version)
        {
            var grants = new List<Grant>();
            var clusterRoles = store.List($"{GroupName}/clusterroles").Objects;
            var roles = store.List($"{GroupName}/roles").Objects;
            foreach (var kind in new[] { "ClusterRoleBinding", "RoleBinding" })
            {
                foreach (var binding in store.List($"{GroupName}/{kind.ToLowerInvariant()}s").Objects.Values)
                {
                    var name = binding.Value.StringAt("roleRef", "name") ?? string.Empty;
                    var role = binding.Value.StringAt("roleRef", "kind") == "ClusterRole"
                        ? clusterRoles.GetValueOrDefault(new ObjectKey(string.Empty, name))
                        : roles.GetValueOrDefault(new ObjectKey(binding.Key.Namespace, name));
                    if (role is not null)
                    {
                        grants.Add(new Grant(
                            binding.Key.Namespace,
                            [.. binding.Value.ObjectsAt("subjects")],
                            RulesOf(role.Value, clusterRoles.Values),
                            $"{kind} \"{binding.Key.Name}\" of {binding.Value.StringAt("roleRef", "kind")} \"{name}\""));
                    }
                }
            }

            return new Policy(version, grants);
        }

        private static PolicyRule[] RulesOf(JsonObject role, IEnumerable<StoredObject> clusterRoles)
        {
            var rules = role.ObjectsAt("rules").Select(PolicyRule.FromJson);
            foreach (var selector in role.ObjectsAt("aggregationRule", "clusterRoleSelectors"))
            {
                var query = Selectors.LabelQuery.FromSelector(selector)!;
                rules = rules.Concat(clusterRoles.Where(r => query.Matches(r.Value.ObjectAt("metadata", "labels"))).SelectMany(r => r.Value.ObjectsAt("rules")).Select(PolicyRule.FromJson));
            }

            return [.. rules];
        }
    }
}
