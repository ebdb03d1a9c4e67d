using MetricsOperator.Operator.Stacks;

namespace MetricsOperator.Operator.Hosting;

/// <summary>Whether the operator works: alive while its loops run, ready once its caches are filled, leader or not.</summary>
internal sealed class OperatorHealth(StackInformers informers)
{
    private volatile string? _stopped;

    /// <summary>Called when a loop that should run for ever has ended.</summary>
    public void MarkStopped(string what) => _stopped = what;

    /// <summary>Why a restart would help; null when there is no reason.</summary>
    public string? Problem() => _stopped;

    /// <summary>Why the operator cannot act yet; null when it can.</summary>
    public string? NotReady() => _stopped ?? (informers.HasSynced ? null : "caches are not filled yet");
}
