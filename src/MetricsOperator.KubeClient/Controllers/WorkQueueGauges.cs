using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MetricsOperator.KubeClient.Diagnostics;

namespace MetricsOperator.KubeClient.Controllers;

/// <summary>The two gauges that are computed from all live queues when somebody looks.</summary>
internal static class WorkQueueGauges
{
    private static readonly ConcurrentDictionary<Registration, byte> Live = new();

    // Instruments exist as long as the meter; the fields keep the reader aware of them.
    private static readonly ObservableGauge<double> Unfinished = KubeClientMeter.Meter.CreateObservableGauge(
        "workqueue_unfinished_work_seconds", () => Measure(r => r.Sum), "s", "Sum of the ages of keys being worked on; growing without end means stuck workers.");

    private static readonly ObservableGauge<double> Longest = KubeClientMeter.Meter.CreateObservableGauge(
        "workqueue_longest_running_processor_seconds", () => Measure(r => r.Longest), "s", "Age of the oldest key being worked on.");

    /// <summary>Shows a queue until the result is disposed.</summary>
    public static IDisposable Register(string name, Func<(double Sum, double Longest)> ages)
    {
        _ = Unfinished.Enabled || Longest.Enabled;
        var registration = new Registration(name, ages);
        Live.TryAdd(registration, 0);
        return registration;
    }

    private static List<Measurement<double>> Measure(Func<(double Sum, double Longest), double> part)
        => [.. Live.Keys.Select(r => new Measurement<double>(part(r.Ages()), new KeyValuePair<string, object?>("name", r.Name)))];

    private sealed class Registration(string name, Func<(double Sum, double Longest)> ages) : IDisposable
    {
        public string Name { get; } = name;

        public Func<(double Sum, double Longest)> Ages { get; } = ages;

        public void Dispose() => Live.TryRemove(this, out _);
    }
}
