namespace MetricsOperator.KubeClient.Auth;

/// <summary>A kubeconfig or in-cluster environment that cannot be used; the message names file and field.</summary>
public sealed class KubeConfigException(string message, Exception? inner = null) : Exception(message, inner);
