using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;

namespace MetricsOperator.LocalCluster.Security;

/// <summary>One rule of a role.</summary>
internal sealed record PolicyRule(
    IReadOnlyList<string> Verbs,
    IReadOnlyList<string> Groups,
    IReadOnlyList<string> Resources,
    IReadOnlyList<string> Names,
    IReadOnlyList<string> Paths)
{
    public static PolicyRule FromJson(JsonObject json) => new(
        json.StringsAt("verbs"),
        json.StringsAt("apiGroups"),
        json.StringsAt("resources"),
        json.StringsAt("resourceNames"),
        json.StringsAt("nonResourceURLs"));

    public bool Allows(AccessQuestion question)
    {
        if (!Has(Verbs, question.Verb))
        {
            return false;
        }

        if (question.Path is { } path)
        {
            return Paths.Any(p => p == "*" || p == path || (p.EndsWith('*') && path.StartsWith(p[..^1], StringComparison.Ordinal)));
        }

        return Has(Groups, question.Group)
            && (Has(Resources, question.FullResource) || (question.Subresource.Length > 0 && Resources.Contains($"*/{question.Subresource}")))
            && (Names.Count == 0 || Names.Contains(question.Name));
    }

    private static bool Has(IReadOnlyList<string> allowed, string wanted) => allowed.Contains("*") || allowed.Contains(wanted);
}
