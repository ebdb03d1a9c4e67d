using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
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
            ["HOME"] = pod.ContainerFolder(container.Text("name") ?? string.Empty),
            ["KUBERNETES_SERVICE_HOST"] = apiUrl.Host,
            ["KUBERNETES_SERVICE_PORT"] = apiUrl.Port.ToString(CultureInfo.InvariantCulture),
            ["KUBERNETES_SERVICE_PORT_HTTPS"] = apiUrl.Port.ToString(CultureInfo.InvariantCulture),
        };

        // An image brings its runtime along; a process of this machine finds .NET where this process found it.
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { Length: > 0 } dotnet)
        {
            variables["DOTNET_ROOT"] = dotnet;
        }

        if (pod.Pod.Flag("spec", "enableServiceLinks") != false)
        {
            AddServices(pod.Namespace, variables);
        }

        foreach (var source in container.Items("envFrom"))
        {
            AddAll(pod, source, variables);
        }

        foreach (var entry in container.Items("env"))
        {
            var name = entry.Text("name") ?? string.Empty;
            if (entry.Map("valueFrom") is { } from)
            {
                if (Referenced(pod, container, from) is { } value)
                {
                    variables[name] = value;
                }
            }
            else
            {
                variables[name] = VariableExpansion.Expand(entry.Text("value") ?? string.Empty, variables);
            }
        }

        return variables;
    }

    private void AddServices(string ns, Dictionary<string, string> variables)
    {
        foreach (var service in api.List("services", ns))
        {
            if (service.Text("spec", "clusterIP") is not { Length: > 0 } address || address == "None")
            {
                continue;
            }

            var prefix = service.Name().ToUpperInvariant().Replace('-', '_');
            if (prefix == "KUBERNETES" || service.Items("spec", "ports").FirstOrDefault() is not { } first)
            {
                continue;
            }

            variables[prefix + "_SERVICE_HOST"] = address;
            variables[prefix + "_SERVICE_PORT"] = first.IntOrText("port") ?? string.Empty;
            foreach (var port in service.Items("spec", "ports").Where(port => port.Text("name") is not null))
            {
                variables[$"{prefix}_SERVICE_PORT_{port.Text("name")!.ToUpperInvariant().Replace('-', '_')}"] = port.IntOrText("port") ?? string.Empty;
            }
        }
    }

    private void AddAll(PodContext pod, JsonObject source, Dictionary<string, string> variables)
    {
        var prefix = source.Text("prefix") ?? string.Empty;
        var (reference, resource, kind) = source.Map("secretRef") is { } secret ? (secret, "secrets", "secret") : (source.Map("configMapRef"), "configmaps", "configmap");
        var name = reference.Text("name") ?? string.Empty;
        if (api.Get(resource, pod.Namespace, name) is not { } found)
        {
            if (reference.Flag("optional") != true)
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
        if (from.Map("fieldRef") is { } field)
        {
            var path = field.Text("fieldPath") ?? string.Empty;
            return DownwardFields.Field(pod, path)
                ?? throw new ContainerConfigException("CreateContainerConfigError", $"unsupported fieldPath: {path}");
        }

        if (from.Map("resourceFieldRef") is { } resource)
        {
            return DownwardFields.Resource(pod, container, resource)
                ?? throw new ContainerConfigException("CreateContainerConfigError", $"unsupported container resource : {resource.Text("resource")}");
        }

        return from.Map("secretKeyRef") is { } secret
            ? Key(pod.Namespace, "secrets", "secret", "Secret", secret)
            : Key(pod.Namespace, "configmaps", "configmap", "ConfigMap", from.Map("configMapKeyRef"));
    }

    private string? Key(string ns, string resource, string word, string kind, JsonObject? reference)
    {
        var name = reference.Text("name") ?? string.Empty;
        var key = reference.Text("key") ?? string.Empty;
        var optional = reference.Flag("optional") == true;
        if (api.Get(resource, ns, name) is not { } found)
        {
            return optional ? null : throw new ContainerConfigException("CreateContainerConfigError", $"{word} \"{name}\" not found");
        }

        if (found.Text("data", key) is not { } value)
        {
            return optional ? null : throw new ContainerConfigException("CreateContainerConfigError", $"couldn't find key {key} in {kind} {ns}/{name}");
        }

        return word == "secret" ? Decode(value) : value;
    }

    private static string Decode(string base64) => Encoding.UTF8.GetString(Convert.FromBase64String(base64));
}
