using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;

namespace MetricsOperator.LocalCluster.Tables;

/// <summary>Columns of nodes.</summary>
internal static class NodeColumns
{
    private const string RolePrefix = "node-role.kubernetes.io/";

    public static IReadOnlyList<TableColumn> All(TableColumn name, TableColumn age) =>
    [
        name,
        BuiltinColumns.Text("Status", Status),
        BuiltinColumns.Text("Roles", Roles),
        age,
        BuiltinColumns.Text("Version", o => o.StringAt("status", "nodeInfo", "kubeletVersion")),
        BuiltinColumns.Wide("Internal-IP", o => Address(o, "InternalIP")),
        BuiltinColumns.Wide("External-IP", o => Address(o, "ExternalIP")),
        BuiltinColumns.Wide("OS-Image", o => o.StringAt("status", "nodeInfo", "osImage") ?? "<unknown>"),
        BuiltinColumns.Wide("Kernel-Version", o => o.StringAt("status", "nodeInfo", "kernelVersion") ?? "<unknown>"),
        BuiltinColumns.Wide("Container-Runtime", o => o.StringAt("status", "nodeInfo", "containerRuntimeVersion") ?? "<unknown>"),
    ];

    private static string Status(JsonObject node)
    {
        var text = node.ObjectsAt("status", "conditions").FirstOrDefault(c => c.StringAt("type") == "Ready")?.StringAt("status") switch
        {
            "True" => "Ready",
            null => "Unknown",
            _ => "NotReady",
        };
        return node.BoolAt("spec", "unschedulable") == true ? text + ",SchedulingDisabled" : text;
    }

    private static string Roles(JsonObject node)
    {
        var roles = (node.ObjectAt("metadata", "labels") ?? []).Where(l => l.Key.StartsWith(RolePrefix, StringComparison.Ordinal)).Select(l => l.Key[RolePrefix.Length..]).Order(StringComparer.Ordinal).ToArray();
        return roles.Length == 0 ? "<none>" : string.Join(",", roles);
    }

    private static string Address(JsonObject node, string type) =>
        node.ObjectsAt("status", "addresses").FirstOrDefault(a => a.StringAt("type") == type)?.StringAt("address") ?? "<none>";
}
