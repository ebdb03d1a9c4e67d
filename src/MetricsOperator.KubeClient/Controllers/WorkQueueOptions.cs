namespace MetricsOperator.KubeClient.Controllers;

/// <summary>Back-off of a work queue.</summary>
public sealed record WorkQueueOptions
{
    /// <summary>Delay after the first failure; doubles with each further one.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(5);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(1000);

    /// <summary>Up to this share is added to a back-off at random, so that keys that failed together do not return together.</summary>
    public double Jitter { get; init; } = 0.1;

    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>A key taken from a queue, and the priority it had.</summary>
public readonly record struct WorkItem<TKey>(TKey Key, int Priority)
    where TKey : notnull;

/// <summary>Usual priorities; higher goes first.</summary>
public static class WorkPriority
{
    public const int Incident = 100;
    public const int SpecChange = 50;
    public const int Dependent = 0;

    /// <summary>First list and resync.</summary>
    public const int Background = -100;
}
