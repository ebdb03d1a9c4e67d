namespace MetricsOperator.KubeClient.Models;

/// <summary>A top-level Kubernetes object. Types set <see cref="ApiVersion"/> and <see cref="Kind"/> themselves, because list items come without them and apply needs them.</summary>
public interface IKubernetesObject
{
    /// <summary>For example <c>apps/v1</c>.</summary>
    string ApiVersion { get; }

    /// <summary>For example <c>Deployment</c>.</summary>
    string Kind { get; }

    /// <summary>Never null; an object without metadata has an empty one.</summary>
    V1ObjectMeta Metadata { get; }
}
