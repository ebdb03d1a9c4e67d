namespace MetricsOperator.KubeClient.Resources;

/// <summary>One resource of an API group version, from discovery.</summary>
/// <param name="Name">Plural; subresources have a slash (<c>pods/log</c>).</param>
/// <param name="Kind">Kind of its objects.</param>
/// <param name="Namespaced">Lives in namespaces.</param>
public sealed record ApiResource(string Name, string Kind, bool Namespaced);
