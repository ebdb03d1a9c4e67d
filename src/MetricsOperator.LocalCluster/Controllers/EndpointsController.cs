using System.Globalization;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Kubelet;

namespace MetricsOperator.LocalCluster.Controllers;

/// <summary>Keeps the EndpointSlices and the Endpoints of every Service with a selector in step with the pods it selects.</summary>
internal sealed class EndpointsController(ControllerContext context) : ObjectController("endpointslice-controller", context)
{
    private const string Slices = "discovery.k8s.io/endpointslices";
    private const string ServiceLabel = "kubernetes.io/service-name";
    private const string ManagedByLabel = "endpointslice.kubernetes.io/managed-by";
    private const string ManagedBy = "endpointslice-controller.k8s.io";

    protected override void Subscribe()
    {
        Watch("services");
        Watch("pods", pod => Api.List("services", pod.NamespaceOf()).Where(service => Selects(service, pod)).Select(QueueKey.Of)
            .Concat(Api.List(Slices, pod.NamespaceOf()).Where(slice => Mentions(slice, pod)).Select(slice => new QueueKey(pod.NamespaceOf(), slice.StringAt("metadata", "labels", ServiceLabel) ?? string.Empty))));
    }

    protected override TimeSpan? Reconcile(QueueKey key)
    {
        var service = Api.Get("services", key.Namespace, key.Name);
        if (service is null || service.IsBeingDeleted() || service.ObjectAt("spec", "selector") is not { Count: > 0 } || service.StringAt("spec", "type") == "ExternalName")
        {
            if (service is null)
            {
                Remove(key);
            }

            return null;
        }

        var pods = Api.List("pods", key.Namespace)
            .Where(pod => Selects(service, pod) && pod.StringAt("status", "podIP") is { Length: > 0 } && pod.StringAt("status", "phase") is not ("Succeeded" or "Failed"))
            .OrderBy(pod => pod.NameOf(), StringComparer.Ordinal)
            .ToList();
        WriteSlices(service, pods);
        WriteEndpoints(service, pods);
        return null;
    }

    private static bool Selects(JsonObject service, JsonObject pod) =>
        service.ObjectAt("spec", "selector") is { Count: > 0 } selector
        && selector.All(label => pod.StringAt("metadata", "labels", label.Key) == label.Value.AsString());

    private static bool Mentions(JsonObject slice, JsonObject pod) => slice.ObjectsAt("endpoints").Any(endpoint => endpoint.StringAt("targetRef", "uid") == pod.UidOf());

