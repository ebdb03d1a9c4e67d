using System.Text.Json.Serialization;

namespace MetricsOperator.KubeClient.Models;

/// <summary>events.k8s.io/v1 Event: what a controller did, for people. Consumers must not rely on its existence.</summary>
public sealed record Eventsv1Event : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "events.k8s.io/v1"; } = "events.k8s.io/v1";
    public string Kind { get; init => field = value ?? "Event"; } = "Event";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? EventTime { get; init; }
    public V1ObjectReference? Regarding { get; init; }
    public V1ObjectReference? Related { get; init; }

    /// <summary><c>Normal</c> or <c>Warning</c>.</summary>
    public string? Type { get; init; }

    /// <summary>CamelCase, at most 128 characters.</summary>
    public string? Reason { get; init; }

    /// <summary>CamelCase verb: what was done, at most 128 characters.</summary>
    public string? Action { get; init; }

    /// <summary>At most 1024 bytes.</summary>
    public string? Note { get; init; }
    public string? ReportingController { get; init; }
    public string? ReportingInstance { get; init; }
    public Eventsv1EventSeries? Series { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? DeprecatedFirstTimestamp { get; init; }

    [JsonConverter(typeof(KubeTimeConverter))]
    public DateTimeOffset? DeprecatedLastTimestamp { get; init; }
    public int? DeprecatedCount { get; init; }
}

/// <summary>Set from the second occurrence on.</summary>
public sealed record Eventsv1EventSeries
{
    public int? Count { get; init; }

    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? LastObservedTime { get; init; }
}

/// <summary>coordination.k8s.io/v1 Lease.</summary>
public sealed record V1Lease : IKubernetesObject
{
    public string ApiVersion { get; init => field = value ?? "coordination.k8s.io/v1"; } = "coordination.k8s.io/v1";
    public string Kind { get; init => field = value ?? "Lease"; } = "Lease";
    public V1ObjectMeta Metadata { get; init => field = value ?? new(); } = new();
    public V1LeaseSpec? Spec { get; init; }
}

/// <summary>Who leads, and until when by the holder's promise.</summary>
public sealed record V1LeaseSpec
{
    /// <summary>Empty when released.</summary>
    public string? HolderIdentity { get; init; }
    public int? LeaseDurationSeconds { get; init; }

    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? AcquireTime { get; init; }

    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? RenewTime { get; init; }
    public int? LeaseTransitions { get; init; }
}
