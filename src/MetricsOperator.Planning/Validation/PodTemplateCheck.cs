using System.Text.Json;
using System.Text.Json.Nodes;
using MetricsOperator.Api.V1alpha1;
using MetricsOperator.Api.Validation;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.Planning.Stacks;

namespace MetricsOperator.Planning.Validation;

/// <summary>The open part of the spec: it must fit a pod template, and must not take back what the operator promises.</summary>
internal static class PodTemplateCheck
{
    public static void Check(List<FieldError> errors, PodTemplateSpec? template)
    {
        if (template is null)
        {
            return;
        }

        Fits<V1ObjectMeta>(errors, "spec.podTemplate.metadata", template.Metadata);
        if (!Fits<V1PodSpec>(errors, "spec.podTemplate.spec", template.Spec))
        {
            return;
        }

        var containers = template.Spec?["containers"] as JsonArray;
        for (var i = 0; i < containers?.Count; i++)
        {
            var path = $"spec.podTemplate.spec.containers[{i}]";
            if (containers[i] is not JsonObject container || (string?)container["name"] is not { Length: > 0 } name)
            {
                errors.Add(new($"{path}.name", "is missing; the server's container is called server"));
                continue;
            }

            if (name == StackNames.ServerContainer && container["resources"]?["limits"]?["memory"] is not null)
            {
                errors.Add(new($"{path}.resources.limits.memory", "would contradict the budget; set spec.memory.budget instead"));
            }
        }
    }

    private static bool Fits<T>(List<FieldError> errors, string path, JsonObject? json)
    {
        if (json is null)
        {
            return true;
        }

        try
        {
            json.Deserialize((System.Text.Json.Serialization.Metadata.JsonTypeInfo<T>)KubeJsonContext.Default.GetTypeInfo(typeof(T))!);
            return true;
        }
        catch (JsonException e)
        {
            errors.Add(new($"{path}{e.Path?.TrimStart('$')}", "does not fit the schema of Kubernetes"));
            return false;
        }
    }
}