    /// <summary>The Service's ports as they are on this pod; a named target port that the pod does not have is left out.</summary>
    private static JsonArray Ports(JsonObject service, JsonObject? pod)
    {
        var ports = new JsonArray();
        foreach (var port in service.ObjectsAt("spec", "ports"))
        {
            var target = port.IntOrText("targetPort") ?? port.IntOrText("port") ?? string.Empty;
            if (!long.TryParse(target, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                number = pod.ObjectsAt("spec", "containers").SelectMany(container => container.ObjectsAt("ports"))
                    .FirstOrDefault(candidate => candidate.StringAt("name") == target).LongAt("containerPort") ?? 0;
            }

            if (number > 0)
            {
                var entry = new JsonObject { ["name"] = port.StringAt("name") ?? string.Empty, ["port"] = number, ["protocol"] = port.StringAt("protocol") ?? "TCP" };
                if (port.StringAt("appProtocol") is { } application)
                {
                    entry["appProtocol"] = application;
                }

                ports.Add(entry);
            }
        }

        return ports;
    }

    private static bool Publishes(JsonObject service) => service.BoolAt("spec", "publishNotReadyAddresses") == true;

    private static JsonObject TargetRef(JsonObject pod) => new()
    {
        ["kind"] = "Pod",
        ["name"] = pod.NameOf(),
        ["namespace"] = pod.NamespaceOf(),
        ["uid"] = pod.UidOf(),
    };

    private static JsonObject Endpoint(JsonObject service, JsonObject pod)
    {
        var terminating = pod.IsBeingDeleted();
        var serving = PodStates.IsReady(pod);
        var endpoint = new JsonObject
        {
            ["addresses"] = new JsonArray(pod.StringAt("status", "podIP")),
            ["conditions"] = new JsonObject
            {
                ["ready"] = Publishes(service) || (serving && !terminating),
                ["serving"] = serving,
                ["terminating"] = terminating,
            },
            ["nodeName"] = pod.StringAt("spec", "nodeName"),
            ["targetRef"] = TargetRef(pod),
        };
        if (pod.StringAt("spec", "hostname") is { Length: > 0 } hostname && pod.StringAt("spec", "subdomain") == service.NameOf())
        {
            endpoint["hostname"] = hostname;
        }

        return endpoint;
    }

    /// <summary>One slice per set of port numbers: pods may resolve a named port differently.</summary>
    private void WriteSlices(JsonObject service, List<JsonObject> pods)
    {
        var wanted = pods.GroupBy(pod => Ports(service, pod).ToJsonString(), StringComparer.Ordinal)
            .Select(group => (Ports: Ports(service, group.First()), Endpoints: new JsonArray([.. group.Select(pod => Endpoint(service, pod))])))
            .ToList();
        if (wanted.Count == 0)
        {
            wanted.Add((Ports(service, null), []));
        }

        var present = Api.List(Slices, service.NamespaceOf(), $"{ServiceLabel}={service.NameOf()},{ManagedByLabel}={ManagedBy}")
            .OrderBy(slice => slice.NameOf(), StringComparer.Ordinal).ToList();
        for (var i = 0; i < wanted.Count; i++)
        {
            var slice = i < present.Count ? present[i] : NewSlice(service);
            if (i < present.Count && JsonNode.DeepEquals(slice["ports"], wanted[i].Ports) && JsonNode.DeepEquals(slice["endpoints"], wanted[i].Endpoints))
            {
                continue;
            }

            slice["ports"] = wanted[i].Ports;
            slice["endpoints"] = wanted[i].Endpoints;
            if (i < present.Count)
            {
                Api.Update(Slices, slice, Name);
            }
            else
            {
                Api.Create(Slices, service.NamespaceOf(), slice, Name);
            }
        }

        foreach (var surplus in present.Skip(wanted.Count))
        {
            DeleteIfThere(Slices, surplus);
        }
    }

    private static JsonObject NewSlice(JsonObject service)
    {
        var labels = service.ObjectAt("metadata", "labels")?.Copy() ?? [];
        labels[ManagedByLabel] = ManagedBy;
        labels[ServiceLabel] = service.NameOf();
        return new JsonObject
        {
            ["apiVersion"] = "discovery.k8s.io/v1",
            ["kind"] = "EndpointSlice",
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{service.NameOf()}-{PodTemplates.RandomSuffix()}",
                ["generateName"] = service.NameOf() + "-",
                ["namespace"] = service.NamespaceOf(),
                ["labels"] = labels,
                ["ownerReferences"] = new JsonArray(OwnerReferences.ToController(service, "v1", "Service")),
            },
            ["addressType"] = "IPv4",
        };
    }

    private void WriteEndpoints(JsonObject service, List<JsonObject> pods)
    {
        var subsets = new JsonArray();
        foreach (var group in pods.Where(pod => !pod.IsBeingDeleted()).GroupBy(pod => Ports(service, pod).ToJsonString(), StringComparer.Ordinal))
        {
            var subset = new JsonObject();
            foreach (var (member, ready) in new[] { ("addresses", true), ("notReadyAddresses", false) })
            {
                var addresses = group.Where(pod => (Publishes(service) || PodStates.IsReady(pod)) == ready).Select(pod => (JsonNode)new JsonObject
                {
                    ["ip"] = pod.StringAt("status", "podIP"),
                    ["nodeName"] = pod.StringAt("spec", "nodeName"),
                    ["targetRef"] = TargetRef(pod),
                }).ToArray();
                if (addresses.Length > 0)
                {
                    subset[member] = new JsonArray(addresses);
                }
            }

            var ports = Ports(service, group.First());
            foreach (var port in ports.OfType<JsonObject>().Where(port => port.StringAt("name") is { Length: 0 }))
            {
                port.Remove("name");
            }

            subset["ports"] = ports;
            subsets.Add(subset);
        }

        var present = Api.Get("endpoints", service.NamespaceOf(), service.NameOf());
        if (present is null)
        {
            Api.Create(
                "endpoints",
                service.NamespaceOf(),
                new JsonObject
                {
                    ["apiVersion"] = "v1",
                    ["kind"] = "Endpoints",
                    ["metadata"] = new JsonObject
                    {
                        ["name"] = service.NameOf(),
                        ["namespace"] = service.NamespaceOf(),
                        ["labels"] = service.ObjectAt("metadata", "labels")?.DeepClone() ?? new JsonObject(),
                    },
                    ["subsets"] = subsets,
                },
                "endpoint-controller");
        }
        else if (!JsonNode.DeepEquals(present["subsets"] ?? new JsonArray(), subsets))
        {
            present["subsets"] = subsets;
            Api.Update("endpoints", present, "endpoint-controller");
        }
    }

    /// <summary>Endpoints have no owner reference in Kubernetes; they go with the Service of their name.</summary>
    private void Remove(QueueKey key)
    {
        if (Api.Get("endpoints", key.Namespace, key.Name) is { } endpoints)
        {
            DeleteIfThere("endpoints", endpoints);
        }
    }
}
