using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Resources;

namespace MetricsOperator.LocalCluster.Tables;

/// <summary>The columns that <c>kubectl get</c> shows for built-in kinds; priority 1 columns come with <c>-o wide</c>.</summary>
internal static class BuiltinColumns
{
    private static readonly TableColumn Name = new("Name", "string", "Name must be unique within a namespace.", 0, Cell: (o, _) => o.NameOf(), Format: "name");
    private static readonly TableColumn Age = new("Age", "string", "Time since the object was created.", 0, Cell: (o, now) => HumanDuration.Since(o.At("metadata", "creationTimestamp"), now));

    public static IReadOnlyList<TableColumn> For(string kind) => kind switch
    {
        "Namespace" => [Name, Text("Status", o => o.StringAt("status", "phase")), Age],
        "Node" => NodeColumns.All(Name, Age),
        "Pod" => PodColumns.All(Name, Age),
        "Service" =>
        [
            Name, Text("Type", o => o.StringAt("spec", "type")), Text("Cluster-IP", o => o.StringAt("spec", "clusterIP") ?? "<none>"),
            Text("External-IP", ExternalAddress), Text("Port(s)", ServicePorts), Age, Wide("Selector", o => Labels(o.ObjectAt("spec", "selector"))),
        ],
        "Endpoints" => [Name, Text("Endpoints", EndpointAddresses), Age],
        "ConfigMap" => [Name, Number("Data", o => Count(o, "data") + Count(o, "binaryData")), Age],
        "Secret" => [Name, Text("Type", o => o.StringAt("type")), Number("Data", o => Count(o, "data")), Age],
        "Event" => EventColumns.All(Name),
        "PersistentVolumeClaim" =>
        [
            Name, Text("Status", o => o["metadata"]?["deletionTimestamp"] is not null ? "Terminating" : o.StringAt("status", "phase")), Text("Volume", o => o.StringAt("spec", "volumeName") ?? string.Empty),
            Text("Capacity", o => o.StringAt("status", "capacity", "storage") ?? string.Empty), Text("Access Modes", o => AccessModes(o.StringsAt("status", "accessModes"))),
            Text("StorageClass", o => o.StringAt("spec", "storageClassName") ?? string.Empty), Text("VolumeAttributesClass", o => o.StringAt("spec", "volumeAttributesClassName") ?? "<unset>"), Age,
            Wide("VolumeMode", o => o.StringAt("spec", "volumeMode")),
        ],
        "PersistentVolume" =>
        [
            Name, Text("Capacity", o => o.StringAt("spec", "capacity", "storage") ?? string.Empty), Text("Access Modes", o => AccessModes(o.StringsAt("spec", "accessModes"))),
            Text("Reclaim Policy", o => o.StringAt("spec", "persistentVolumeReclaimPolicy")), Text("Status", o => o.StringAt("status", "phase")),
            Text("Claim", o => o.ObjectAt("spec", "claimRef") is { } c ? $"{c.StringAt("namespace")}/{c.StringAt("name")}" : string.Empty),
            Text("StorageClass", o => o.StringAt("spec", "storageClassName") ?? string.Empty), Text("VolumeAttributesClass", o => o.StringAt("spec", "volumeAttributesClassName") ?? "<unset>"),
            Text("Reason", o => o.StringAt("status", "reason") ?? string.Empty), Age, Wide("VolumeMode", o => o.StringAt("spec", "volumeMode")),
        ],
        "ServiceAccount" => [Name, Number("Secrets", o => o.ObjectsAt("secrets").Count()), Age],
        "Deployment" =>
        [
            Name, Text("Ready", o => $"{o.LongAt("status", "readyReplicas") ?? 0}/{o.LongAt("spec", "replicas") ?? 0}"), Number("Up-to-date", o => o.LongAt("status", "updatedReplicas") ?? 0),
            Number("Available", o => o.LongAt("status", "availableReplicas") ?? 0), Age, Wide("Containers", ContainerNames), Wide("Images", ContainerImages), Wide("Selector", Selector),
        ],
        "ReplicaSet" =>
        [
            Name, Number("Desired", o => o.LongAt("spec", "replicas") ?? 0), Number("Current", o => o.LongAt("status", "replicas") ?? 0), Number("Ready", o => o.LongAt("status", "readyReplicas") ?? 0), Age,
            Wide("Containers", ContainerNames), Wide("Images", ContainerImages), Wide("Selector", Selector),
        ],
        "StatefulSet" =>
        [
            Name, Text("Ready", o => $"{o.LongAt("status", "readyReplicas") ?? 0}/{o.LongAt("spec", "replicas") ?? 0}"), Age, Wide("Containers", ContainerNames), Wide("Images", ContainerImages),
        ],
        "Ingress" =>
        [
            Name, Text("Class", o => o.StringAt("spec", "ingressClassName") ?? "<none>"), Text("Hosts", IngressHosts),
            Text("Address", o => string.Join(",", o.ObjectsAt("status", "loadBalancer", "ingress").Select(i => i.StringAt("ip") ?? i.StringAt("hostname")))),
            Text("Ports", o => o.ObjectsAt("spec", "tls").Any() ? "80, 443" : "80"), Age,
        ],
        "IngressClass" => [Name, Text("Controller", o => o.StringAt("spec", "controller")), Text("Parameters", _ => "<none>"), Age],
        "PodDisruptionBudget" =>
        [
            Name, Text("Min Available", o => Any(o.At("spec", "minAvailable")) ?? "N/A"), Text("Max Unavailable", o => Any(o.At("spec", "maxUnavailable")) ?? "N/A"),
            Number("Allowed Disruptions", o => o.LongAt("status", "disruptionsAllowed") ?? 0), Age,
        ],
        "Lease" => [Name, Text("Holder", o => o.StringAt("spec", "holderIdentity") ?? string.Empty), Age],
        "EndpointSlice" =>
        [
            Name, Text("AddressType", o => o.StringAt("addressType")), Text("Ports", o => ListOrUnset(o.ObjectsAt("ports").Select(p => Any(p["port"]) ?? "*"))),
            Text("Endpoints", o => ListOrUnset(o.ObjectsAt("endpoints").SelectMany(e => e.StringsAt("addresses")))), Age,
        ],
        "Role" or "ClusterRole" => [Name, Text("Created At", o => o.StringAt("metadata", "creationTimestamp"))],
        "RoleBinding" or "ClusterRoleBinding" =>
        [
            Name, Text("Role", o => $"{o.StringAt("roleRef", "kind")}/{o.StringAt("roleRef", "name")}"), Age, Wide("Users", o => Subjects(o, "User")), Wide("Groups", o => Subjects(o, "Group")),
            Wide("ServiceAccounts", o => Subjects(o, "ServiceAccount")),
        ],
        "CustomResourceDefinition" => [Name, Text("Created At", o => o.StringAt("metadata", "creationTimestamp"))],
        "StorageClass" =>
        [
            new("Name", "string", "Name.", 0, Cell: (o, _) => o.NameOf() + (o.StringAt("metadata", "annotations", "storageclass.kubernetes.io/is-default-class") == "true" ? " (default)" : string.Empty), Format: "name"),
            Text("Provisioner", o => o.StringAt("provisioner")), Text("ReclaimPolicy", o => o.StringAt("reclaimPolicy")), Text("VolumeBindingMode", o => o.StringAt("volumeBindingMode")),
            Text("AllowVolumeExpansion", o => o.BoolAt("allowVolumeExpansion") == true ? "true" : "false"), Age,
        ],
        _ => [Name, Age],
    };

