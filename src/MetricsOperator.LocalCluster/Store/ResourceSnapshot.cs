using System.Collections.Immutable;

namespace MetricsOperator.LocalCluster.Store;

/// <summary>All objects of a resource at one revision of the store.</summary>
internal sealed record ResourceSnapshot(long Revision, ImmutableSortedDictionary<ObjectKey, StoredObject> Objects);
