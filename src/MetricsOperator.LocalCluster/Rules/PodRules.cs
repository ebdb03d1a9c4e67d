using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Store;

namespace MetricsOperator.LocalCluster.Rules;

/// <summary>Pods: a service account that exists, a quality of service, and a spec that hardly changes.</summary>
internal sealed class PodRules : ResourceRules
{
    public override void Default(JsonObject obj)
    {
        var spec = obj.Ensure("spec");
        PodSpecRules.Default(spec);
        spec.Default("enableServiceLinks", true);
        if (spec.BoolAt("hostNetwork") == true)
        {
            foreach (var port in PodSpecRules.Containers(spec).SelectMany(c => c.ObjectsAt("ports")))
            {
                port.Default("hostPort", port["containerPort"]!.DeepClone());
            }
        }
    }

    public override void PrepareForCreate(JsonObject obj, RulesContext context)
    {
        var spec = obj.Ensure("spec");
        spec.Default("serviceAccountName", "default");
        spec["serviceAccount"] = spec.StringAt("serviceAccountName");
        spec.Default("priority", 0);
        spec.Default("preemptionPolicy", "PreemptLowerPriority");
        var account = spec.StringAt("serviceAccountName")!;
        if (context.Store.Get("serviceaccounts", new ObjectKey(obj.NamespaceOf(), account)) is null)
        {
            throw ApiErrors.Forbidden(string.Empty, "pods", obj.NameOf(), $"error looking up service account {obj.NamespaceOf()}/{account}: serviceaccount \"{account}\" not found");
        }

        obj["status"] = new JsonObject { ["phase"] = "Pending", ["qosClass"] = PodSpecRules.QualityOfService(spec) };
    }

    public override void PrepareForUpdate(JsonObject obj, JsonObject before, RulesContext context)
    {
        if (obj.ObjectAt("status") is { } status && before.StringAt("status", "qosClass") is { } quality)
        {
            status["qosClass"] = quality;
        }
    }

    public override void Validate(JsonObject obj, List<FieldError> errors) => PodSpecRules.Validate(obj.ObjectAt("spec"), "spec", errors);

    public override void ValidateUpdate(JsonObject obj, JsonObject before, List<FieldError> errors)
    {
        if (!JsonNode.DeepEquals(Fixed(obj), Fixed(before)))
        {
            errors.Add(FieldError.Forbidden(
                "spec",
                "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"));
        }
    }

    private static JsonObject Fixed(JsonObject pod)
    {
        var spec = pod.ObjectAt("spec")?.Copy() ?? [];
        foreach (var container in PodSpecRules.Containers(spec))
        {
            container.Remove("image");
            container.Remove("resources");
        }

        foreach (var name in new[] { "activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "nodeName", "ephemeralContainers", "schedulingGates" })
        {
            spec.Remove(name);
        }

        return spec;
    }
}