    public static TableColumn Text(string name, Func<JsonObject, string?> cell, int priority = 0) => new(name, "string", $"{name}.", priority, Cell: (o, _) => cell(o) ?? string.Empty);

    public static TableColumn Wide(string name, Func<JsonObject, string?> cell) => Text(name, cell, 1);

    public static TableColumn Number(string name, Func<JsonObject, long> cell) => new(name, "integer", $"{name}.", 0, Cell: (o, _) => cell(o));

    /// <summary><c>a=b,c=d</c>, or &lt;none&gt;.</summary>
    public static string Labels(JsonObject? labels) => labels is { Count: > 0 } ? string.Join(",", labels.Select(l => $"{l.Key}={l.Value.AsString()}").Order(StringComparer.Ordinal)) : "<none>";

    private static string? Any(JsonNode? node) => node is null ? null : node.AsString() ?? JsonDocuments.ToText(node);

    private static long Count(JsonObject obj, string field) => obj.ObjectAt(field)?.Count ?? 0;

    private static string ContainerNames(JsonObject obj) => string.Join(",", obj.ObjectsAt("spec", "template", "spec", "containers").Select(c => c.StringAt("name")));

    private static string ContainerImages(JsonObject obj) => string.Join(",", obj.ObjectsAt("spec", "template", "spec", "containers").Select(c => c.StringAt("image")));

