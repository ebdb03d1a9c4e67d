using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet.Pods;

namespace MetricsOperator.LocalCluster.Kubelet;

/// <summary>The Node object of this machine.</summary>
internal static class NodeDocument
{
    public const string NodeName = "local";

    /// <summary>Pods are reached on loopback alone, so the node has no other address either.</summary>
    public const string Address = "127.0.0.1";

    private const string KubeletVersion = "v1.32.0";

    /// <summary>What the machine has: processors and memory as this process may use them.</summary>
    public static NodeFacts Facts()
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return new NodeFacts(NodeName, Address, Environment.ProcessorCount, memory);
    }

    /// <summary>The object without its status.</summary>
    public static JsonObject New() => new()
    {
        ["apiVersion"] = "v1",
        ["kind"] = "Node",
        ["metadata"] = new JsonObject
        {
            ["name"] = NodeName,
            ["labels"] = new JsonObject
            {
                ["beta.kubernetes.io/arch"] = Architecture(),
                ["beta.kubernetes.io/os"] = "linux",
                ["kubernetes.io/arch"] = Architecture(),
                ["kubernetes.io/hostname"] = NodeName,
                ["kubernetes.io/os"] = "linux",
            },
        },
        ["spec"] = new JsonObject(),
    };

    /// <summary>The status with fresh heartbeats; times of transition are kept from the earlier status.</summary>
    public static JsonObject Status(NodeFacts facts, string dataFolder, JsonObject? earlier, DateTimeOffset now)
    {
        var disk = new DriveInfo(dataFolder).TotalSize / 1024;
        var resources = new JsonObject
        {
            ["cpu"] = facts.CpuCores.ToString(CultureInfo.InvariantCulture),
            ["ephemeral-storage"] = string.Create(CultureInfo.InvariantCulture, $"{disk}Ki"),
            ["hugepages-1Gi"] = "0",
            ["hugepages-2Mi"] = "0",
            ["memory"] = string.Create(CultureInfo.InvariantCulture, $"{facts.MemoryBytes / 1024}Ki"),
            ["pods"] = "110",
        };
        return new JsonObject
        {
            ["addresses"] = new JsonArray(
                new JsonObject { ["address"] = facts.Address, ["type"] = "InternalIP" },
                new JsonObject { ["address"] = facts.Name, ["type"] = "Hostname" }),
            ["allocatable"] = resources.DeepClone(),
            ["capacity"] = resources,
            ["conditions"] = new JsonArray(
                Condition(earlier, "MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available", now),
                Condition(earlier, "DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", now),
                Condition(earlier, "PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available", now),
                Condition(earlier, "Ready", "True", "KubeletReady", "kubelet is posting ready status", now)),
            ["nodeInfo"] = new JsonObject
            {
                ["architecture"] = Architecture(),
                ["bootID"] = ReadLine("/proc/sys/kernel/random/boot_id"),
                ["containerRuntimeVersion"] = "process://0.1.0",
                ["kernelVersion"] = ReadLine("/proc/sys/kernel/osrelease"),
                ["kubeProxyVersion"] = KubeletVersion,
                ["kubeletVersion"] = KubeletVersion,
                ["machineID"] = ReadLine("/etc/machine-id"),
                ["operatingSystem"] = "linux",
                ["osImage"] = RuntimeInformation.OSDescription,
                ["systemUUID"] = ReadLine("/etc/machine-id"),
            },
        };
    }

    private static JsonObject Condition(JsonObject? earlier, string type, string value, string reason, string message, DateTimeOffset now)
    {
        var same = earlier.ObjectsAt("conditions").FirstOrDefault(condition => condition.StringAt("type") == type && condition.StringAt("status") == value);
        return new JsonObject
        {
            ["lastHeartbeatTime"] = now.ToSeconds(),
            ["lastTransitionTime"] = same.StringAt("lastTransitionTime") ?? now.ToSeconds(),
            ["message"] = message,
            ["reason"] = reason,
            ["status"] = value,
            ["type"] = type,
        };
    }

    private static string Architecture() => RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "arm64" : "amd64";

    private static string ReadLine(string file) => File.Exists(file) ? File.ReadAllText(file).Trim() : string.Empty;
}
