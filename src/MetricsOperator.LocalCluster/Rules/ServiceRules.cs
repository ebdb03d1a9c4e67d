using System.Net;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Rules;

/// <summary>Services: ports, and cluster addresses from 127.96.0.0/12, which is loopback, so that a proxy can listen on them.</summary>
internal sealed class ServiceRules : ResourceRules
{
    private const uint FirstAddress = 0x7F60_000A;
    private const uint LastAddress = 0x7F6F_FFFE;
    private const int FirstNodePort = 30000;
    private const int LastNodePort = 32767;

    public override string? CheckName(string name) => ObjectNames.CheckLabel1035(name);

    public override void Default(JsonObject obj)
    {
        var spec = obj.Ensure("spec");
        foreach (var port in spec.ObjectsAt("ports"))
        {
            if (port["targetPort"] is null && port["port"] is { } number)
            {
                port["targetPort"] = number.DeepClone();
            }
        }

        if (spec.StringAt("type") != "ExternalName")
        {
            spec.Default("ipFamilies", new JsonArray("IPv4"));
            spec.Default("ipFamilyPolicy", "SingleStack");
            spec.Default("internalTrafficPolicy", "Cluster");
            if (spec.StringAt("type") is "NodePort" or "LoadBalancer")
            {
                spec.Default("externalTrafficPolicy", "Cluster");
            }
        }
    }

    public override void PrepareForCreate(JsonObject obj, RulesContext context)
    {
        obj["status"] = new JsonObject { ["loadBalancer"] = new JsonObject() };
        Allocate(obj, context);
    }

    public override void PrepareForUpdate(JsonObject obj, JsonObject before, RulesContext context)
    {
        var spec = obj.Ensure("spec");
        if (before.StringAt("spec", "clusterIP") is { Length: > 0 } address && string.IsNullOrEmpty(spec.StringAt("clusterIP")) && spec.StringAt("type") != "ExternalName")
        {
            spec["clusterIP"] = address;
            spec["clusterIPs"] = new JsonArray(address);
        }

        foreach (var port in spec.ObjectsAt("ports"))
        {
            var same = before.ObjectsAt("spec", "ports").FirstOrDefault(p => p.LongAt("port") == port.LongAt("port") && p.StringAt("protocol") == port.StringAt("protocol"));
            if (port["nodePort"] is null && same?["nodePort"] is { } kept && spec.StringAt("type") is "NodePort" or "LoadBalancer")
            {
                port["nodePort"] = kept!.DeepClone();
            }
        }

        Allocate(obj, context);
    }

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var ports = obj.ObjectsAt("spec", "ports").ToArray();
        var headless = obj.StringAt("spec", "clusterIP") == "None";
        if (ports.Length == 0 && !headless && obj.StringAt("spec", "type") != "ExternalName")
        {
            errors.Add(FieldError.Required("spec.ports"));
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, port) in ports.Index())
        {
            var path = $"spec.ports[{index}]";
            if (port.LongAt("port") is not (>= 1 and <= 65535))
            {
                errors.Add(FieldError.Invalid($"{path}.port", port["port"], "must be between 1 and 65535, inclusive"));
            }

            if (port.LongAt("targetPort") is < 1 or > 65535)
            {
                errors.Add(FieldError.Invalid($"{path}.targetPort", port["targetPort"], "must be between 1 and 65535, inclusive"));
            }

            var name = port.StringAt("name") ?? string.Empty;
            if (ports.Length > 1 && name.Length == 0)
            {
                errors.Add(FieldError.Required($"{path}.name"));
            }
            else if (name.Length > 0 && !seen.Add(name))
            {
                errors.Add(FieldError.Duplicate($"{path}.name", name));
            }
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject before, List<FieldError> errors)
    {
        var was = before.StringAt("spec", "clusterIP");
        if (!string.IsNullOrEmpty(was) && obj.StringAt("spec", "type") != "ExternalName" && obj.StringAt("spec", "clusterIP") != was)
        {
            errors.Add(FieldError.Invalid("spec.clusterIPs[0]", obj.At("spec", "clusterIPs"), "may not change once set"));
        }
    }

    private static void Allocate(JsonObject obj, RulesContext context)
    {
        var spec = obj.Ensure("spec");
        if (spec.StringAt("type") == "ExternalName")
        {
            return;
        }

        var others = context.Store.List("services").Objects.Values.Select(s => s.Value).ToArray();
        if (string.IsNullOrEmpty(spec.StringAt("clusterIP")))
        {
            var taken = others.Select(s => s.StringAt("spec", "clusterIP")).ToHashSet(StringComparer.Ordinal);
            spec["clusterIP"] = Enumerate(Offset(context.Store)).FirstOrDefault(a => !taken.Contains(a))
                ?? throw new ApiStatusException(500, "InternalError", "failed to allocate a serviceIP: range is full");
        }

        spec["clusterIPs"] = new JsonArray(spec.StringAt("clusterIP")!);
        if (spec.StringAt("type") is "NodePort" or "LoadBalancer")
        {
            var taken = others.Where(s => s.UidOf() != obj.UidOf()).SelectMany(s => s.ObjectsAt("spec", "ports")).Select(p => p.LongAt("nodePort")).ToHashSet();
            foreach (var port in spec.ObjectsAt("ports").Where(p => p["nodePort"] is null))
            {
                var free = Enumerable.Range(FirstNodePort, LastNodePort - FirstNodePort + 1).First(p => !taken.Contains(p));
                taken.Add(free);
                port["nodePort"] = free;
            }
        }
    }

    /// <summary>Where this cluster's addresses begin; two clusters on one machine share the loopback network and had better not want the same address.</summary>
    private static uint Offset(ObjectStore store) =>
        Guid.TryParse(store.Get("namespaces", new ObjectKey(string.Empty, "kube-system"))?.Value.UidOf(), out var id) ? (uint)id.ToByteArray()[15] << 8 : 0;

    private static IEnumerable<string> Enumerate(uint offset)
    {
        for (var address = FirstAddress + offset; address <= LastAddress; address++)
        {
            yield return new IPAddress(BitConverter.GetBytes(IPAddress.HostToNetworkOrder((int)address))).ToString();
        }
    }
}
