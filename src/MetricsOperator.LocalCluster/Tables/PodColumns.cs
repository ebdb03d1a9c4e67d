using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;

namespace MetricsOperator.LocalCluster.Tables;

/// <summary>Columns of pods; STATUS is the most telling of phase, reasons and container states.</summary>
internal static class PodColumns
{
    public static IReadOnlyList<TableColumn> All(TableColumn name, TableColumn age) =>
    [
        name,
        BuiltinColumns.Text("Ready", Ready),
        BuiltinColumns.Text("Status", Status),
        new("Restarts", "string", "How often the containers have been restarted.", 0, Cell: (o, now) => Restarts(o, now)),
        age,
        BuiltinColumns.Wide("IP", o => o.StringAt("status", "podIP") ?? "<none>"),
        BuiltinColumns.Wide("Node", o => o.StringAt("spec", "nodeName") is { Length: > 0 } node ? node : "<none>"),
        BuiltinColumns.Wide("Nominated Node", o => o.StringAt("status", "nominatedNodeName") ?? "<none>"),
        BuiltinColumns.Wide("Readiness Gates", _ => "<none>"),
    ];

    private static string Ready(JsonObject pod) =>
        $"{pod.ObjectsAt("status", "containerStatuses").Count(c => c.BoolAt("ready") == true)}/{pod.ObjectsAt("spec", "containers").Count()}";

    private static string Status(JsonObject pod)
    {
        var text = pod.StringAt("status", "reason") is { Length: > 0 } reason ? reason : pod.StringAt("status", "phase") ?? "Unknown";
        var initializing = InitStatus(pod);
        if (initializing is not null)
        {
            text = initializing;
        }
        else
        {
            var running = false;
            foreach (var container in pod.ObjectsAt("status", "containerStatuses").Reverse())
            {
                var waiting = container.StringAt("state", "waiting", "reason");
                var terminated = container.ObjectAt("state", "terminated");
                if (!string.IsNullOrEmpty(waiting))
                {
                    text = waiting;
                }
                else if (terminated is not null)
                {
                    text = Terminated(terminated);
                }
                else if (container.BoolAt("ready") == true && container.At("state", "running") is not null)
                {
                    running = true;
                }
            }

            if (text == "Completed" && running)
            {
                text = pod.ObjectsAt("status", "conditions").Any(c => c.StringAt("type") == "Ready" && c.StringAt("status") == "True") ? "Running" : "NotReady";
            }
        }

        return pod.At("metadata", "deletionTimestamp") is null ? text : pod.StringAt("status", "reason") == "NodeLost" ? "Unknown" : "Terminating";
    }

    private static string? InitStatus(JsonObject pod)
    {
        var total = pod.ObjectsAt("spec", "initContainers").Count();
        foreach (var (index, container) in pod.ObjectsAt("status", "initContainerStatuses").Index())
        {
            var terminated = container.ObjectAt("state", "terminated");
            if (terminated?.LongAt("exitCode") == 0)
            {
                continue;
            }

            if (terminated is not null)
            {
                return "Init:" + Terminated(terminated);
            }

            var waiting = container.StringAt("state", "waiting", "reason");
            return waiting is { Length: > 0 } and not "PodInitializing" ? "Init:" + waiting : $"Init:{index}/{total}";
        }

        return null;
    }

    private static string Terminated(JsonObject state)
    {
        if (state.StringAt("reason") is { Length: > 0 } reason)
        {
            return reason;
        }

        return state.LongAt("signal") is { } signal and not 0 ? $"Signal:{signal}" : $"ExitCode:{state.LongAt("exitCode") ?? 0}";
    }

    private static string Restarts(JsonObject pod, DateTimeOffset now)
    {
        var count = 0L;
        string? last = null;
        foreach (var container in pod.ObjectsAt("status", "containerStatuses"))
        {
            count += container.LongAt("restartCount") ?? 0;
            var ended = container.StringAt("lastState", "terminated", "finishedAt");
            if (string.CompareOrdinal(ended, last) > 0)
            {
                last = ended;
            }
        }

        var text = count.ToString(CultureInfo.InvariantCulture);
        return count > 0 && last is not null ? $"{text} ({HumanDuration.Since(last, now)} ago)" : text;
    }
}
