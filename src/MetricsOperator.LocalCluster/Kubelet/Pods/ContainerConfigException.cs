namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>A container that cannot be made yet: something its specification names is missing. Reported as a waiting reason and retried.</summary>
internal sealed class ContainerConfigException(string reason, string message) : Exception(message)
{
    /// <summary>The waiting reason: CreateContainerConfigError, CreateContainerError, InvalidImageName.</summary>
    public string Reason { get; } = reason;
}
