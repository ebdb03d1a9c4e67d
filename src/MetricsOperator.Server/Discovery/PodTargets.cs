using MetricsOperator.KubeClient.Models;
using MetricsOperator.Timeseries.Labels;
using static MetricsOperator.Server.Discovery.KubernetesLabels;

namespace MetricsOperator.Server.Discovery;

/// <summary>Targets and labels of pods.</summary>
internal static class PodTargets
{
    private const string Role = Prefix + "pod_";

    /// <summary>One target per declared port of every container, or one without a port for a container that declares none.</summary>
    public static IEnumerable<LabelSet> Build(V1Pod pod, Action<LabelSetBuilder> addAttached)
    {
        var address = pod.Status?.PodIP;
        if (string.IsNullOrEmpty(address))
        {
            yield break;
        }

        var common = new LabelSetBuilder();
        AddLabels(common, pod);
        common.Set(Namespace, pod.Metadata.Namespace ?? string.Empty);
        addAttached(common);
        var group = common.Build();
        foreach (var (container, isInit) in Containers(pod))
        {
            foreach (var port in container.Ports is { Count: > 0 } ports ? ports : (IReadOnlyList<V1ContainerPort?>)[null])
            {
                var target = new LabelSetBuilder(group).Set("__address__", port is null ? address : HostPort(address, port.ContainerPort));
                AddContainer(target, container, port, isInit);
                target.Set(Role + "container_id", ContainerId(pod, container, isInit));
                yield return target.Build();
            }
        }
    }

    /// <summary>What a pod says about itself, without its namespace.</summary>
    public static void AddLabels(LabelSetBuilder labels, V1Pod pod)
    {
        AddObject(labels, pod.Metadata, "pod");
        labels.Set(Role + "ip", pod.Status?.PodIP ?? string.Empty);
        labels.Set(Role + "ready", Ready(pod));
        labels.Set(Role + "phase", pod.Status?.Phase ?? string.Empty);
        labels.Set(Role + "node_name", pod.Spec?.NodeName ?? string.Empty);
        labels.Set(Role + "host_ip", pod.Status?.HostIP ?? string.Empty);
        labels.Set(Role + "uid", pod.Metadata.Uid ?? string.Empty);
        if (pod.Metadata.OwnerReferences?.FirstOrDefault(o => o.Controller == true) is { } controller)
        {
            labels.Set(Role + "controller_kind", controller.Kind ?? string.Empty);
            labels.Set(Role + "controller_name", controller.Name ?? string.Empty);
        }
    }

    /// <summary>What is known about the container, and its port, that a target belongs to.</summary>
    public static void AddContainer(LabelSetBuilder labels, V1Container container, V1ContainerPort? port, bool isInit)
    {
        labels.Set(Role + "container_name", container.Name ?? string.Empty);
        labels.Set(Role + "container_image", container.Image ?? string.Empty);
        labels.Set(Role + "container_init", Boolean(isInit));
        if (port is not null)
        {
            labels.Set(Role + "container_port_name", port.Name ?? string.Empty);
            labels.Set(Role + "container_port_number", Number(port.ContainerPort));
            labels.Set(Role + "container_port_protocol", port.Protocol ?? "TCP");
        }
    }

    public static IEnumerable<(V1Container Container, bool IsInit)> Containers(V1Pod pod)
    {
        foreach (var container in pod.Spec?.Containers ?? [])
        {
            yield return (container, false);
        }

        foreach (var container in pod.Spec?.InitContainers ?? [])
        {
            yield return (container, true);
        }
    }

    private static string Ready(V1Pod pod) => pod.Status?.Conditions?.FirstOrDefault(c => c.Type == "Ready")?.Status switch
    {
        "True" => "true",
        "False" => "false",
        _ => "unknown",
    };

    private static string ContainerId(V1Pod pod, V1Container container, bool isInit)
    {
        var statuses = isInit ? pod.Status?.InitContainerStatuses : pod.Status?.ContainerStatuses;
        return statuses?.FirstOrDefault(s => s.Name == container.Name)?.ContainerID ?? string.Empty;
    }
}
