using System.Diagnostics.CodeAnalysis;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Caching;

/// <summary>An index over cached objects: the values under which an object is found.</summary>
public sealed record ObjectIndex<T>(string Name, Func<T, IEnumerable<string>> Values);

public sealed class ObjectCache<T> where T : class, IKubernetesObject
{
    public ObjectCache(params IReadOnlyList<ObjectIndex<T>> indexes) => _ = indexes;
    public int Count => throw new NotImplementedException();
    public static ObjectCache<T> Of(IEnumerable<T> objects, params IReadOnlyList<ObjectIndex<T>> indexes) => throw new NotImplementedException();
    public T? Find(ObjectKey key) => throw new NotImplementedException();
    public bool TryFind(ObjectKey key, [NotNullWhen(true)] out T? value) => throw new NotImplementedException();
    public IReadOnlyList<T> All() => throw new NotImplementedException();
    public IReadOnlyList<T> InNamespace(string ns) => throw new NotImplementedException();
    public IReadOnlyList<T> OwnedBy(string ownerUid) => throw new NotImplementedException();
    public IReadOnlyList<T> ByIndex(string index, string value) => throw new NotImplementedException();
}
