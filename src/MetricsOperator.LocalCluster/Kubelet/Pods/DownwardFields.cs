using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Rules;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>The downward API: values of a pod that its containers may read from environment variables and files.</summary>
internal static class DownwardFields
{
    /// <summary>The value of a <c>fieldRef</c>, or null for a path that Kubernetes does not offer.</summary>
    public static string? Field(PodContext pod, string path)
    {
        switch (path)
        {
            case "metadata.name":
                return pod.Name;
            case "metadata.namespace":
                return pod.Namespace;
            case "metadata.uid":
                return pod.Uid;
            case "metadata.labels":
                return Lines(pod.Pod.Pairs("metadata", "labels"));
            case "metadata.annotations":
                return Lines(pod.Pod.Pairs("metadata", "annotations"));
            case "spec.nodeName":
                return pod.Node.Name;
            case "spec.serviceAccountName":
                return pod.ServiceAccount;
            case "status.podIP" or "status.podIPs":
                return pod.PodIp;
            case "status.hostIP" or "status.hostIPs":
                return pod.Node.Address;
            default:
                return Subscript(path, "metadata.labels") is { } label ? pod.Pod.StringAt("metadata", "labels", label) ?? string.Empty
                    : Subscript(path, "metadata.annotations") is { } annotation ? pod.Pod.StringAt("metadata", "annotations", annotation) ?? string.Empty
                    : null;
        }
    }

    /// <summary>
    /// The value of a <c>resourceFieldRef</c> divided by its divisor and rounded up; where the container sets no limit, what the node has. Null for an
    /// unknown resource.
    /// </summary>
    public static string? Resource(PodContext pod, JsonObject container, JsonObject reference)
    {
        var resource = reference.StringAt("resource") ?? string.Empty;
        var parts = resource.Split('.', 2);
        if (parts.Length != 2)
        {
            return null;
        }

        var source = reference.StringAt("containerName") is { } named
            ? pod.Pod.ObjectsAt("spec", "containers").FirstOrDefault(other => other.StringAt("name") == named) ?? container
            : container;
        decimal? value = source.At("resources", parts[0], parts[1]) is { } set ? Quantity.Parse(set) : null;
        value ??= (parts[0], parts[1]) switch
        {
            ("limits", "memory") => pod.Node.MemoryBytes,
            ("limits", "cpu") => pod.Node.CpuCores,
            ("requests", "memory" or "cpu") => 0,
            _ => null,
        };
        if (value is null)
        {
            return null;
        }

        var divisor = Quantity.Parse(reference.At("divisor")) is var given and not 0 ? given : 1;
        return Math.Ceiling(value.Value / divisor).ToString("0", CultureInfo.InvariantCulture);
    }

    private static string? Subscript(string path, string map) =>
        path.StartsWith(map + "['", StringComparison.Ordinal) && path.EndsWith("']", StringComparison.Ordinal) ? path[(map.Length + 2)..^2] : null;

    private static string Lines(IEnumerable<KeyValuePair<string, string>> pairs)
    {
        var lines = new StringBuilder();
        foreach (var (key, value) in pairs.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            lines.Append(key).Append("=\"").Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append("\"\n");
        }

        return lines.ToString().TrimEnd('\n');
    }
}
