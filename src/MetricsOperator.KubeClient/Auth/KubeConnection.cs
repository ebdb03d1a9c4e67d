namespace MetricsOperator.KubeClient.Auth;

/// <summary>Where the API server is and as whom to talk to it. Owns the connection pool; dispose it after the last client.</summary>
public sealed class KubeConnection : IDisposable
{
    /// <summary>Base address, for example <c>https://10.0.0.1:443/</c>.</summary>
    public Uri Server => throw new NotImplementedException();

    /// <summary>Namespace of the context or pod; <c>default</c> when none is given.</summary>
    public string Namespace => throw new NotImplementedException();

    /// <summary>Reads kubeconfig files with kubectl's rules.</summary>
    /// <param name="path">One file; null takes the list in <c>KUBECONFIG</c>, else <c>~/.kube/config</c>.</param>
    /// <param name="context">Null takes current-context.</param>
    /// <exception cref="KubeConfigException">A file is missing or does not say enough.</exception>
    public static KubeConnection FromKubeconfig(string? path = null, string? context = null) => throw new NotImplementedException();

    /// <summary>The pod's service account.</summary>
    /// <exception cref="KubeConfigException">This is not a pod.</exception>
    public static KubeConnection InCluster() => throw new NotImplementedException();

    /// <summary>In a pod the service account, elsewhere the kubeconfig.</summary>
    public static KubeConnection Default(string? path = null, string? context = null) => throw new NotImplementedException();

    public void Dispose()
    {
    }
}
