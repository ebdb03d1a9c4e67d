using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>A list, or one page of it.</summary>
/// <param name="Items">Objects that fit the type.</param>
/// <param name="Malformed">Objects that did not; the others are not held up by them.</param>
/// <param name="ResourceVersion">Where a watch can start.</param>
/// <param name="Continue">Token for the next page, or null.</param>
public sealed record ResourceList<T>(IReadOnlyList<T> Items, IReadOnlyList<MalformedObject> Malformed, string ResourceVersion, string? Continue)
    where T : class, IKubernetesObject;

/// <summary>An object whose JSON does not fit its type (a custom resource stored before a schema existed, for example).</summary>
/// <param name="Metadata">Its metadata.</param>
/// <param name="Error">Why, with the JSON path.</param>
public sealed record MalformedObject(V1ObjectMeta Metadata, string Error);

/// <summary>Kind of a watch event.</summary>
public enum WatchEventType
{
    Added,
    Modified,
    Deleted,

    /// <summary>Nothing changed up to this resourceVersion; only the metadata is filled in.</summary>
    Bookmark,
}

/// <summary>One line of a watch.</summary>
/// <param name="Type">What happened.</param>
/// <param name="Object">The object, or null for a bookmark and for a malformed object.</param>
/// <param name="ResourceVersion">The version the watch has reached.</param>
/// <param name="Malformed">Set when the object does not fit the type.</param>
public readonly record struct WatchEvent<T>(WatchEventType Type, T? Object, string ResourceVersion, MalformedObject? Malformed = null)
    where T : class, IKubernetesObject;
