using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Kubelet.Pods;

/// <summary>Makes a container's environment from its specification, in the order a kubelet applies the sources.</summary>
internal sealed class EnvironmentResolver(ClusterApi api, Uri apiUrl)
{
    /// <summary>The variables of the container. Throws <see cref="ContainerConfigException"/> when a ConfigMap, Secret or key is missing.</summary>
    public Dictionary<string, string> Resolve(PodContext pod, JsonObject container)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            ["HOSTNAME"] = pod.Name,
            ["HOME"] = pod.ContainerFolder(container.StringAt("name") ?? string.Empty),
            ["KUBERNETES_SERVICE_HOST"] = apiUrl.Host,
            ["KUBERNETES_SERVICE_PORT"] = apiUrl.Port.ToString(CultureInfo.InvariantCulture),
            ["KUBERNETES_SERVICE_PORT_HTTPS"] = apiUrl.Port.ToString(CultureInfo.InvariantCulture),
        };

        // An image brings its runtime along; a process of this machine finds .NET where this process found it.
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } dotnet)
        {
            variables["DOTNET_ROOT"] = dotnet;
        }

        if (pod.Pod.BoolAt("spec", "enableServiceLinks") != false)
        {
            AddServices(pod.Namespace, variables);
        }

        foreach (var source in container.ObjectsAt("envFrom"))
        {
            AddAll(pod, source, variables);
        }

        foreach (var entry in container.ObjectsAt("env"))
        {
            var name = entry.StringAt("name") ?? string.Empty;
            if (entry.ObjectAt("valueFrom") is { } from)
            {
                if (Referenced(pod, container, from) is { } value)
                {
                    variables[name] = value;
                }
            }
            else
            {
                variables[name] = VariableExpansion.Expand(entry.StringAt("value") ?? string.Empty, variables);
            }
        }

        return variables;
    }

    private void AddServices(string ns, Dictionary<string, string> variables)
    {
        foreach (var service in api.List("services", ns))
        {
            if (service.StringAt("spec", "clusterIP") is not { Length: > 0 } address || address == "None")
            {
                continue;
            }

            var prefix = service.NameOf().ToUpperInvariant().Replace('-', '_');
            if (prefix == "KUBERNETES" || service.ObjectsAt("spec", "ports").FirstOrDefault() is not { } first)
            {
                continue;
            }

            variables[prefix + "_SERVICE_HOST"] = address;
            variables[prefix + "_SERVICE_PORT"] = first.IntOrText("port") ?? string.Empty;
            foreach (var port in service.ObjectsAt("spec", "ports").Where(port => port.StringAt("name") is not null))
            {
                variables[$"{prefix}_SERVICE_PORT_{port.StringAt("name")!.ToUpperInvariant().Replace('-', '_')}"] = port.IntOrText("port") ?? string.Empty;
            }
        }
    }

    private void AddAll(PodContext pod, JsonObject source, Dictionary<string, string> variables)
    {
        var prefix = source.StringAt("prefix") ?? string.Empty;
        var (reference, resource, kind) = source.ObjectAt("secretRef") is { } secret ? (secret, "secrets", "secret") : (source.ObjectAt("configMapRef"), "configmaps", "configmap");
        var name = reference.StringAt("name") ?? string.Empty;
        if (api.Get(resource, pod.Namespace, name) is not { } found)
        {
            if (reference.BoolAt("optional") != true)
            {
                throw new ContainerConfigException("CreateContainerConfigError", $"{kind} \"{name}\" not found");
            }

            return;
        }

        foreach (var (key, value) in found.Pairs("data"))
        {
            variables[prefix + key] = kind == "secret" ? Decode(value) : value;
        }
    }

    private string? Referenced(PodContext pod, JsonObject container, JsonObject from)
    {
        if (from.ObjectAt("fieldRef") is { } field)
        {
            var path = field.StringAt("fieldPath") ?? string.Empty;
            return DownwardFields.Field(pod, path)
                ?? throw new ContainerConfigException("CreateContainerConfigError", $"unsupported fieldPath: {path}");
        }

        if (from.ObjectAt("resourceFieldRef") is { } resource)
        {
            return DownwardFields.Resource(pod, container, resource)
                ?? throw new ContainerConfigException("CreateContainerConfigError", $"unsupported container resource : {resource.StringAt("resource")}");
        }

        return from.ObjectAt("secretKeyRef") is { } secret
            ? Key(pod.Namespace, "secrets", "secret", "Secret", secret)
            : Key(pod.Namespace, "configmaps", "configmap", "ConfigMap", from.ObjectAt("configMapKeyRef"));
    }

    private string? Key(string ns, string resource, string word, string kind, JsonObject? reference)
    {
        var name = reference.StringAt("name") ?? string.Empty;
        var key = reference.StringAt("key") ?? string.Empty;
        var optional = reference.BoolAt("optional") == true;
        if (api.Get(resource, ns, name) is not { } found)
        {
            return optional ? null : throw new ContainerConfigException("CreateContainerConfigError", $"{word} \"{name}\" not found");
        }

        if (found.StringAt("data", key) is not { } value)
        {
            return optional ? null : throw new ContainerConfigException("CreateContainerConfigError", $"couldn't find key {key} in {kind} {ns}/{name}");
        }

        return word == "secret" ? Decode(value) : value;
    }

    private static string Decode(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));
}
