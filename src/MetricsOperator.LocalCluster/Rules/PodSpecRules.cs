using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;

namespace MetricsOperator.LocalCluster.Rules;

/// <summary>Computed defaults and checks of a pod spec, in pods and in the templates of workloads.</summary>
internal static class PodSpecRules
{
    public static void Default(JsonObject spec)
    {
        spec.Default("restartPolicy", "Always");
        spec.Default("dnsPolicy", "ClusterFirst");
        spec.Default("schedulerName", "default-scheduler");
        spec.Default("terminationGracePeriodSeconds", 30);
        spec.Default("securityContext", new JsonObject());
        if (spec.StringAt("serviceAccountName") is { Length: > 0 } account)
        {
            spec["serviceAccount"] = account;
        }
        else if (spec.StringAt("serviceAccount") is { Length: > 0 } old)
        {
            spec["serviceAccountName"] = old;
        }

        foreach (var container in Containers(spec))
        {
            container.Default("resources", new JsonObject());
            var image = container.StringAt("image") ?? string.Empty;
            container.Default("imagePullPolicy", IsLatest(image) ? "Always" : "IfNotPresent");
            DefaultRequests(container.ObjectAt("resources"));
        }

        foreach (var volume in spec.ObjectsAt("volumes"))
        {
            if (volume.Count <= 1)
            {
                volume["emptyDir"] = new JsonObject();
            }
        }
    }

    public static void Validate(JsonObject? spec, string path, List<FieldError> errors)
    {
        if (spec is null)
        {
            return;
        }

        var containers = spec.ObjectsAt("containers").ToArray();
        if (containers.Length == 0)
        {
            errors.Add(FieldError.Required($"{path}.containers"));
        }

        var volumes = spec.ObjectsAt("volumes").Select(v => v.StringAt("name")).ToHashSet(StringComparer.Ordinal);
        CheckNames(spec.ObjectsAt("volumes"), $"{path}.volumes", errors);
        CheckNames(containers, $"{path}.containers", errors);
        CheckNames(spec.ObjectsAt("initContainers"), $"{path}.initContainers", errors);
        foreach (var list in new[] { "initContainers", "containers" })
        {
            foreach (var (index, container) in spec.ObjectsAt(list).Index())
            {
                ValidateContainer(container, $"{path}.{list}[{index}]", volumes, errors);
            }
        }
    }

    /// <summary>Containers and init containers.</summary>
    public static IEnumerable<JsonObject> Containers(JsonObject spec) => spec.ObjectsAt("initContainers").Concat(spec.ObjectsAt("containers"));

    /// <summary>Guaranteed, Burstable or BestEffort.</summary>
    public static string QualityOfService(JsonObject spec)
    {
        var guaranteed = true;
        var any = false;
        foreach (var container in Containers(spec))
        {
            foreach (var resource in new[] { "cpu", "memory" })
            {
                var limit = container.At("resources", "limits", resource);
                var request = container.At("resources", "requests", resource);
                any |= limit is not null || request is not null;
                guaranteed &= limit is not null && JsonNode.DeepEquals(limit, request ?? limit);
            }
        }

        return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
    }

    private static void ValidateContainer(JsonObject container, string path, HashSet<string?> volumes, List<FieldError> errors)
    {
        if (string.IsNullOrEmpty(container.StringAt("image")))
        {
            errors.Add(FieldError.Required($"{path}.image"));
        }

        foreach (var (index, port) in container.ObjectsAt("ports").Index())
        {
            if (port.LongAt("containerPort") is < 1 or > 65535)
            {
                errors.Add(FieldError.Invalid($"{path}.ports[{index}].containerPort", port["containerPort"], "must be between 1 and 65535, inclusive"));
            }
        }

        foreach (var (index, mount) in container.ObjectsAt("volumeMounts").Index())
        {
            if (!volumes.Contains(mount.StringAt("name")))
            {
                errors.Add(new FieldError("FieldValueNotFound", $"{path}.volumeMounts[{index}].name", $"Not found: \"{mount.StringAt("name")}\""));
            }
        }

        foreach (var (index, variable) in container.ObjectsAt("env").Index())
        {
            if (variable["valueFrom"] is not null && variable.StringAt("value") is { Length: > 0 })
            {
                errors.Add(FieldError.Invalid($"{path}.env[{index}].valueFrom", string.Empty, "may not be specified when `value` is not empty"));
            }
        }

        foreach (var probe in new[] { "livenessProbe", "readinessProbe", "startupProbe" })
        {
            if (container.ObjectAt(probe) is { } check && !new[] { "exec", "httpGet", "tcpSocket", "grpc" }.Any(check.ContainsKey))
            {
                errors.Add(FieldError.Required($"{path}.{probe}", "must specify a handler type"));
            }
        }

        var limits = container.ObjectAt("resources", "limits");
        foreach (var (name, request) in container.ObjectAt("resources", "requests") ?? [])
        {
            if (limits?[name] is { } limit && Quantity.Parse(request) > Quantity.Parse(limit))
            {
                errors.Add(FieldError.Invalid($"{path}.resources.requests", request, $"must be less than or equal to {name} limit of {limit.AsString() ?? limit.ToJsonString()}"));
            }
        }
    }

    private static void CheckNames(IEnumerable<JsonObject> items, string path, List<FieldError> errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (index, item) in items.Index())
        {
            var name = item.StringAt("name") ?? string.Empty;
            if (name.Length > 0 && ObjectNames.CheckLabel(name) is { } wrong)
            {
                errors.Add(FieldError.Invalid($"{path}[{index}].name", name, wrong));
            }
            else if (!seen.Add(name))
            {
                errors.Add(FieldError.Duplicate($"{path}[{index}].name", name));
            }
        }
    }

    private static void DefaultRequests(JsonObject? resources)
    {
        foreach (var (name, limit) in resources.ObjectAt("limits") ?? [])
        {
            resources!.Ensure("requests").Default(name, limit!.DeepClone());
        }
    }

    private static bool IsLatest(string image)
    {
        var name = image[(image.LastIndexOf('/') + 1)..];
        return !name.Contains('@') && (!name.Contains(':') || name.EndsWith(":latest", StringComparison.Ordinal));
    }
}
