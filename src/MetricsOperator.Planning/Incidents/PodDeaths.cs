using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.Planning.Incidents;

/// <summary>Reads deaths and blocks out of pod states. State, not Events: it is still there after a restart of the operator.</summary>
public static class PodDeaths
{
    /// <summary>Deaths visible in the pods, oldest first, each once. A status holds at most two per container: the one now and the one before.</summary>
    public static List<Death> Of(IEnumerable<V1Pod> pods, string serverContainer)
    {
        var deaths = new Dictionary<string, Death>(StringComparer.Ordinal);
        foreach (var pod in pods)
        {
            Add(deaths, pod, pod.Status?.InitContainerStatuses, isInit: true, serverContainer);
            Add(deaths, pod, pod.Status?.ContainerStatuses, isInit: false, serverContainer);
        }

        return [.. deaths.Values.OrderBy(d => d.FinishedAt).ThenBy(d => d.Key, StringComparer.Ordinal)];
    }

    /// <summary>How many lives of a container have ended: each restart ended one, and the newest may have ended without a restart yet.</summary>
    public static int EndedLives(V1ContainerStatus status)
    {
        var restarts = status.RestartCount ?? 0;
        return status.State?.Terminated is not null || (status.State?.Running is null && status.LastState?.Terminated is not null) ? restarts + 1 : restarts;
    }

    /// <summary>What keeps containers of the pods from starting.</summary>
    public static List<StartBlock> BlocksOf(IEnumerable<V1Pod> pods)
    {
        var blocks = new List<StartBlock>();
        foreach (var pod in pods)
        {
            var name = pod.Metadata.Name ?? "";
            foreach (var status in (pod.Status?.InitContainerStatuses ?? []).Concat(pod.Status?.ContainerStatuses ?? []))
            {
                if (status.State?.Waiting is { } waiting && BlockClass(waiting.Reason) is { } found)
                {
                    blocks.Add(new(found, name, status.Name ?? "", waiting.Reason!, waiting.Message ?? ""));
                }
            }

            var scheduled = pod.Status?.Conditions?.FirstOrDefault(c => c is { Type: "PodScheduled", Status: "False" });
            if (scheduled is not null)
            {
                blocks.Add(new(DeathClass.Unschedulable, name, "", scheduled.Reason ?? "Unschedulable", scheduled.Message ?? ""));
            }
        }

        return blocks;
    }

    private static void Add(Dictionary<string, Death> deaths, V1Pod pod, IReadOnlyList<V1ContainerStatus>? statuses, bool isInit, string serverContainer)
    {
        foreach (var status in statuses ?? [])
        {
            var newest = EndedLives(status);
            var before = status.State?.Terminated is null ? newest : newest - 1;
            foreach (var (ended, life) in new[] { (status.LastState?.Terminated, before), (status.State?.Terminated, newest) })
            {
                // An init container that did its work is no death.
                if (ended is null || (isInit && ended.ExitCode == 0))
                {
                    continue;
                }

                var death = DeathClassifier.Classify(pod, status, ended, isInit, serverContainer, life);
                deaths.TryAdd(death.Key, death);
            }
        }
    }

    private static DeathClass? BlockClass(string? reason) => reason switch
    {
        "ErrImagePull" or "ImagePullBackOff" or "InvalidImageName" or "ErrImageNeverPull" or "RegistryUnavailable" or "ImageInspectError" => DeathClass.Image,
        "CreateContainerConfigError" or "CreateContainerError" or "RunContainerError" => DeathClass.ContainerConfig,
        _ => null,
    };
}