    private static string Selector(JsonObject obj) => Labels(obj.ObjectAt("spec", "selector", "matchLabels"));

    private static string ListOrUnset(IEnumerable<string?> values)
    {
        var all = values.ToArray();
        return all.Length switch
        {
            0 => "<unset>",
            <= 3 => string.Join(",", all),
            _ => $"{string.Join(",", all.Take(3))} + {all.Length - 3} more...",
        };
    }

    private static string Subjects(JsonObject binding, string kind) => string.Join(
        ", ",
        binding.ObjectsAt("subjects").Where(s => s.StringAt("kind") == kind).Select(s => kind == "ServiceAccount" ? $"{s.StringAt("namespace")}/{s.StringAt("name")}" : s.StringAt("name")));

    private static string AccessModes(IEnumerable<string> modes) => string.Join(",", modes.Select(m => m switch
    {
        "ReadWriteOnce" => "RWO",
        "ReadOnlyMany" => "ROX",
        "ReadWriteMany" => "RWX",
        "ReadWriteOncePod" => "RWOP",
        _ => m,
    }));

    private static string ExternalAddress(JsonObject service) => service.StringAt("spec", "type") switch
    {
        "LoadBalancer" => service.ObjectsAt("status", "loadBalancer", "ingress").Select(i => i.StringAt("ip") ?? i.StringAt("hostname")).FirstOrDefault() ?? "<pending>",
        "ExternalName" => service.StringAt("spec", "externalName") ?? "<none>",
        _ => service.StringsAt("spec", "externalIPs") is { Count: > 0 } addresses ? string.Join(",", addresses) : "<none>",
    };

    private static string ServicePorts(JsonObject service)
    {
        var ports = service.ObjectsAt("spec", "ports").Select(p => p.LongAt("nodePort") is { } node and > 0
            ? $"{p.LongAt("port")}:{node}/{p.StringAt("protocol")}"
            : $"{p.LongAt("port")}/{p.StringAt("protocol")}").ToArray();
        return ports.Length == 0 ? "<none>" : string.Join(",", ports);
    }

    private static string EndpointAddresses(JsonObject endpoints)
    {
        var all = endpoints.ObjectsAt("subsets")
            .SelectMany(s => s.ObjectsAt("ports").DefaultIfEmpty([]).SelectMany(p => s.ObjectsAt("addresses").Select(a => p.LongAt("port") is { } port ? $"{a.StringAt("ip")}:{port}" : a.StringAt("ip"))))
            .ToArray();
        return all.Length switch
        {
            0 => "<none>",
            <= 3 => string.Join(",", all),
            _ => $"{string.Join(",", all.Take(3))} + {all.Length - 3} more...",
        };
    }

    private static string IngressHosts(JsonObject ingress)
    {
        var hosts = ingress.ObjectsAt("spec", "rules").Select(r => r.StringAt("host")).Where(h => !string.IsNullOrEmpty(h)).ToArray();
        return hosts.Length == 0 ? "*" : string.Join(",", hosts);
    }
}
