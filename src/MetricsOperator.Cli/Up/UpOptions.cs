namespace MetricsOperator.Cli.Up;

/// <summary>What <c>metricsctl up</c> was asked to do.</summary>
/// <param name="Files">Manifest files; empty for the quickstart.</param>
/// <param name="DataDirectory">Where state is kept; null for a temporary directory that goes away at the end.</param>
/// <param name="Detach">Return when the stacks are ready.</param>
/// <param name="Timeout">How long the stacks may take to become ready.</param>
/// <param name="ClusterArguments">Arguments handed through to the local cluster.</param>
internal sealed record UpOptions(IReadOnlyList<string> Files, string? DataDirectory, bool Detach, TimeSpan Timeout, IReadOnlyList<string> ClusterArguments);
