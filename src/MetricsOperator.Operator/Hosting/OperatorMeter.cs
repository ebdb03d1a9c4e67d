using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MetricsOperator.KubeClient.Caching;
using MetricsOperator.Planning.Tuning;

namespace MetricsOperator.Operator.Hosting;

/// <summary>Metrics of the operator itself.</summary>
internal static class OperatorMeter
{
    private static readonly Meter Meter = new("MetricsOperator.Operator");
    private static readonly ConcurrentDictionary<ObjectKey, int> Levels = [];

    public static readonly Counter<long> Incidents = Meter.CreateCounter<long>("metricsoperator_incidents_total", description: "Deaths of servers that were counted, by cause.");
    public static readonly Counter<long> ConfigRejected = Meter.CreateCounter<long>("metricsoperator_config_rejected_total", description: "Generations of stacks whose spec could not be used.");
    public static readonly Counter<long> Relaxations = Meter.CreateCounter<long>("metricsoperator_relaxations_total", description: "Steps that were taken back.");
    public static readonly Counter<long> Writes = Meter.CreateCounter<long>("metricsoperator_writes_total", description: "Requests that changed something in the cluster, by kind and verb.");
    public static readonly ObservableGauge<int> Level = Meter.CreateObservableGauge(
        "metricsoperator_remediation_level",
        () => Levels.Select(l => new Measurement<int>(l.Value, new("namespace", l.Key.Namespace), new("name", l.Key.Name))),
        description: "Tightening steps in force, by stack.");

    public static void SetLevel(ObjectKey stack, int level) => Levels[stack] = level;

    public static void Forget(ObjectKey stack) => Levels.TryRemove(stack, out _);

    public static void Count(TuningNews news)
    {
        if (news.IsWarning)
        {
            Incidents.Add(1, new KeyValuePair<string, object?>("class", news.Reason));
        }
        else
        {
            Relaxations.Add(1);
        }
    }

    public static void CountWrite(string kind, string verb) => Writes.Add(1, new("kind", kind), new("verb", verb));
}
