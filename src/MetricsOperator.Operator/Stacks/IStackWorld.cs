using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using MetricsOperator.Planning.Stacks;

namespace MetricsOperator.Operator.Stacks;

/// <summary>A live object with its kind.</summary>
internal sealed record LiveObject(ResourceKind Kind, IKubernetesObject Object)
{
    public V1ObjectMeta Metadata => Object.Metadata;
}

/// <summary>
/// Everything a reconcile reads and writes. Reads come from caches, except Secrets of users and the servers' own reports. Each write is one
/// request; a crash may happen between any two.
/// </summary>
internal interface IStackWorld
{
    MetricsStack? FindStack(ObjectKey key);

    IReadOnlyList<MetricsKeepList> KeepListsIn(string ns);

    /// <summary>Objects that carry the stack's labels, in any namespace; pods are not among them.</summary>
    IReadOnlyList<LiveObject> ObjectsOf(ObjectKey stack);

    IReadOnlyList<V1Pod> PodsOf(ObjectKey stack);

    /// <summary>The overlay as it was last written or seen, whichever is newer.</summary>
    V1ConfigMap? OverlayOf(ObjectKey stack);

    Task<V1Secret?> ReadSecretAsync(string ns, string name, CancellationToken cancellation);

    /// <summary>Asks a server for its configuration; null when it does not answer soon.</summary>
    Task<ReplicaReport?> AskServerAsync(V1Pod pod, string routePrefix, CancellationToken cancellation);

    /// <summary>Creates the overlay, or replaces the version that it was read from.</summary>
    /// <exception cref="KubeApiException">Conflict: somebody else wrote it meanwhile.</exception>
    Task SaveOverlayAsync(V1ConfigMap overlay, CancellationToken cancellation);

    /// <summary>Server-side apply.</summary>
    /// <param name="planned">What to apply.</param>
    /// <param name="force">Take fields over from other managers; for objects that are known to be ours.</param>
    /// <param name="cancellation">Stops the request.</param>
    Task ApplyAsync(PlannedObject planned, bool force, CancellationToken cancellation);

    Task DeleteAsync(LiveObject live, CancellationToken cancellation);

    /// <summary>Notes the configuration hash on the pod, which makes the kubelet refresh its mounted files at once.</summary>
    Task TouchPodAsync(V1Pod pod, string configHash, CancellationToken cancellation);

    Task WriteStatusAsync(ObjectKey stack, MetricsStackStatus status, CancellationToken cancellation);

    /// <summary>Creates the Event; one of its name that exists gets the count, if there is one.</summary>
    Task PostEventAsync(Eventsv1Event value, CancellationToken cancellation);
}
