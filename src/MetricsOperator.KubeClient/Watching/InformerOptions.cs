using MetricsOperator.KubeClient.Caching;
using MetricsOperator.KubeClient.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MetricsOperator.KubeClient.Watching;

/// <summary>What an informer follows and how.</summary>
public sealed record InformerOptions<T>
    where T : class, IKubernetesObject
{
    /// <summary>Null follows all namespaces.</summary>
    public string? Namespace { get; init; }
    public string? LabelSelector { get; init; }
    public string? FieldSelector { get; init; }
    public int PageSize { get; init; } = 500;

    /// <summary>Reduces an object before it is kept.</summary>
    public Func<T, T>? Transform { get; init; }

    /// <summary>More indexes besides namespace and owner uid.</summary>
    public IReadOnlyList<ObjectIndex<T>> Indexes { get; init; } = [];

    /// <summary>Every object is delivered again, unchanged, at this period; null never.</summary>
    public TimeSpan? Resync { get; init; }

    /// <summary>A watch is asked to last between this and twice this.</summary>
    public TimeSpan MinWatchTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A watch without one byte for its timeout plus this is dead.</summary>
    public TimeSpan IdleMargin { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(200);
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);
    public TimeProvider Time { get; init; } = TimeProvider.System;
    public ILogger Logger { get; init; } = NullLogger.Instance;
}
