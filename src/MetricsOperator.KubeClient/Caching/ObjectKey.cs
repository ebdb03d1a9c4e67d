using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Caching;

/// <summary>Namespace and name of an object; the namespace is empty for cluster-scoped kinds.</summary>
public readonly record struct ObjectKey(string Namespace, string Name)
{
    public static ObjectKey Of(V1ObjectMeta metadata) => new(metadata.Namespace ?? "", metadata.Name ?? "");

    public static ObjectKey Of(IKubernetesObject value) => Of(value.Metadata);

    /// <summary><c>namespace/name</c>, or <c>name</c>.</summary>
    public override string ToString() => Namespace.Length == 0 ? Name : Namespace + "/" + Name;
}
