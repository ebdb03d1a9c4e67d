namespace MetricsOperator.LocalCluster.Security;

/// <summary>May somebody do this? For other paths than resources, <see cref="Path"/> is set and the rest is empty.</summary>
internal sealed record AccessQuestion(string Verb, string Group, string Resource, string Subresource, string Namespace, string Name, string? Path = null)
{
    /// <summary>As RBAC rules name it: <c>pods</c> or <c>pods/log</c>.</summary>
    public string FullResource => Subresource.Length == 0 ? Resource : $"{Resource}/{Subresource}";
}
