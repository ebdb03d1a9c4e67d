using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Watching;

/// <summary>What an informer saw.</summary>
public enum InformerEventType
{
    Added,

    /// <summary>Also delivered by a resync, with old and new the same object.</summary>
    Updated,
    Deleted,
}

/// <summary>One change of the cache, delivered after the cache has it.</summary>
/// <param name="Type">What changed.</param>
/// <param name="Old">The object before; null for Added.</param>
/// <param name="New">The object after; null for Deleted.</param>
/// <param name="IsBackground">True for the first list, for a replay to a late subscriber and for a resync: work that may wait.</param>
public readonly record struct InformerEvent<T>(InformerEventType Type, T? Old, T? New, bool IsBackground)
    where T : class, IKubernetesObject
{
    /// <summary>The newest known form, also for a deletion.</summary>
    public T Object => New ?? Old!;
}
