namespace MetricsOperator.KubeClient.Models;

/// <summary>What the API server answers when a call fails (and for some deletes).</summary>
public sealed record V1Status
{
    public string? ApiVersion { get; init; }
    public string? Kind { get; init; }
    public V1ListMeta? Metadata { get; init; }

    /// <summary><c>Success</c> or <c>Failure</c>.</summary>
    public string? Status { get; init; }
    public string? Message { get; init; }

    /// <summary>For programs: NotFound, AlreadyExists, Conflict, Invalid, Expired, ...</summary>
    public string? Reason { get; init; }
    public V1StatusDetails? Details { get; init; }

    /// <summary>HTTP status code.</summary>
    public int? Code { get; init; }
}

/// <summary>Which object, and which of its fields, a status is about.</summary>
public sealed record V1StatusDetails
{
    public string? Name { get; init; }
    public string? Group { get; init; }
    public string? Kind { get; init; }
    public string? Uid { get; init; }
    public IReadOnlyList<V1StatusCause>? Causes { get; init; }
    public int? RetryAfterSeconds { get; init; }
}

/// <summary>One cause: for Invalid a field path, for apply conflicts the field and its other manager.</summary>
public sealed record V1StatusCause
{
    public string? Reason { get; init; }
    public string? Message { get; init; }
    public string? Field { get; init; }
}
