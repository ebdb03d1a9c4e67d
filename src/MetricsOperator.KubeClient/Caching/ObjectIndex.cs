using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Caching;

/// <summary>A named index over cached objects: the values under which an object is found.</summary>
public sealed record ObjectIndex<T>(string Name, Func<T, IEnumerable<string>> Values)
    where T : class, IKubernetesObject
{
    /// <summary>An index named <c>label:key</c> with the value of one label.</summary>
    public static ObjectIndex<T> ByLabel(string label)
        => new("label:" + label, value => value.Metadata.Labels?.TryGetValue(label, out var text) == true ? [text] : []);
}
