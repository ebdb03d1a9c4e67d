using MetricsOperator.Api.V1alpha1;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Operator.Stacks;
using MetricsOperator.Planning.Stacks;

namespace MetricsOperator.Operator.Tests.Support;

/// <summary>The same world through a cache that is behind by one version of the overlay.</summary>
internal sealed class StaleOverlayWorld(FakeStackWorld world, V1ConfigMap? overlay) : IStackWorld
{
    public MetricsStack? FindStack(ObjectKey key) => world.FindStack(key);

    public IReadOnlyList<MetricsKeepList> KeepListsIn(string ns) => world.KeepListsIn(ns);

    public IReadOnlyList<LiveObject> ObjectsOf(ObjectKey stack) => world.ObjectsOf(stack);

    public IReadOnlyList<V1Pod> PodsOf(ObjectKey stack) => world.PodsOf(stack);

    public V1ConfigMap? OverlayOf(ObjectKey stack) => overlay;

    public Task<V1Secret?> ReadSecretAsync(string ns, string name, CancellationToken cancellation) => world.ReadSecretAsync(ns, name, cancellation);

    public Task<ReplicaReport?> AskServerAsync(V1Pod pod, string routePrefix, CancellationToken cancellation) => world.AskServerAsync(pod, routePrefix, cancellation);

    public Task SaveOverlayAsync(V1ConfigMap value, CancellationToken cancellation) => world.SaveOverlayAsync(value, cancellation);

    public Task ApplyAsync(PlannedObject planned, bool force, CancellationToken cancellation) => world.ApplyAsync(planned, force, cancellation);

    public Task DeleteAsync(LiveObject live, CancellationToken cancellation) => world.DeleteAsync(live, cancellation);

    public Task TouchPodAsync(V1Pod pod, string configHash, CancellationToken cancellation) => world.TouchPodAsync(pod, configHash, cancellation);

    public Task WriteStatusAsync(ObjectKey stack, MetricsStackStatus status, CancellationToken cancellation) => world.WriteStatusAsync(stack, status, cancellation);

    public Task PostEventAsync(Eventsv1Event value, CancellationToken cancellation) => world.PostEventAsync(value, cancellation);
}
