using System.Text.Json.Nodes;
using MetricsOperator.LocalCluster.Json;
using MetricsOperator.LocalCluster.Schemas;
using MetricsOperator.LocalCluster.Selectors;

namespace MetricsOperator.LocalCluster.Rules;

/// <summary>Deployments, ReplicaSets and StatefulSets: a pod template and a selector that matches it and never changes.</summary>
internal sealed class WorkloadRules(string kind) : ResourceRules
{
    /// <summary>Spec fields that a StatefulSet lets clients change.</summary>
    private static readonly string[] MutableOfStatefulSet =
        ["replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit", "persistentVolumeClaimRetentionPolicy", "minReadySeconds"];

    public override void Default(JsonObject obj)
    {
        var spec = obj.Ensure("spec");
        if (spec.ObjectAt("template", "spec") is { } pod)
        {
            PodSpecRules.Default(pod);
        }

        switch (kind)
        {
            case "Deployment" when spec.StringAt("strategy", "type") == "RollingUpdate":
                var rolling = spec.Ensure("strategy").Ensure("rollingUpdate");
                rolling.Default("maxSurge", "25%");
                rolling.Default("maxUnavailable", "25%");
                break;
            case "StatefulSet":
                if (spec.StringAt("updateStrategy", "type") == "RollingUpdate")
                {
                    spec.Ensure("updateStrategy").Ensure("rollingUpdate").Default("partition", 0);
                }

                var retention = spec.Ensure("persistentVolumeClaimRetentionPolicy");
                retention.Default("whenDeleted", "Retain");
                retention.Default("whenScaled", "Retain");
                foreach (var claim in spec.ObjectsAt("volumeClaimTemplates"))
                {
                    claim["apiVersion"] = "v1";
                    claim["kind"] = "PersistentVolumeClaim";
                    claim.Ensure("status").Default("phase", "Pending");
                }

                break;
        }
    }

    public override void PrepareForCreate(JsonObject obj, RulesContext context) => obj["status"] = kind == "Deployment" ? new JsonObject() : new JsonObject { ["replicas"] = 0 };

    public override void Validate(JsonObject obj, List<FieldError> errors)
    {
        var spec = obj.ObjectAt("spec") ?? [];
        if (spec.LongAt("replicas") < 0)
        {
            errors.Add(FieldError.Invalid("spec.replicas", spec["replicas"], "must be greater than or equal to 0"));
        }

        var selector = spec.ObjectAt("selector");
        if (selector is { } && !(selector.ObjectAt("matchLabels")?.Count > 0) && !(selector.ArrayAt("matchExpressions")?.Count > 0))
        {
            errors.Add(FieldError.Invalid("spec.selector", selector, "empty selector is invalid for deployment"));
        }
        else if (selector is not null && LabelQuery.FromSelector(selector) is { } query && !query.Matches(spec.ObjectAt("template", "metadata", "labels")))
        {
            errors.Add(FieldError.Invalid("spec.template.metadata.labels", spec.ObjectAt("template", "metadata", "labels"), "`selector` does not match template `labels`"));
        }

        ObjectNames.ValidateLabels(spec.ObjectAt("template", "metadata", "labels"), "spec.template.metadata.labels", errors);
        PodSpecRules.Validate(spec.ObjectAt("template", "spec"), "spec.template.spec", errors);
        if (spec.StringAt("template", "spec", "restartPolicy") is { } policy && policy != "Always")
        {
            errors.Add(FieldError.NotSupported("spec.template.spec.restartPolicy", policy, ["Always"]));
        }

        if (kind == "Deployment" && spec.StringAt("strategy", "type") == "Recreate" && spec.At("strategy", "rollingUpdate") is not null)
        {
            errors.Add(FieldError.Forbidden("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"));
        }
    }

    public override void ValidateUpdate(JsonObject obj, JsonObject before, List<FieldError> errors)
    {
        if (kind == "StatefulSet")
        {
            if (!JsonNode.DeepEquals(Immutable(obj), Immutable(before)))
            {
                errors.Add(FieldError.Forbidden(
                    "spec",
                    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"));
            }
        }
        else if (!JsonNode.DeepEquals(obj.At("spec", "selector"), before.At("spec", "selector")))
        {
            errors.Add(FieldError.Invalid("spec.selector", obj.At("spec", "selector"), "field is immutable"));
        }
    }

    private static JsonObject Immutable(JsonObject obj)
    {
        var spec = obj.ObjectAt("spec")?.Copy() ?? [];
        foreach (var name in MutableOfStatefulSet)
        {
            spec.Remove(name);
        }

        return spec;
    }
}
