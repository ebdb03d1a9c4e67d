namespace MetricsOperator.KubeClient.Resources;

/// <summary>What to list.</summary>
public sealed record ListOptions
{
    public string? LabelSelector { get; init; }
    public string? FieldSelector { get; init; }

    /// <summary>Objects per page; 0 asks for everything at once.</summary>
    public int PageSize { get; init; } = 500;

    /// <summary>Null for the newest state; "0" takes any state the server has cached.</summary>
    public string? ResourceVersion { get; init; }
}

/// <summary>What to watch.</summary>
public sealed record WatchOptions
{
    public string? LabelSelector { get; init; }
    public string? FieldSelector { get; init; }

    /// <summary>Changes after this version are delivered; null starts with the existing objects.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>The server ends the watch after this time.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The watch counts as dead when not one byte came for <see cref="Timeout"/> plus this.</summary>
    public TimeSpan IdleMargin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Called when the server has accepted the watch, before the first event.</summary>
    public Action? OnOpen { get; init; }
}

/// <summary>How to write.</summary>
public sealed record WriteOptions
{
    /// <summary>Owner of the written fields; null takes the client's.</summary>
    public string? FieldManager { get; init; }

    /// <summary>Apply only: take fields over from other managers.</summary>
    public bool Force { get; init; } = true;

    /// <summary>The server does everything but store.</summary>
    public bool DryRun { get; init; }
}

/// <summary>How to delete.</summary>
public sealed record DeleteOptions
{
    /// <summary><c>Background</c>, <c>Foreground</c> or <c>Orphan</c>; null takes the kind's default.</summary>
    public string? PropagationPolicy { get; init; }

    /// <summary>Delete only the object with this uid.</summary>
    public string? PreconditionUid { get; init; }

    /// <summary>Delete only this version.</summary>
    public string? PreconditionResourceVersion { get; init; }
    public int? GracePeriodSeconds { get; init; }
}

/// <summary>Which part of a container's log.</summary>
public sealed record PodLogOptions
{
    /// <summary>Null when the pod has one container.</summary>
    public string? Container { get; init; }
    public bool Follow { get; init; }

    /// <summary>The log of the life before this one.</summary>
    public bool Previous { get; init; }
    public int? TailLines { get; init; }
    public bool Timestamps { get; init; }
}
