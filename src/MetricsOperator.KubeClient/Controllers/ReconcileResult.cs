namespace MetricsOperator.KubeClient.Controllers;

/// <summary>How a reconcile ended.</summary>
public enum ReconcileOutcome
{
    /// <summary>Nothing to do until something changes.</summary>
    Done,

    /// <summary>Look again after a time, even if nothing changes.</summary>
    After,

    /// <summary>Try again with back-off.</summary>
    Failed,

    /// <summary>Trying again is pointless until something changes.</summary>
    Terminal,
}

/// <summary>What the controller shall do with the key next.</summary>
public sealed record ReconcileResult
{
    private ReconcileResult(ReconcileOutcome outcome, TimeSpan delay, string? reason)
    {
        Outcome = outcome;
        Delay = delay;
        Reason = reason;
    }

    /// <summary>Nothing to do until something changes.</summary>
    public static ReconcileResult Done { get; } = new(ReconcileOutcome.Done, TimeSpan.Zero, null);

    public ReconcileOutcome Outcome { get; }

    /// <summary>Set for <see cref="ReconcileOutcome.After"/>.</summary>
    public TimeSpan Delay { get; }

    /// <summary>Why it failed, for the log.</summary>
    public string? Reason { get; }

    /// <summary>Look again after <paramref name="delay"/>.</summary>
    public static ReconcileResult After(TimeSpan delay) => new(ReconcileOutcome.After, delay, null);

    /// <summary>Try again with exponential back-off.</summary>
    public static ReconcileResult Failed(string reason) => new(ReconcileOutcome.Failed, TimeSpan.Zero, reason);

    /// <summary>Wait for a change; retrying cannot help.</summary>
    public static ReconcileResult Terminal(string reason) => new(ReconcileOutcome.Terminal, TimeSpan.Zero, reason);
}
